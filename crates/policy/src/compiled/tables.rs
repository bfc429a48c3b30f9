//! The tables of a compiled policy: the buckets, and behind them the filter of ends.
//!
//! The tables lie in mapped memory, which is a part of the file read once: the mapping goes back to the system as a whole
//! when the policy is replaced, while the allocator would keep the pages of a large buffer. The file itself is not mapped,
//! as a truncated file would be a signal.

use std::io;

use memmap2::MmapMut;

use super::bucket::{BUCKET_OCTETS, Bucket};
use super::filter::FilterWord;
use crate::storage::Storage;

/// The tables in memory. Buckets are aligned to cache lines, as a mapping begins with a page.
pub(super) struct Tables {
    mapped: MmapMut,
    /// Octets of the buckets.
    filter_at: usize,
}

impl Tables {
    /// Reads the tables from `offset` on.
    ///
    /// # Errors
    /// The file cannot be read, or the system has no memory.
    pub(super) fn read(
        file: &dyn Storage,
        offset: u64,
        buckets: usize,
        filter_words: usize,
    ) -> io::Result<Self> {
        let filter_at = buckets * BUCKET_OCTETS;
        let mut mapped = MmapMut::map_anon(filter_at + filter_words * size_of::<FilterWord>())?;
        file.read_at(&mut mapped, offset)?;
        Ok(Tables { mapped, filter_at })
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.mapped
    }

    pub(super) fn buckets(&self) -> &[Bucket] {
        self.mapped.get(..self.filter_at).unwrap_or_default().as_chunks().0
    }

    pub(super) fn filter(&self) -> &[FilterWord] {
        self.mapped.get(self.filter_at..).unwrap_or_default().as_chunks().0
    }
}
