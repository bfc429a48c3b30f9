//! One shard of the table: entries in SIEVE order, charged by the octet.
//!
//! SIEVE (Zhang et al., NSDI 2024) keeps entries in the order of insertion and lets a hand wander
//! from the oldest to the newest: it throws out what was not visited since it last came by. A hit
//! only sets a mark, so readers need no exclusive lock, and a scan of one-time names leaves the
//! popular ones alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hashbrown::HashTable;
use zoners_dns::Moment;

const NONE: u32 = u32::MAX;

/// Octets that an entry costs besides its own: its slot and its place in the index, with the room
/// that growing vectors leave.
pub(crate) const OVERHEAD: usize = std::mem::size_of::<Slot>() + 16 + 8;

struct Slot {
    /// Key length in two octets, key, value. Empty in a free slot.
    entry: Box<[u8]>,
    hash: u64,
    expires: Moment,
    newer: u32,
    older: u32,
    visited: AtomicBool,
    /// Whether it is still of use for a while when it has expired.
    lasts: bool,
    /// Whether somebody sees to it that there will be another when it expires.
    claimed: AtomicBool,
}

impl Slot {
    fn key(&self) -> &[u8] {
        let length =
            self.entry.first_chunk::<2>().map_or(0, |l| usize::from(u16::from_be_bytes(*l)));
        self.entry.get(2..2 + length).unwrap_or(&[])
    }

    fn value(&self) -> &[u8] {
        self.entry.get(2 + self.key().len()..).unwrap_or(&[])
    }

    fn charge(&self) -> usize {
        self.entry.len() + OVERHEAD
    }
}

pub(crate) struct Shard {
    index: HashTable<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    hand: u32,
    bytes: usize,
    limit: usize,
    /// For how long what lasts does.
    stale: Duration,
    pub(crate) evicted: u64,
}

impl Shard {
    pub(crate) fn new(limit: usize, stale: Duration) -> Self {
        Shard {
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            hand: NONE,
            bytes: 0,
            limit,
            stale,
            evicted: 0,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// The value under `key`, expired or not, and when it expires. Marks it visited.
    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<(&[u8], Moment)> {
        Some(self.visit(self.find(hash, key)?))
    }

    /// The value in a place that [`Shard::find`] gave, and when it expires. Marks it visited.
    pub(crate) fn visit(&self, at: u32) -> (&[u8], Moment) {
        let slot = &self.slots[at as usize];
        if !slot.visited.load(Ordering::Relaxed) {
            slot.visited.store(true, Ordering::Relaxed);
        }
        (slot.value(), slot.expires)
    }

    /// Claims what lies in a place; false if it is claimed.
    pub(crate) fn claim(&self, at: u32) -> bool {
        !self.slots[at as usize].claimed.swap(true, Ordering::Relaxed)
    }

    /// When what lies in a place expires.
    pub(crate) fn expires(&self, at: u32) -> Moment {
        self.slots[at as usize].expires
    }

    /// Puts a value under `key`, in place of the one that was found there. Evicts until it fits; what
    /// is larger than the whole shard is not kept. One as long as the one before is written over it,
    /// where it lies, and counts as a visit.
    #[expect(clippy::too_many_arguments, reason = "each is another fact of the entry")]
    pub(crate) fn insert(
        &mut self,
        found: Option<u32>,
        hash: u64,
        key: &[u8],
        value: &[u8],
        expires: Moment,
        lasts: bool,
        now: Moment,
    ) {
        if let Some(at) = found
            && let slot = &mut self.slots[at as usize]
            && let start = 2 + key.len()
            && slot.entry.len() == start + value.len()
        {
            slot.entry[start..].copy_from_slice(value);
            slot.expires = expires;
            *slot.visited.get_mut() = true;
            *slot.claimed.get_mut() = false;
            return;
        }
        let entry = [&(key.len() as u16).to_be_bytes(), key, value].concat().into_boxed_slice();
        let charge = entry.len() + OVERHEAD;
        let visited = found.is_some_and(|at| {
            let visited = self.slots[at as usize].visited.load(Ordering::Relaxed);
            self.remove(at);
            visited
        });
        while self.bytes + charge > self.limit {
            if !self.evict(now) {
                return;
            }
        }
        let slot = Slot {
            entry,
            hash,
            expires,
            newer: NONE,
            older: self.newest,
            visited: AtomicBool::new(visited),
            lasts,
            claimed: AtomicBool::new(false),
        };
        self.bytes += charge;
        let at = self.place(slot);
        match self.slots.get_mut(self.newest as usize) {
            Some(newest) => newest.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
        let slots = &self.slots;
        self.index.insert_unique(hash, at, |at| slots[*at as usize].hash);
    }

    pub(crate) fn remove_key(&mut self, hash: u64, key: &[u8]) -> bool {
        self.find(hash, key).inspect(|at| self.remove(*at)).is_some()
    }

    pub(crate) fn remove_matching(&mut self, matches: &impl Fn(&[u8]) -> bool) -> usize {
        let matching: Vec<u32> = (0..self.slots.len() as u32)
            .filter(|at| {
                let slot = &self.slots[*at as usize];
                !slot.entry.is_empty() && matches(slot.key())
            })
            .collect();
        matching.iter().for_each(|at| self.remove(*at));
        matching.len()
    }

    /// Every entry's key, value and expiry.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8], Moment)> {
        let live = self.slots.iter().filter(|slot| !slot.entry.is_empty());
        live.map(|slot| (slot.key(), slot.value(), slot.expires))
    }

    /// Hands entries to `take`, from the place `from` on, until it wants no more or all are through;
    /// where to go on. No marks are set.
    pub(crate) fn visit_from(
        &self,
        from: usize,
        mut take: impl FnMut(&[u8], &[u8], Moment, bool) -> bool,
    ) -> Option<usize> {
        for (at, slot) in self.slots.iter().enumerate().skip(from) {
            let visited = slot.visited.load(Ordering::Relaxed);
            if !slot.entry.is_empty() && !take(slot.key(), slot.value(), slot.expires, visited) {
                return Some(at + 1);
            }
        }
        None
    }

    /// Where the entry under `key` is; that holds until something is put in or removed.
    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.index.find(hash, |at| self.slots[*at as usize].key() == key).copied()
    }

    fn place(&mut self, slot: Slot) -> u32 {
        match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                self.slots.len() as u32 - 1
            }
        }
    }

    /// Throws out one entry: the first that the hand finds of no more use or unvisited. Each step
    /// takes a mark away, so it ends within two rounds.
    fn evict(&mut self, now: Moment) -> bool {
        let mut at = if self.hand == NONE { self.oldest } else { self.hand };
        loop {
            let Some(slot) = self.slots.get(at as usize) else { return false };
            let stale = if slot.lasts { self.stale } else { Duration::ZERO };
            if slot.expires.after(stale) <= now || !slot.visited.swap(false, Ordering::Relaxed) {
                break;
            }
            at = if slot.newer == NONE { self.oldest } else { slot.newer };
        }
        self.hand = self.slots[at as usize].newer;
        self.remove(at);
        self.evicted += 1;
        true
    }

    fn remove(&mut self, at: u32) {
        let (hash, newer, older, charge) = {
            let slot = &self.slots[at as usize];
            (slot.hash, slot.newer, slot.older, slot.charge())
        };
        if let Ok(found) = self.index.find_entry(hash, |other| *other == at) {
            found.remove();
        }
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        if self.hand == at {
            self.hand = newer;
        }
        self.slots[at as usize].entry = Box::default();
        self.free.push(at);
        self.bytes -= charge;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_millis(0);
    /// This key and those above last for a while when they have expired.
    const LASTING: u8 = 200;

    fn shard(entries: usize) -> Shard {
        Shard::new(entries * (2 + 1 + 1 + OVERHEAD), Duration::from_millis(10))
    }

    fn insert(shard: &mut Shard, key: u8) {
        put(shard, key, &[key], Moment::NEVER, NOW);
    }

    fn put(shard: &mut Shard, key: u8, value: &[u8], expires: Moment, now: Moment) {
        let found = shard.find(u64::from(key), &[key]);
        let lasts = key >= LASTING;
        shard.insert(found, u64::from(key), &[key], value, expires, lasts, now);
    }

    fn has(shard: &Shard, key: u8) -> bool {
        shard.find(u64::from(key), &[key]).is_some()
    }

    #[test]
    fn what_was_visited_outlives_what_was_not() {
        let mut shard = shard(3);
        (1..=3).for_each(|key| insert(&mut shard, key));
        assert!(shard.get(1, &[1]).is_some());
        insert(&mut shard, 4);
        assert!(has(&shard, 1) && !has(&shard, 2) && has(&shard, 3) && has(&shard, 4));
        insert(&mut shard, 5);
        assert!(has(&shard, 1) && !has(&shard, 3), "the hand went on from where it stood");
    }

    #[test]
    fn a_scan_leaves_the_popular_alone() {
        let mut shard = shard(10);
        (0..5).for_each(|key| insert(&mut shard, key));
        for scanned in 100..200 {
            (0..5).for_each(|key| assert!(shard.get(u64::from(key), &[key]).is_some()));
            insert(&mut shard, scanned);
        }
        assert!((0..5).all(|key| has(&shard, key)));
    }

    #[test]
    fn the_limit_holds_and_nothing_leaks() {
        let mut shard = shard(7);
        for round in 0..1000u32 {
            let key = (round % 50) as u8;
            put(&mut shard, key, &vec![0; (round % 90) as usize], Moment::NEVER, NOW);
            if round % 3 == 0 {
                shard.remove_key(u64::from(key / 2), &[key / 2]);
            }
            assert!(shard.bytes() <= shard.limit);
        }
        let live: usize =
            shard.slots.iter().filter(|s| !s.entry.is_empty()).map(Slot::charge).sum();
        assert_eq!(live, shard.bytes());
        assert_eq!(shard.slots.len() - shard.free.len(), shard.len());
    }

    #[test]
    fn expired_entries_go_first_even_if_visited() {
        let mut shard = shard(2);
        put(&mut shard, 1, &[1], Moment::from_millis(5), NOW);
        insert(&mut shard, 2);
        assert!(shard.get(1, &[1]).is_some());
        put(&mut shard, 3, &[3], Moment::NEVER, Moment::from_millis(5));
        assert!(!has(&shard, 1) && has(&shard, 2) && has(&shard, 3));
    }

    #[test]
    fn what_lasts_is_not_the_first_to_go_until_its_time_is_over() {
        for (now, kept) in [(14, true), (15, false)] {
            let mut shard = shard(2);
            put(&mut shard, LASTING, &[1], Moment::from_millis(5), NOW);
            insert(&mut shard, 2);
            assert!(shard.get(LASTING.into(), &[LASTING]).is_some());
            put(&mut shard, 3, &[3], Moment::NEVER, Moment::from_millis(now));
            assert_eq!((has(&shard, LASTING), has(&shard, 2)), (kept, !kept), "{now}");
        }
    }

    #[test]
    fn what_is_larger_than_the_shard_is_not_kept() {
        let mut shard = shard(2);
        insert(&mut shard, 1);
        put(&mut shard, 9, &[0; 500], Moment::NEVER, NOW);
        assert!(!has(&shard, 9) && shard.bytes() <= shard.limit);
    }
}
