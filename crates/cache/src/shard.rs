//! One shard of the table: entries in SIEVE order, under a limit of octets.
//!
//! [`order`] says which entry is evicted, [`space`] holds the limit, [`iteration`] visits all entries.

mod iteration;
mod order;
mod space;

use std::time::Duration;

use zoners_dns::Moment;

use crate::arena::{Arena, BLOCK_COST_OCTETS, EntryHeader, Mark, size};
pub(crate) use iteration::{Cursor, EntryView};
use order::EvictionOrder;

pub(crate) struct Shard {
    order: EvictionOrder,
    arena: Arena,
    /// The block to which entries are appended.
    open: usize,
    limit: usize,
    /// How long entries of lasting kinds are kept after their expiry.
    stale: Duration,
    pub(crate) evicted: u64,
}

/// An entry to insert.
pub(crate) struct NewEntry<'a> {
    pub(crate) hash: u64,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) expires: Moment,
    /// Whether the entry is kept after its expiry, for serve-stale.
    pub(crate) keeps_stale: bool,
    /// The number of the quarantine in which the entry is inserted, or 0.
    pub(crate) quarantine: u8,
}

impl Shard {
    pub(crate) fn new(limit: usize, stale: Duration) -> Self {
        let (order, arena) = (EvictionOrder::new(), Arena::default());
        Shard { order, arena, open: 0, limit, stale, evicted: 0 }
    }

    /// Octets of memory in use: blocks and index.
    pub(crate) fn bytes(&self) -> usize {
        self.arena.allocated() * BLOCK_COST_OCTETS + self.order.index.allocation_size()
    }

    /// Octets of entries that can be inserted without an eviction.
    pub(crate) fn free_octets(&self) -> usize {
        self.room().saturating_sub(self.arena.live())
    }

    pub(crate) fn len(&self) -> usize {
        self.order.index.len()
    }

    /// The value under `key` and its expiry, even if expired. Marks the entry as visited.
    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<(&[u8], Moment)> {
        self.visit(self.find(hash, key)?)
    }

    /// The value at a position from [`Shard::find`] and its expiry. Marks the entry as visited.
    pub(crate) fn visit(&self, at: u32) -> Option<(&[u8], Moment)> {
        self.arena.visit(at)
    }

    /// The value under `key`, even if expired. The entry is not marked.
    pub(crate) fn value(&self, hash: u64, key: &[u8]) -> Option<&[u8]> {
        self.arena.value(self.find(hash, key)?).map(|(value, _)| value)
    }

    /// Claims the refresh of the entry at a position. False if claimed already.
    pub(crate) fn claim(&self, at: u32) -> bool {
        self.arena.mark(at, Mark::Claimed)
    }

    /// The expiry of the entry at a position.
    pub(crate) fn expires(&self, at: u32) -> Option<Moment> {
        self.arena.head(at).map(|head| head.expires)
    }

    /// The position of the entry under `key`, valid until the next insertion or removal.
    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.order.index.find(hash, |at| self.arena.key(*at) == key).copied()
    }

    /// Inserts an entry, in place of the entry `found` under its key. Entries are evicted until the
    /// new entry fits; an entry larger than the shard is not inserted. A value of the same size is
    /// overwritten in place, which counts as a visit.
    pub(crate) fn insert(&mut self, found: Option<u32>, new: &NewEntry<'_>, now: Moment) {
        let NewEntry { hash, key, value, expires, keeps_stale, quarantine } = *new;
        let mut visited = false;
        if let Some(at) = found {
            if self.arena.overwrite(at, value, expires, quarantine) {
                self.arena.mark(at, Mark::Visited);
                self.arena.clear_mark(at, Mark::Claimed);
                return;
            }
            visited = self.arena.is_marked(at, Mark::Visited);
            self.remove(at);
        }
        self.grow_index(now);
        let Some(block) = self.block_for(size(key, value), None, now) else { return };
        let head = EntryHeader::new(hash, expires, keeps_stale, quarantine, self.order.newest);
        let at = self.arena.append(block, head, key, value);
        if visited {
            self.arena.mark(at, Mark::Visited);
        }
        self.order.append(&mut self.arena, hash, at);
    }

    pub(crate) fn remove_key(&mut self, hash: u64, key: &[u8]) -> bool {
        self.find(hash, key).inspect(|at| self.remove(*at)).is_some()
    }

    /// Evicts one entry. False if there is none.
    fn evict(&mut self, now: Moment) -> bool {
        let victim = self.order.next_victim(&self.arena, self.stale, now);
        let Some(at) = victim else { return false };
        self.remove(at);
        self.evicted += 1;
        true
    }

    fn remove(&mut self, at: u32) {
        self.order.remove(&mut self.arena, at);
        self.arena.remove(at);
    }
}

#[cfg(test)]
mod tests;
