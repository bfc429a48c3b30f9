//! The memory of a shard: blocks of one size, in which entries lie one after the other.
//!
//! Memory is taken from the operating system and returned to it in whole blocks only. So the memory
//! in use is the number of blocks, for entries of any size and in any order of insertion. A general
//! allocator would keep a page of each size class for its last small entry, and would keep free
//! memory for a second, in pieces of 4 MiB, beside the pieces that are being filled.
//!
//! A removed entry leaves a gap. Compaction of the block closes the gap ([`walk`]).

mod block;
mod head;
mod memory;
mod walk;

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
}

#[cfg(test)]
mod tests;
