//! The records of a run before they are sorted, in mapped memory.
//!
//! A mapping is given back to the system as a whole, while the allocator keeps the pages of a large buffer: five octets
//! for each name of a million, at rest.

use std::io;

use memmap2::MmapMut;

use crate::compiled::record::RuleRecord;

/// Octets of records gathered for a run.
pub(super) const RUN_OCTETS: usize = 6 << 20;
/// Octets of the longest record.
const MAX_RECORD_OCTETS: usize = 2 + u16::MAX as usize;
/// Octets of an entry of the index: the hash, and where the record begins, both in network order.
const ENTRY_OCTETS: usize = 8 + 4;
/// Octets of the index. A record is not shorter than an entry, so that the records fill up first.
const INDEX_OCTETS: usize = RUN_OCTETS + ENTRY_OCTETS;

/// Records in the order in which they came, with an index by hash.
pub(super) struct GatheredRecords {
    /// Untouched pages of a mapping take no memory.
    records: MmapMut,
    used: usize,
    index: MmapMut,
    entries: usize,
    /// A record before it is copied.
    next: Vec<u8>,
}

impl GatheredRecords {
    /// No records.
    ///
    /// # Errors
    /// The system has no memory.
    pub(super) fn new() -> io::Result<Self> {
        Ok(GatheredRecords {
            records: MmapMut::map_anon(RUN_OCTETS + MAX_RECORD_OCTETS)?,
            used: 0,
            index: MmapMut::map_anon(INDEX_OCTETS)?,
            entries: 0,
            next: Vec::new(),
        })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// There are [`RUN_OCTETS`] of records already.
    pub(super) fn add(&mut self, hash: u64, record: &RuleRecord<'_>) -> io::Result<()> {
        self.next.clear();
        record.write(&mut self.next);
        let room =
            self.records.get_mut(self.used..).and_then(|rest| rest.get_mut(..self.next.len()));
        let entry = self.index.as_chunks_mut::<ENTRY_OCTETS>().0.get_mut(self.entries);
        let (Some(room), Some(entry)) = (room, entry) else {
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        room.copy_from_slice(&self.next);
        entry[..8].copy_from_slice(&hash.to_be_bytes());
        entry[8..].copy_from_slice(&(self.used as u32).to_be_bytes());
        self.used += self.next.len();
        self.entries += 1;
        Ok(())
    }

    /// Octets of records.
    pub(super) fn octets(&self) -> usize {
        self.used
    }

    /// Calls `take` with the hash and the octets of each record in the order of hashes, and records of equal hash as they
    /// came; then there are no records.
    ///
    /// # Errors
    /// An error of `take`.
    pub(super) fn drain(
        &mut self,
        mut take: impl FnMut(&[u8], &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let entries = self.index.as_chunks_mut::<ENTRY_OCTETS>().0;
        let entries = entries.get_mut(..self.entries).unwrap_or_default();
        entries.sort_unstable();
        for [hash @ .., a0, a1, a2, a3] in entries.iter() {
            let at = u32::from_be_bytes([*a0, *a1, *a2, *a3]) as usize;
            let rest = self.records.get(at..self.used).unwrap_or_default();
            let record = RuleRecord::octets(rest).and_then(|octets| rest.get(..octets));
            take(hash, record.unwrap_or_default())?;
        }
        (self.used, self.entries) = (0, 0);
        Ok(())
    }
}
