//! One shard of the table: entries in SIEVE order, under a limit of octets.
//!
//! SIEVE (Zhang et al., NSDI 2024) keeps entries in the order of insertion. A hand moves from the
//! oldest to the newest entry and evicts entries that were not visited since the hand last passed.
//! A hit only sets a mark, so readers need no exclusive lock, and a scan of one-time names does not
//! evict popular names.
//!
//! The limit applies to the memory that is allocated, blocks and index, not to the octets of
//! entries. When the index grows, blocks are released. When removed entries leave gaps, the
//! emptiest block is compacted.

use std::time::Duration;

use hashbrown::HashTable;
use zoners_dns::Moment;

use crate::arena::{Arena, BLOCK_COST_OCTETS, BLOCK_OCTETS, EntryHeader, Mark, NONE, size};

/// The share of the blocks that entries leave free: one sixteenth. So compacting a block frees at
/// least a sixteenth of the block, and moves at most fifteen times as much.
const FREE_FRACTION: usize = 16;
/// The index shrinks if its capacity exceeds this multiple of the entries.
const SPARSE_FACTOR: usize = 4;

/// The index of entries, and the order of eviction.
struct EvictionOrder {
    index: HashTable<u32>,
    newest: u32,
    oldest: u32,
    hand: u32,
}

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

/// An entry, as an iteration sees it.
pub(crate) struct EntryView<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) expires: Moment,
    pub(crate) visited: bool,
    pub(crate) quarantine: u8,
}

/// The progress of an iteration over all entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    block: usize,
    unit: usize,
    /// How often the block was compacted. If the number has changed, the block is visited again
    /// from its start.
    compactions: u32,
}

impl Shard {
    pub(crate) fn new(limit: usize, stale: Duration) -> Self {
        let order =
            EvictionOrder { index: HashTable::new(), newest: NONE, oldest: NONE, hand: NONE };
        Shard { order, arena: Arena::default(), open: 0, limit, stale, evicted: 0 }
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
        let (order, arena) = (&mut self.order, &mut self.arena);
        if !arena.change(order.newest, |newest| newest.newer = at) {
            order.oldest = at;
        }
        order.newest = at;
        order.index.insert_unique(hash, at, |at| hash_at(arena, *at));
    }

    pub(crate) fn remove_key(&mut self, hash: u64, key: &[u8]) -> bool {
        self.find(hash, key).inspect(|at| self.remove(*at)).is_some()
    }

    /// Removes entries for which `matches` is true, and releases blocks that become empty.
    pub(crate) fn remove_matching(&mut self, matches: &impl Fn(&EntryView<'_>) -> bool) -> usize {
        let entries = self.arena.entries();
        let matching = entries.filter(|at| self.view(*at).is_some_and(|entry| matches(&entry)));
        let matching: Vec<u32> = matching.collect();
        matching.iter().for_each(|at| self.remove(*at));
        self.arena.release_empty();
        self.shrink_index();
        matching.len()
    }

    /// The entry at a position.
    fn view(&self, at: u32) -> Option<EntryView<'_>> {
        let (value, expires) = self.arena.value(at)?;
        let (visited, quarantine) =
            (self.arena.is_marked(at, Mark::Visited), self.arena.head(at)?.quarantine);
        Some(EntryView { key: self.arena.key(at), value, expires, visited, quarantine })
    }

    /// Key, value and expiry of all entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8], Moment)> {
        self.arena.entries().filter_map(|at| {
            let (value, expires) = self.arena.value(at)?;
            Some((self.arena.key(at), value, expires))
        })
    }

    /// Calls `take` with entries from a cursor on, until `take` returns false. Returns the cursor
    /// to continue, or `None` after the last entry. No marks are set. Entries inserted during the
    /// iteration may be missed, as may entries of a block that is released.
    pub(crate) fn visit_from(
        &self,
        from: Cursor,
        mut take: impl FnMut(&EntryView<'_>) -> bool,
    ) -> Option<Cursor> {
        for block in from.block.. {
            let compactions = self.arena.compactions(block)?;
            let goes_on = (block, compactions) == (from.block, from.compactions);
            for at in self.arena.entries_of(block, if goes_on { from.unit } else { 0 }) {
                if !take(&self.view(at)?) {
                    return Some(Cursor { block, unit: Arena::behind(at), compactions });
                }
            }
        }
        None
    }

    /// The most blocks that fit into the limit beside the index.
    fn max_blocks(&self) -> usize {
        let free_octets = self.limit.saturating_sub(self.order.index.allocation_size());
        (free_octets / BLOCK_COST_OCTETS).max(1)
    }

    /// The most octets of entries.
    fn room(&self) -> usize {
        self.max_blocks() * (BLOCK_OCTETS - BLOCK_OCTETS / FREE_FRACTION)
    }

    /// Makes room for one more entry in the index, and releases blocks that exceed the limit then.
    fn grow_index(&mut self, now: Moment) {
        let (index, arena) = (&mut self.order.index, &self.arena);
        if index.len() < index.capacity() {
            return;
        }
        index.reserve(1, |at| hash_at(arena, *at));
        while self.arena.allocated() > self.max_blocks() && self.release_emptiest_block(now) {}
    }

    /// Shrinks an index that is much too large.
    fn shrink_index(&mut self) {
        let (index, arena) = (&mut self.order.index, &self.arena);
        if index.capacity() > SPARSE_FACTOR * index.len() {
            index.shrink_to(2 * index.len(), |at| hash_at(arena, *at));
        }
    }

    /// A block, except `but`, with `size` free octets at its end, after evictions if necessary.
    /// `None` if evictions do not help.
    fn block_for(&mut self, size: usize, but: Option<usize>, now: Moment) -> Option<usize> {
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
            self.shrink_index();
        }
        let may = self.arena.allocated() < self.max_blocks();
        let block = if may { self.arena.allocate() } else { None };
        block.inspect(|block| self.open = *block).is_some()
    }

    fn compact(&mut self, block: usize) {
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

    /// Evicts one entry: the first that the hand finds expired or not visited. Each step clears a
    /// mark, so the search ends within two rounds.
    fn evict(&mut self, now: Moment) -> bool {
        let order = &mut self.order;
        let mut at = if order.hand == NONE { order.oldest } else { order.hand };
        loop {
            let Some(head) = self.arena.head(at) else { return false };
            let stale = if head.keeps_stale { self.stale } else { Duration::ZERO };
            if head.expires.after(stale) <= now || !self.arena.is_marked(at, Mark::Visited) {
                order.hand = head.newer;
                break;
            }
            self.arena.clear_mark(at, Mark::Visited);
            at = if head.newer == NONE { order.oldest } else { head.newer };
        }
        self.remove(at);
        self.evicted += 1;
        true
    }

    fn remove(&mut self, at: u32) {
        let (order, arena) = (&mut self.order, &mut self.arena);
        let Some(EntryHeader { hash, newer, older, .. }) = arena.head(at) else { return };
        if let Ok(found) = order.index.find_entry(hash, |other| *other == at) {
            found.remove();
        }
        if !arena.change(newer, |head| head.older = older) {
            order.newest = older;
        }
        if !arena.change(older, |head| head.newer = newer) {
            order.oldest = newer;
        }
        if order.hand == at {
            order.hand = newer;
        }
        arena.remove(at);
    }
}

impl EvictionOrder {
    /// Updates index and order after an entry has moved.
    fn moved(&mut self, arena: &mut Arena, from: u32, to: u32) {
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
}

fn hash_at(arena: &Arena, at: u32) -> u64 {
    arena.head(at).map_or(0, |head| head.hash)
}

#[cfg(test)]
mod tests;
