//! A block of entries, and the marks that readers set.

use std::sync::atomic::Ordering;

use memmap2::MmapMut;
use zoners_dns::Moment;

use super::head::{EntryHeader, HEADER_OCTETS};
use super::{BLOCK_OCTETS, UNIT_OCTETS};
use crate::sync::AtomicU64;

/// Words of one kind of mark, with one bit for each unit of the block.
pub(super) const WORDS_PER_MARK: usize = BLOCK_OCTETS / UNIT_OCTETS / 64;

/// A mark that readers set on an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The entry was read since the SIEVE hand last passed.
    Visited,
    /// A reader has claimed the refresh of the entry before its expiry.
    Claimed,
}

/// A block of entries.
#[derive(Default)]
pub(super) struct Block {
    /// A mapping of its own, so that unmapping returns the memory at once. `None` if unmapped.
    octets: Option<MmapMut>,
    pub(super) marks: Box<[AtomicU64]>,
    /// Octets up to the end of the last entry.
    pub(super) used: usize,
    /// Octets of entries that are not removed.
    pub(super) live: usize,
    /// How often the block was compacted.
    pub(super) compactions: u32,
}

impl Block {
    /// An empty block; `None` if the operating system has no memory.
    pub(super) fn new() -> Option<Self> {
        let octets = Some(MmapMut::map_anon(BLOCK_OCTETS).ok()?);
        let marks = (0..2 * WORDS_PER_MARK).map(|_| AtomicU64::new(0)).collect();
        Some(Block { octets, marks, ..Block::default() })
    }

    /// Replaces the block. The number of compactions changes, so that a cursor notices the
    /// replacement.
    pub(super) fn replace(&mut self, other: Block) {
        *self = Block { compactions: self.compactions.wrapping_add(1), ..other };
    }

    pub(super) fn is_allocated(&self) -> bool {
        self.octets.is_some()
    }

    pub(super) fn octets_mut(&mut self) -> Option<&mut [u8]> {
        self.octets.as_deref_mut()
    }

    /// The header of the entry at a unit, and the octets after the header.
    #[inline(always)]
    pub(super) fn entry(&self, unit: usize) -> Option<(&[u8; HEADER_OCTETS], &[u8])> {
        self.octets.as_deref()?.get(unit * UNIT_OCTETS..)?.split_first_chunk()
    }

    /// The value of the entry at a unit, and its expiry.
    #[inline(always)]
    pub(super) fn value(&self, unit: usize) -> Option<(&[u8], Moment)> {
        let (head, rest) = self.entry(unit)?;
        let head = EntryHeader::read(head);
        let key = usize::from(head.key);
        Some((rest.get(key..key + head.value as usize)?, head.expires))
    }

    /// Free octets after the last entry.
    pub(super) fn room(&self) -> usize {
        self.octets.as_deref().map_or(0, |octets| octets.len() - self.used)
    }

    /// The word and the bit of a mark of the entry at a unit.
    #[inline(always)]
    pub(super) fn word(&self, unit: usize, mark: Mark) -> Option<(&AtomicU64, u64)> {
        let word = unit / 64 + if mark == Mark::Visited { 0 } else { WORDS_PER_MARK };
        Some((self.marks.get(word)?, 1 << (unit % 64)))
    }

    /// Sets a mark. True if the mark was not set before.
    #[inline(always)]
    pub(super) fn mark(&self, unit: usize, mark: Mark) -> bool {
        let Some((word, bit)) = self.word(unit, mark) else { return false };
        // Read before writing: a cache line that is only read is shared by all processors.
        word.load(Ordering::Relaxed) & bit == 0 && word.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    pub(super) fn set(&self, unit: usize, mark: Mark, to: bool) {
        let Some((word, bit)) = self.word(unit, mark) else { return };
        match to {
            true => word.fetch_or(bit, Ordering::Relaxed),
            false => word.fetch_and(!bit, Ordering::Relaxed),
        };
    }
}
