//! The space of a shard: blocks and index under one limit.
//!
//! The limit applies to the memory that is allocated, blocks and index, not to the octets of entries. When the index
//! grows, blocks are released. When removed entries leave gaps, the emptiest block is compacted.

use zoners_dns::Moment;

use super::Shard;
use crate::arena::{Arena, BLOCK_COST_OCTETS, BLOCK_OCTETS};

/// The share of the blocks that entries leave free: one sixteenth. So compacting a block frees at
/// least a sixteenth of the block, and moves at most fifteen times as much.
pub(super) const FREE_FRACTION: usize = 16;

impl Shard {
    /// The most blocks that fit into the limit beside the index.
    fn max_blocks(&self) -> usize {
        let free_octets = self.limit.saturating_sub(self.order.index.allocation_size());
        (free_octets / BLOCK_COST_OCTETS).max(1)
    }

    /// The most octets of entries.
    pub(super) fn room(&self) -> usize {
        self.max_blocks() * (BLOCK_OCTETS - BLOCK_OCTETS / FREE_FRACTION)
    }

    /// Makes room for one more entry in the index, and releases blocks that exceed the limit then.
    pub(super) fn grow_index(&mut self, now: Moment) {
        if !self.order.grow(&self.arena) {
            return;
        }
        while self.arena.allocated() > self.max_blocks() && self.release_emptiest_block(now) {}
    }

    /// A block, except `but`, with `size` free octets at its end, after evictions if necessary.
    /// `None` if evictions do not help.
    pub(super) fn block_for(
        &mut self,
        size: usize,
        but: Option<usize>,
        now: Moment,
    ) -> Option<usize> {
        loop {
            while self.arena.live() + size > self.room() {
                if !self.evict(now) {
                    return None;
                }
            }
            if Some(self.open) != but && self.arena.room_in(self.open) >= size {
                return Some(self.open);
            }
            let emptiest = self.arena.emptiest(but);
            match emptiest {
                Some((block, 0)) => self.open = block,
                _ if self.open_another() => {}
                Some((block, live)) if live + size <= BLOCK_OCTETS => {
                    self.compact(block);
                    self.open = block;
                }
                _ if self.evict(now) => {}
                _ => return None,
            }
        }
    }

    /// Allocates a block to fill, if the limit and the operating system allow.
    fn open_another(&mut self) -> bool {
        if self.arena.allocated() >= self.max_blocks() {
            self.order.shrink(&self.arena);
        }
        let may = self.arena.allocated() < self.max_blocks();
        let block = if may { self.arena.allocate() } else { None };
        block.inspect(|block| self.open = *block).is_some()
    }

    pub(super) fn compact(&mut self, block: usize) {
        let order = &mut self.order;
        self.arena.compact(block, |arena, from, to| order.moved(arena, from, to));
    }

    /// Moves the entries of the emptiest block elsewhere, and releases the block.
    fn release_emptiest_block(&mut self, now: Moment) -> bool {
        let Some((block, _)) = self.arena.emptiest(None) else { return false };
        let mut octet = 0;
        while let Some((at, head)) = self.arena.entry_from(block, octet) {
            octet = Arena::octet(at);
            let into = self.block_for(head.size(), Some(block), now);
            // The entry may have been evicted to make room.
            if self.arena.entry_from(block, octet).is_none_or(|(first, _)| first != at) {
                continue;
            }
            match into {
                Some(into) => {
                    let to = self.arena.copy(at, into);
                    self.arena.remove(at);
                    self.order.moved(&mut self.arena, at, to);
                }
                None => self.remove(at),
            }
        }
        self.arena.release(block);
        true
    }
}
