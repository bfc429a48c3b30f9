//! A block of entries, and what is noted of them by those who only read.

use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapMut;
use zoners_dns::Moment;

use super::head::{EntryHeader, HEAD};
use super::{BLOCK, UNIT};

/// Words of a kind of mark, which a block has one of for each unit.
pub(super) const WORDS: usize = BLOCK / UNIT / 64;

/// What is noted of an entry by those who only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It was of use since the hand last came by.
    Visited,
    /// Another will be there when it expires: the first reader that saw it coming sees to that.
    Claimed,
}

/// Entries one behind the other.
#[derive(Default)]
pub(super) struct Block {
    /// Mapped by itself, so that the system has it back at once; `None`, if it has.
    octets: Option<MmapMut>,
    pub(super) marks: Box<[AtomicU64]>,
    /// Octets up to the end of the last entry.
    pub(super) used: usize,
    /// Of these, octets of entries that have not gone.
    pub(super) live: usize,
    /// How often it was slid together.
    pub(super) slid: u32,
}

impl Block {
    /// An empty one; `None` if the system has none.
    pub(super) fn new() -> Option<Self> {
        let octets = Some(MmapMut::map_anon(BLOCK).ok()?);
        let marks = (0..2 * WORDS).map(|_| AtomicU64::new(0)).collect();
        Some(Block { octets, marks, ..Block::default() })
    }

    /// Puts another in its place, which a visit notices.
    pub(super) fn replace(&mut self, other: Block) {
        *self = Block { slid: self.slid.wrapping_add(1), ..other };
    }

    pub(super) fn is_allocated(&self) -> bool {
        self.octets.is_some()
    }

    pub(super) fn octets_mut(&mut self) -> Option<&mut [u8]> {
        self.octets.as_deref_mut()
    }

    /// What the entry at a unit begins with, and the octets from its key on.
    #[inline(always)]
    pub(super) fn entry(&self, unit: usize) -> Option<(&[u8; HEAD], &[u8])> {
        self.octets.as_deref()?.get(unit * UNIT..)?.split_first_chunk()
    }

    /// The value of the entry that begins at a unit, and when it expires.
    #[inline(always)]
    pub(super) fn value(&self, unit: usize) -> Option<(&[u8], Moment)> {
        let (head, rest) = self.entry(unit)?;
        let head = EntryHeader::read(head);
        let key = usize::from(head.key);
        Some((rest.get(key..key + head.value as usize)?, head.expires))
    }

    /// Octets behind the last entry.
    pub(super) fn room(&self) -> usize {
        self.octets.as_deref().map_or(0, |octets| octets.len() - self.used)
    }

    /// The word of a mark of the entry that begins at a unit, and its bit.
    #[inline(always)]
    pub(super) fn word(&self, unit: usize, mark: Mark) -> Option<(&AtomicU64, u64)> {
        let word = unit / 64 + if mark == Mark::Visited { 0 } else { WORDS };
        Some((self.marks.get(word)?, 1 << (unit % 64)))
    }

    /// Sets a mark; true if it was not set.
    #[inline(always)]
    pub(super) fn mark(&self, unit: usize, mark: Mark) -> bool {
        let Some((word, bit)) = self.word(unit, mark) else { return false };
        // Looking comes first: what is only read is shared by all processors.
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
