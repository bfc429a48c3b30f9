//! Where the entries of a shard lie: in blocks of one size, one entry behind the other.
//!
//! The system gives and takes whole blocks and nothing else. So what the entries take is the number of
//! blocks, whatever their sizes are, were before, and in which order they came: an allocator that hands
//! out pieces of each size from pages of their own keeps a page for its last small entry. It would keep
//! whole blocks too, for a second and in pieces of four MiB, beside those that are filled meanwhile.
//!
//! An entry that goes leaves a gap, which is closed when its block is slid together.

mod block;
mod head;

use std::sync::atomic::Ordering;

use zoners_dns::Moment;

pub(crate) use block::Mark;
use block::{Block, WORDS};
pub(crate) use head::EntryHeader;
use head::HEAD;

/// Octets of a block: the longest entry fits, and a small shard has several.
pub(crate) const BLOCK: usize = 96 * 1024;
/// Entries begin at multiples of this, in octets.
const UNIT: usize = 16;
/// Octets that a block takes, with its marks and its place in the list.
pub(crate) const BLOCK_COST: usize = BLOCK + 2 * WORDS * 8 + size_of::<Block>();
/// The lower bits of a place are the unit in the block, the upper ones the block.
const UNIT_BITS: u32 = 13;
/// No place.
pub(crate) const NONE: u32 = u32::MAX;

const _: () = assert!(crate::MAX_ENTRY_OCTETS + 512 <= BLOCK && BLOCK / UNIT <= 1 << UNIT_BITS);

/// The octets of an entry with such a key and value, to the next unit.
pub(crate) fn size(key: &[u8], value: &[u8]) -> usize {
    (HEAD + key.len() + value.len()).next_multiple_of(UNIT)
}

/// The blocks of a shard.
#[derive(Default)]
pub(crate) struct Arena {
    blocks: Vec<Block>,
    /// Blocks that the system has not back.
    allocated: usize,
    live: usize,
}

/// Of a place, the block …
#[inline(always)]
fn block_of(at: u32) -> usize {
    (at >> UNIT_BITS) as usize
}

/// … and the unit in it.
#[inline(always)]
fn unit_of(at: u32) -> usize {
    (at & ((1 << UNIT_BITS) - 1)) as usize
}

fn place(block: usize, octet: usize) -> u32 {
    (block as u32) << UNIT_BITS | (octet / UNIT) as u32
}

impl Arena {
    #[inline(always)]
    fn octets(&self, at: u32) -> Option<(&[u8; HEAD], &[u8])> {
        self.blocks.get(block_of(at))?.entry(unit_of(at))
    }

    /// What the entry at a place begins with.
    #[inline(always)]
    pub(crate) fn head(&self, at: u32) -> Option<EntryHeader> {
        self.octets(at).map(|(head, _)| EntryHeader::read(head))
    }

    /// Its key.
    #[inline(always)]
    pub(crate) fn key(&self, at: u32) -> &[u8] {
        let key = |(head, rest)| <[u8]>::get(rest, ..usize::from(EntryHeader::read(head).key));
        self.octets(at).and_then(key).unwrap_or(&[])
    }

    /// Its value, and when it expires.
    #[inline(always)]
    pub(crate) fn value(&self, at: u32) -> Option<(&[u8], Moment)> {
        self.blocks.get(block_of(at))?.value(unit_of(at))
    }

    /// The same; marks it visited.
    #[inline(always)]
    pub(crate) fn visit(&self, at: u32) -> Option<(&[u8], Moment)> {
        let block = self.blocks.get(block_of(at))?;
        block.mark(unit_of(at), Mark::Visited);
        block.value(unit_of(at))
    }

    /// Changes what an entry begins with; nothing if there is none.
    pub(crate) fn change(&mut self, at: u32, change: impl FnOnce(&mut EntryHeader)) -> bool {
        let block = self.blocks.get_mut(block_of(at));
        let rest = block.and_then(|block| block.octets_mut()?.get_mut(unit_of(at) * UNIT..));
        let Some(octets) = rest.and_then(|rest| rest.first_chunk_mut::<HEAD>()) else {
            return false;
        };
        let mut head = EntryHeader::read(octets);
        change(&mut head);
        head.write(octets);
        true
    }

    /// Puts another value in the place of one that takes as many units.
    pub(crate) fn overwrite(
        &mut self,
        at: u32,
        value: &[u8],
        expires: Moment,
        quarantine: u8,
    ) -> bool {
        let Some(head) = self.head(at) else { return false };
        let length = usize::from(head.key) + value.len();
        if (HEAD + length).next_multiple_of(UNIT) != head.size() {
            return false;
        }
        self.change(at, |head| {
            (head.value, head.expires, head.quarantine) = (value.len() as u32, expires, quarantine);
        });
        let start = unit_of(at) * UNIT + HEAD;
        let block = self.blocks.get_mut(block_of(at));
        let place = block.and_then(|block| block.octets_mut()?.get_mut(start..start + length));
        if let Some(octets) = place {
            octets[usize::from(head.key)..].copy_from_slice(value);
        }
        true
    }

    /// Sets a mark; true if it was not set.
    #[inline(always)]
    pub(crate) fn mark(&self, at: u32, mark: Mark) -> bool {
        self.blocks.get(block_of(at)).is_some_and(|block| block.mark(unit_of(at), mark))
    }

    /// Takes a mark away.
    pub(crate) fn unmark(&self, at: u32, mark: Mark) {
        if let Some(block) = self.blocks.get(block_of(at)) {
            block.set(unit_of(at), mark, false);
        }
    }

    pub(crate) fn is_marked(&self, at: u32, mark: Mark) -> bool {
        let word = self.blocks.get(block_of(at)).and_then(|block| block.word(unit_of(at), mark));
        word.is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Puts an entry at the end of a block that has room for it; where it is.
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
        let Some((first, rest)) = octets.split_first_chunk_mut::<HEAD>() else { return NONE };
        head.write(first);
        rest[..key.len()].copy_from_slice(key);
        rest[key.len()..key.len() + value.len()].copy_from_slice(value);
        into.used += head.size();
        into.live += head.size();
        self.live += head.size();
        into.set(start / UNIT, Mark::Visited, false);
        into.set(start / UNIT, Mark::Claimed, false);
        place(block, start)
    }

    /// Leaves a gap where an entry was.
    pub(crate) fn kill(&mut self, at: u32) {
        let size = self.head(at).map_or(0, |head| head.size());
        self.change(at, |head| head.dead = true);
        self.live -= size;
        if let Some(block) = self.blocks.get_mut(block_of(at)) {
            block.live -= size;
            if block.live == 0 {
                (block.used, block.slid) = (0, block.slid.wrapping_add(1));
            }
        }
    }

    /// Octets of entries.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Blocks that it has.
    pub(crate) fn allocated(&self) -> usize {
        self.allocated
    }

    /// Takes a block more, empty; `None` if the system has none.
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

    /// Gives an empty block back.
    pub(crate) fn release(&mut self, block: usize) {
        if let Some(block) = self.blocks.get_mut(block).filter(|block| block.live == 0)
            && block.is_allocated()
        {
            block.replace(Block::default());
            self.allocated -= 1;
        }
    }

    /// Gives all empty blocks back.
    pub(crate) fn release_empty(&mut self) {
        (0..self.blocks.len()).for_each(|block| self.release(block));
    }

    /// Octets at the end of a block.
    pub(crate) fn room_in(&self, block: usize) -> usize {
        self.blocks.get(block).map_or(0, Block::room)
    }

    /// The block with the least in it, but for one, and how much that is.
    pub(crate) fn emptiest(&self, but: Option<usize>) -> Option<(usize, usize)> {
        let blocks = self.blocks.iter().enumerate();
        let blocks = blocks.filter(|(at, block)| block.is_allocated() && Some(*at) != but);
        blocks.map(|(at, block)| (at, block.live)).min_by_key(|(_, live)| *live)
    }

    /// Closes the gaps of a block; `moved` is told of each entry that lies elsewhere now.
    pub(crate) fn slide(&mut self, block: usize, mut moved: impl FnMut(&mut Arena, u32, u32)) {
        let (mut from, mut to) = (0, 0);
        while let Some((at, head)) = self.entry_from(block, from) {
            let (start, size) = (unit_of(at) * UNIT, head.size());
            from = start + size;
            if start != to
                && let Some(block) = self.blocks.get_mut(block)
            {
                if let Some(octets) = block.octets_mut() {
                    octets.copy_within(start..from, to);
                }
                for mark in [Mark::Visited, Mark::Claimed] {
                    let word = block.word(start / UNIT, mark);
                    let set =
                        word.is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0);
                    block.set(to / UNIT, mark, set);
                }
                moved(self, at, place(block_of(at), to));
            }
            to += size;
        }
        if let Some(block) = self.blocks.get_mut(block) {
            (block.used, block.slid) = (to, block.slid.wrapping_add(1));
        }
    }

    /// The first entry of a block at or behind an octet where one begins or ended.
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

    /// Copies an entry to the end of another block that has room for it; where it is now.
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

    /// All entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = u32> {
        (0..self.blocks.len()).flat_map(|block| self.entries_of(block, 0))
    }

    /// The entries of a block at or behind a unit.
    pub(crate) fn entries_of(&self, block: usize, unit: usize) -> impl Iterator<Item = u32> {
        let mut octet = 0;
        let entries = std::iter::from_fn(move || {
            let (at, head) = self.entry_from(block, octet)?;
            octet = unit_of(at) * UNIT + head.size();
            Some(at)
        });
        entries.filter(move |at| unit_of(*at) >= unit)
    }

    /// How often a block was slid together; `None` if there are not so many.
    pub(crate) fn slid(&self, block: usize) -> Option<u32> {
        self.blocks.get(block).map(|block| block.slid)
    }

    /// The octet in its block at which an entry begins.
    pub(crate) fn octet(at: u32) -> usize {
        unit_of(at) * UNIT
    }

    /// The unit in its block behind the one where an entry begins.
    pub(crate) fn behind(at: u32) -> usize {
        unit_of(at) + 1
    }
}

#[cfg(test)]
mod tests;
