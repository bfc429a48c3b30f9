//! The memory of a shard: blocks of one size, in which entries lie one after the other.
//!
//! Memory is taken from the operating system and returned to it in whole blocks only. So the memory
//! in use is the number of blocks, for entries of any size and in any order of insertion. A general
//! allocator would keep a page of each size class for its last small entry, and would keep free
//! memory for a second, in pieces of 4 MiB, beside the pieces that are being filled.
//!
//! A removed entry leaves a gap. Compaction of the block closes the gap.

mod block;
mod head;

use std::sync::atomic::Ordering;

use zoners_dns::Moment;

pub(crate) use block::Mark;
use block::{Block, WORDS_PER_MARK};
pub(crate) use head::EntryHeader;
use head::HEADER_OCTETS;

/// Octets of the largest value; a larger answer is not cached. A finished answer of 64 KiB fits,
/// with two octets for each record, since a record takes twelve octets or more.
pub const MAX_ENTRY_OCTETS: usize = 80 * 1024;
/// Octets of a block: room for the longest entry, and small enough for several blocks in a small
/// shard.
pub(crate) const BLOCK_OCTETS: usize = 96 * 1024;
/// Entries are aligned to units of this many octets.
const UNIT_OCTETS: usize = 16;
/// Octets of memory of a block, with its marks and its element in the list.
pub(crate) const BLOCK_COST_OCTETS: usize =
    BLOCK_OCTETS + 2 * WORDS_PER_MARK * 8 + size_of::<Block>();
/// A position has the number of the unit within the block in its lower bits, and the number of the
/// block in its upper bits.
const UNIT_BITS: u32 = 13;
/// No position.
pub(crate) const NONE: u32 = u32::MAX;

const _: () =
    assert!(MAX_ENTRY_OCTETS + 512 <= BLOCK_OCTETS && BLOCK_OCTETS / UNIT_OCTETS <= 1 << UNIT_BITS);

/// The octets of an entry with this key and value, rounded up to whole units.
pub(crate) fn size(key: &[u8], value: &[u8]) -> usize {
    (HEADER_OCTETS + key.len() + value.len()).next_multiple_of(UNIT_OCTETS)
}

/// The blocks of a shard.
#[derive(Default)]
pub(crate) struct Arena {
    blocks: Vec<Block>,
    /// Blocks that hold memory.
    allocated: usize,
    live: usize,
}

/// The block of a position.
#[inline(always)]
fn block_of(at: u32) -> usize {
    (at >> UNIT_BITS) as usize
}

/// The unit of a position, within its block.
#[inline(always)]
fn unit_of(at: u32) -> usize {
    (at & ((1 << UNIT_BITS) - 1)) as usize
}

fn place(block: usize, octet: usize) -> u32 {
    (block as u32) << UNIT_BITS | (octet / UNIT_OCTETS) as u32
}

impl Arena {
    #[inline(always)]
    fn octets(&self, at: u32) -> Option<(&[u8; HEADER_OCTETS], &[u8])> {
        self.blocks.get(block_of(at))?.entry(unit_of(at))
    }

    /// The header of the entry at a position.
    #[inline(always)]
    pub(crate) fn head(&self, at: u32) -> Option<EntryHeader> {
        self.octets(at).map(|(head, _)| EntryHeader::read(head))
    }

    /// The key of the entry.
    #[inline(always)]
    pub(crate) fn key(&self, at: u32) -> &[u8] {
        let key = |(head, rest)| <[u8]>::get(rest, ..usize::from(EntryHeader::read(head).key));
        self.octets(at).and_then(key).unwrap_or(&[])
    }

    /// The value of the entry, and its expiry.
    #[inline(always)]
    pub(crate) fn value(&self, at: u32) -> Option<(&[u8], Moment)> {
        self.blocks.get(block_of(at))?.value(unit_of(at))
    }

    /// The value of the entry and its expiry; marks the entry as visited.
    #[inline(always)]
    pub(crate) fn visit(&self, at: u32) -> Option<(&[u8], Moment)> {
        let block = self.blocks.get(block_of(at))?;
        block.mark(unit_of(at), Mark::Visited);
        block.value(unit_of(at))
    }

    /// Changes the header of an entry. False if no entry is there.
    pub(crate) fn change(&mut self, at: u32, change: impl FnOnce(&mut EntryHeader)) -> bool {
        let block = self.blocks.get_mut(block_of(at));
        let rest = block.and_then(|block| block.octets_mut()?.get_mut(unit_of(at) * UNIT_OCTETS..));
        let Some(octets) = rest.and_then(|rest| rest.first_chunk_mut::<HEADER_OCTETS>()) else {
            return false;
        };
        let mut head = EntryHeader::read(octets);
        change(&mut head);
        head.write(octets);
        true
    }

    /// Overwrites a value in place. False if the new value takes another number of units.
    pub(crate) fn overwrite(
        &mut self,
        at: u32,
        value: &[u8],
        expires: Moment,
        quarantine: u8,
    ) -> bool {
        let Some(head) = self.head(at) else { return false };
        let length = usize::from(head.key) + value.len();
        if (HEADER_OCTETS + length).next_multiple_of(UNIT_OCTETS) != head.size() {
            return false;
        }
        self.change(at, |head| {
            (head.value, head.expires, head.quarantine) = (value.len() as u32, expires, quarantine);
        });
        let start = unit_of(at) * UNIT_OCTETS + HEADER_OCTETS;
        let block = self.blocks.get_mut(block_of(at));
        let place = block.and_then(|block| block.octets_mut()?.get_mut(start..start + length));
        if let Some(octets) = place {
            octets[usize::from(head.key)..].copy_from_slice(value);
        }
        true
    }

    /// Sets a mark. True if the mark was not set before.
    #[inline(always)]
    pub(crate) fn mark(&self, at: u32, mark: Mark) -> bool {
        self.blocks.get(block_of(at)).is_some_and(|block| block.mark(unit_of(at), mark))
    }

    /// Clears a mark.
    pub(crate) fn clear_mark(&self, at: u32, mark: Mark) {
        if let Some(block) = self.blocks.get(block_of(at)) {
            block.set(unit_of(at), mark, false);
        }
    }

    pub(crate) fn is_marked(&self, at: u32, mark: Mark) -> bool {
        let word = self.blocks.get(block_of(at)).and_then(|block| block.word(unit_of(at), mark));
        word.is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Appends an entry to a block with enough room. Returns the position of the entry.
    pub(crate) fn append(
        &mut self,
        block: usize,
        head: EntryHeader,
        key: &[u8],
        value: &[u8],
    ) -> u32 {
        let head = EntryHeader { key: key.len() as u16, value: value.len() as u32, ..head };
        let Some(into) = self.blocks.get_mut(block) else { return NONE };
        let start = into.used;
        let behind = into.octets_mut().and_then(|all| all.get_mut(start..start + head.size()));
        let Some(octets) = behind else { return NONE };
        let Some((first, rest)) = octets.split_first_chunk_mut::<HEADER_OCTETS>() else {
            return NONE;
        };
        head.write(first);
        rest[..key.len()].copy_from_slice(key);
        rest[key.len()..key.len() + value.len()].copy_from_slice(value);
        into.used += head.size();
        into.live += head.size();
        self.live += head.size();
        into.set(start / UNIT_OCTETS, Mark::Visited, false);
        into.set(start / UNIT_OCTETS, Mark::Claimed, false);
        place(block, start)
    }

    /// Removes an entry, which leaves a gap.
    pub(crate) fn remove(&mut self, at: u32) {
        let size = self.head(at).map_or(0, |head| head.size());
        self.change(at, |head| head.dead = true);
        self.live -= size;
        if let Some(block) = self.blocks.get_mut(block_of(at)) {
            block.live -= size;
            if block.live == 0 {
                (block.used, block.compactions) = (0, block.compactions.wrapping_add(1));
            }
        }
    }

    /// Octets of entries, without gaps.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The number of blocks that hold memory.
    pub(crate) fn allocated(&self) -> usize {
        self.allocated
    }

    /// Allocates an empty block. `None` if the operating system has no memory.
    pub(crate) fn allocate(&mut self) -> Option<usize> {
        let new = Block::new()?;
        self.allocated += 1;
        let block = self.blocks.iter().position(|block| !block.is_allocated());
        let at = block.unwrap_or(self.blocks.len());
        match self.blocks.get_mut(at) {
            Some(block) => block.replace(new),
            None => self.blocks.push(new),
        }
        Some(at)
    }

    /// Returns the memory of an empty block.
    pub(crate) fn release(&mut self, block: usize) {
        if let Some(block) = self.blocks.get_mut(block).filter(|block| block.live == 0)
            && block.is_allocated()
        {
            block.replace(Block::default());
            self.allocated -= 1;
        }
    }

    /// Returns the memory of all empty blocks.
    pub(crate) fn release_empty(&mut self) {
        (0..self.blocks.len()).for_each(|block| self.release(block));
    }

    /// Free octets at the end of a block.
    pub(crate) fn room_in(&self, block: usize) -> usize {
        self.blocks.get(block).map_or(0, Block::room)
    }

    /// The block with the fewest octets of entries, except `but`, and that number of octets.
    pub(crate) fn emptiest(&self, but: Option<usize>) -> Option<(usize, usize)> {
        let blocks = self.blocks.iter().enumerate();
        let blocks = blocks.filter(|(at, block)| block.is_allocated() && Some(*at) != but);
        blocks.map(|(at, block)| (at, block.live)).min_by_key(|(_, live)| *live)
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
}

#[cfg(test)]
mod tests;
