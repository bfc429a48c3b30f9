//! A block of entries, and what is noted of them by those who only read.

use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapMut;

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

    #[inline(always)]
    pub(super) fn octets(&self) -> Option<&[u8]> {
        self.octets.as_deref()
    }

    pub(super) fn octets_mut(&mut self) -> Option<&mut [u8]> {
        self.octets.as_deref_mut()
    }

    /// Octets behind the last entry.
    pub(super) fn room(&self) -> usize {
        self.octets().map_or(0, |octets| octets.len() - self.used)
    }

    /// The word of a mark of the entry that begins at a unit, and its bit.
    #[inline(always)]
    pub(super) fn word(&self, unit: usize, mark: Mark) -> Option<(&AtomicU64, u64)> {
        let word = unit / 64 + if mark == Mark::Visited { 0 } else { WORDS };
        Some((self.marks.get(word)?, 1 << (unit % 64)))
    }

    pub(super) fn set(&self, unit: usize, mark: Mark, to: bool) {
        let Some((word, bit)) = self.word(unit, mark) else { return };
        match to {
            true => word.fetch_or(bit, Ordering::Relaxed),
            false => word.fetch_and(!bit, Ordering::Relaxed),
        };
    }
}
