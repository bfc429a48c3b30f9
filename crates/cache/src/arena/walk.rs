//! The entries of a block one after the other: visits, compaction, and copies into another block.

use std::sync::atomic::Ordering;

use super::block::Mark;
use super::head::EntryHeader;
use super::{Arena, NONE, UNIT_OCTETS, block_of, place, unit_of};

impl Arena {
    /// The positions of all entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = u32> {
        (0..self.blocks.len()).flat_map(|block| self.entries_of(block, 0))
    }

    /// The positions of the entries of a block, from a unit on.
    pub(crate) fn entries_of(&self, block: usize, unit: usize) -> impl Iterator<Item = u32> {
        let mut octet = 0;
        let entries = std::iter::from_fn(move || {
            let (at, head) = self.entry_from(block, octet)?;
            octet = unit_of(at) * UNIT_OCTETS + head.size();
            Some(at)
        });
        entries.filter(move |at| unit_of(*at) >= unit)
    }

    /// How often a block was compacted; `None` if no such block exists.
    pub(crate) fn compactions(&self, block: usize) -> Option<u32> {
        self.blocks.get(block).map(|block| block.compactions)
    }

    /// The octet, within its block, at which an entry begins.
    pub(crate) fn octet(at: u32) -> usize {
        unit_of(at) * UNIT_OCTETS
    }

    /// The unit after the unit at which an entry begins.
    pub(crate) fn behind(at: u32) -> usize {
        unit_of(at) + 1
    }

    /// The first entry of a block at or after an octet, at which an entry begins or ends.
    pub(crate) fn entry_from(&self, block: usize, mut octet: usize) -> Option<(u32, EntryHeader)> {
        let used = self.blocks.get(block)?.used;
        while octet < used {
            let at = place(block, octet);
            let head = self.head(at)?;
            if !head.dead {
                return Some((at, head));
            }
            octet += head.size();
        }
        None
    }

    /// Compacts a block: closes its gaps. Calls `moved` with the old and the new position of each
    /// entry that moves.
    pub(crate) fn compact(&mut self, block: usize, mut moved: impl FnMut(&mut Arena, u32, u32)) {
        let (mut from, mut to) = (0, 0);
        while let Some((at, head)) = self.entry_from(block, from) {
            let (start, size) = (unit_of(at) * UNIT_OCTETS, head.size());
            from = start + size;
            if start != to
                && let Some(block) = self.blocks.get_mut(block)
            {
                if let Some(octets) = block.octets_mut() {
                    octets.copy_within(start..from, to);
                }
                for mark in [Mark::Visited, Mark::Claimed] {
                    let word = block.word(start / UNIT_OCTETS, mark);
                    let set =
                        word.is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0);
                    block.set(to / UNIT_OCTETS, mark, set);
                }
                moved(self, at, place(block_of(at), to));
            }
            to += size;
        }
        if let Some(block) = self.blocks.get_mut(block) {
            (block.used, block.compactions) = (to, block.compactions.wrapping_add(1));
        }
    }

    /// Copies an entry to the end of another block with enough room. Returns the new position.
    pub(crate) fn copy(&mut self, at: u32, block: usize) -> u32 {
        let (Some(head), Some((value, _))) = (self.head(at), self.value(at)) else { return NONE };
        let (key, value) = (self.key(at).to_vec(), value.to_vec());
        let marks = [Mark::Visited, Mark::Claimed].map(|mark| (mark, self.is_marked(at, mark)));
        let to = self.append(block, head, &key, &value);
        for (mark, _) in marks.into_iter().filter(|(_, set)| *set) {
            self.mark(to, mark);
        }
        to
    }
}
