//! The order of eviction: SIEVE (Zhang et al., NSDI 2024) over the entries in the order of insertion.
//!
//! A hand moves from the oldest to the newest entry and evicts entries that were not visited since the hand last
//! passed. A hit only sets a mark, so readers need no exclusive lock, and a scan of one-time names does not evict
//! popular names.

use std::time::Duration;

use hashbrown::HashTable;
use zoners_dns::Moment;

use crate::arena::{Arena, EntryHeader, Mark, NONE};

/// The index shrinks if its capacity exceeds this multiple of the entries.
const SPARSE_FACTOR: usize = 4;

/// The index of entries, and the order of eviction.
pub(super) struct EvictionOrder {
    pub(super) index: HashTable<u32>,
    pub(super) newest: u32,
    pub(super) oldest: u32,
    pub(super) hand: u32,
}

impl EvictionOrder {
    pub(super) fn new() -> Self {
        EvictionOrder { index: HashTable::new(), newest: NONE, oldest: NONE, hand: NONE }
    }

    /// Appends the entry at a position, as the newest.
    pub(super) fn append(&mut self, arena: &mut Arena, hash: u64, at: u32) {
        if !arena.change(self.newest, |newest| newest.newer = at) {
            self.oldest = at;
        }
        self.newest = at;
        self.index.insert_unique(hash, at, |at| hash_at(arena, *at));
    }

    /// Takes the entry at a position out of index and order.
    pub(super) fn remove(&mut self, arena: &mut Arena, at: u32) {
        let Some(EntryHeader { hash, newer, older, .. }) = arena.head(at) else { return };
        if let Ok(found) = self.index.find_entry(hash, |other| *other == at) {
            found.remove();
        }
        if !arena.change(newer, |head| head.older = older) {
            self.newest = older;
        }
        if !arena.change(older, |head| head.newer = newer) {
            self.oldest = newer;
        }
        if self.hand == at {
            self.hand = newer;
        }
    }

    /// Updates index and order after an entry has moved.
    pub(super) fn moved(&mut self, arena: &mut Arena, from: u32, to: u32) {
        let Some(EntryHeader { hash, newer, older, .. }) = arena.head(to) else { return };
        if let Some(at) = self.index.find_mut(hash, |at| *at == from) {
            *at = to;
        }
        if !arena.change(newer, |head| head.older = to) {
            self.newest = to;
        }
        if !arena.change(older, |head| head.newer = to) {
            self.oldest = to;
        }
        if self.hand == from {
            self.hand = to;
        }
    }

    /// The entry to evict: the first that the hand finds expired or not visited. Each step clears a mark, so the
    /// search ends within two rounds. Entries of lasting kinds are kept for `stale` after their expiry.
    pub(super) fn next_victim(
        &mut self,
        arena: &Arena,
        stale: Duration,
        now: Moment,
    ) -> Option<u32> {
        let mut at = if self.hand == NONE { self.oldest } else { self.hand };
        loop {
            let head = arena.head(at)?;
            let stale = if head.keeps_stale { stale } else { Duration::ZERO };
            if head.expires.after(stale) <= now || !arena.is_marked(at, Mark::Visited) {
                self.hand = head.newer;
                return Some(at);
            }
            arena.clear_mark(at, Mark::Visited);
            at = if head.newer == NONE { self.oldest } else { head.newer };
        }
    }

    /// Makes room for one more entry in the index. False if there is room already.
    pub(super) fn grow(&mut self, arena: &Arena) -> bool {
        let is_full = self.index.len() == self.index.capacity();
        if is_full {
            self.index.reserve(1, |at| hash_at(arena, *at));
        }
        is_full
    }

    /// Shrinks an index that is much too large.
    pub(super) fn shrink(&mut self, arena: &Arena) {
        if self.index.capacity() > SPARSE_FACTOR * self.index.len() {
            self.index.shrink_to(2 * self.index.len(), |at| hash_at(arena, *at));
        }
    }
}

fn hash_at(arena: &Arena, at: u32) -> u64 {
    arena.head(at).map_or(0, |head| head.hash)
}
