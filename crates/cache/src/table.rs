//! The table of all entries: shards under one limit of octets.

mod sweep;

use std::fmt;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use siphasher::sip::SipHasher13;
use zoners_dns::Moment;

use crate::arena::MAX_ENTRY_OCTETS;
use crate::key::CacheKey;
use crate::shard::{NewEntry, Shard};
use crate::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};

/// The shards of a large table, so many that workers seldom wait for the same lock.
const MAX_SHARDS: usize = 64;
/// Octets of the smallest shard, ten blocks. So a small table has fewer shards.
const MIN_SHARD_OCTETS: usize = 1024 * 1024;
/// A table is nearly full if less than this fraction (one sixteenth) is free.
const NEARLY_FULL_FRACTION: usize = 16;

/// A bounded hash table with values that expire.
pub struct Table {
    /// Each lock is itself sharded by thread. With a plain lock, readers would contend for its
    /// cache line: two workers then did 1.15 times the work of one.
    shards: Vec<ShardedLock<Shard>>,
    hasher: SipHasher13,
    /// The most octets of memory.
    limit: usize,
    /// The number of the current quarantine, or 0.
    quarantine: AtomicU8,
}

/// The state of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Entries, including expired entries.
    pub entries: usize,
    /// Octets of memory, with overhead and gaps.
    pub bytes: usize,
    /// Entries that were evicted.
    pub evicted: u64,
}

impl Table {
    /// An empty table of at most `bytes` octets. Entries of lasting kinds are kept for `stale`
    /// after their expiry.
    #[must_use]
    pub fn new(bytes: usize, stale: Duration, hash_key: [u64; 2]) -> Self {
        let count = (bytes / MIN_SHARD_OCTETS).clamp(1, MAX_SHARDS);
        let shards = (0..count).map(|_| ShardedLock::new(Shard::new(bytes / count, stale)));
        let shards = shards.collect();
        let hasher = SipHasher13::new_with_keys(hash_key[0], hash_key[1]);
        Table { shards, hasher, limit: bytes, quarantine: AtomicU8::new(0) }
    }

    /// Calls `read` with the value under `key` and its expiry. `None` if there is no live value.
    pub(crate) fn get<R>(
        &self,
        key: &[u8],
        now: Moment,
        read: impl FnOnce(&[u8], Moment) -> Option<R>,
    ) -> Option<R> {
        let hash = self.hash(key);
        let shard = reading(self.shard(hash));
        let (value, expires) = shard.get(hash, key)?;
        if expires <= now {
            return None;
        }
        read(value, expires)
    }

    /// Inserts `value` under `key` until `expires`. False if the value is too large.
    pub(crate) fn insert(
        &self,
        key: &CacheKey,
        value: &[u8],
        expires: Moment,
        now: Moment,
    ) -> bool {
        self.update(key, now, |_| Some((value, expires)))
    }

    /// Replaces the value under `key` by the result of `change`, atomically. An expired value
    /// counts as absent. False if `change` returns `None` or the value is too large.
    pub(crate) fn update<V: AsRef<[u8]>>(
        &self,
        key: &CacheKey,
        now: Moment,
        change: impl FnOnce(Option<&[u8]>) -> Option<(V, Moment)>,
    ) -> bool {
        let (hash, octets) = (self.hash(key.as_slice()), key.as_slice());
        let mut shard = writing(self.shard(hash));
        let found = shard.find(hash, octets);
        let live = found.and_then(|at| shard.visit(at)).filter(|(_, expires)| *expires > now);
        let Some((value, expires)) = change(live.map(|(value, _)| value)) else { return false };
        let value = value.as_ref();
        if value.len() > MAX_ENTRY_OCTETS {
            return false;
        }
        let (keeps_stale, quarantine) = (key.keeps_stale(), self.quarantine());
        let new = NewEntry { hash, key: octets, value, expires, keeps_stale, quarantine };
        shard.insert(found, &new, now);
        true
    }

    /// Inserts `value` under `key`, unless the present value is live or expires later. A `popular`
    /// entry is marked as visited. False if not inserted.
    pub(crate) fn add(
        &self,
        key: &CacheKey,
        value: &[u8],
        expires: Moment,
        popular: bool,
        now: Moment,
    ) -> bool {
        let (hash, octets) = (self.hash(key.as_slice()), key.as_slice());
        let mut shard = writing(self.shard(hash));
        let found = shard.find(hash, octets);
        let present = found.and_then(|at| shard.expires(at));
        if value.len() > MAX_ENTRY_OCTETS
            || present.is_some_and(|present| present > now || present >= expires)
        {
            return false;
        }
        // The entry is older than the current quarantine.
        let new = NewEntry {
            hash,
            key: octets,
            value,
            expires,
            keeps_stale: key.keeps_stale(),
            quarantine: 0,
        };
        shard.insert(found, &new, now);
        if popular && let Some(at) = shard.find(hash, octets) {
            shard.visit(at);
        }
        true
    }

    /// Claims the refresh of the entry under `key`. False if there is no entry, or the refresh is
    /// claimed already.
    pub(crate) fn claim(&self, key: &[u8]) -> bool {
        let hash = self.hash(key);
        let shard = reading(self.shard(hash));
        shard.find(hash, key).is_some_and(|at| shard.claim(at))
    }

    /// Removes the entry under `key`. True if there was an entry.
    pub(crate) fn remove(&self, key: &CacheKey) -> bool {
        let (hash, key) = (self.hash(key.as_slice()), key.as_slice());
        // There is seldom an entry, and a shared lock is cheaper.
        let there = reading(self.shard(hash)).find(hash, key).is_some();
        there && writing(self.shard(hash)).remove_key(hash, key)
    }

    /// Removes the entry under `key`, expired or not, if `matches` is true for its value. True if
    /// removed.
    pub(crate) fn remove_if(&self, key: &CacheKey, matches: impl Fn(&[u8]) -> bool) -> bool {
        let (hash, key) = (self.hash(key.as_slice()), key.as_slice());
        let matches = |shard: &Shard| shard.value(hash, key).is_some_and(&matches);
        // There is seldom such an entry, and a shared lock is cheaper.
        if !matches(&reading(self.shard(hash))) {
            return false;
        }
        let mut shard = writing(self.shard(hash));
        matches(&shard) && shard.remove_key(hash, key)
    }

    /// The number of the quarantine in which entries are inserted, or 0.
    pub(crate) fn quarantine(&self) -> u8 {
        self.quarantine.load(Ordering::Relaxed)
    }

    /// Sets the number of the quarantine in which entries are inserted from now on.
    pub(crate) fn set_quarantine(&self, number: u8) {
        self.quarantine.store(number, Ordering::Relaxed);
    }

    /// The most octets of memory.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether little room is left before entries must be evicted.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.shards.iter().map(|shard| reading(shard).free_octets()).sum::<usize>()
            < self.limit / NEARLY_FULL_FRACTION
    }

    /// The number of entries, octets and evictions.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.shards.iter().fold(CacheStats::default(), |sum, shard| {
            let shard = reading(shard);
            CacheStats {
                entries: sum.entries + shard.len(),
                bytes: sum.bytes + shard.bytes(),
                evicted: sum.evicted + shard.evicted,
            }
        })
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    fn shard(&self, hash: u64) -> &ShardedLock<Shard> {
        // The low bits choose the slot within the index of the shard.
        &self.shards[(hash >> 32) as usize % self.shards.len()]
    }
}

/// A shard is consistent after each step, so the lock is used even after a panic.
fn reading(shard: &ShardedLock<Shard>) -> ShardedLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn writing(shard: &ShardedLock<Shard>) -> ShardedLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("stats", &self.stats()).finish()
    }
}

#[cfg(all(test, feature = "loom"))]
mod loom_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::EntryKind;
    use zoners_dns::name;

    fn key(number: u32) -> CacheKey {
        CacheKey::of_name(
            EntryKind::RRset,
            name::parse(&format!("n{number}.test")).unwrap().for_slice(),
        )
    }

    #[test]
    fn the_byte_limit_holds_over_all_shards() {
        let table = Table::new(1 << 20, Duration::ZERO, [1, 2]);
        for number in 0..50_000 {
            table.insert(&key(number), &[7; 100], Moment::NEVER, Moment::default());
        }
        let stats = table.stats();
        assert!(stats.bytes <= 1 << 20 && stats.bytes > 1 << 19, "{stats:?}");
        assert_eq!(stats.entries as u64 + stats.evicted, 50_000);
    }

    #[test]
    fn values_have_a_greatest_size() {
        let table = Table::new(1 << 22, Duration::ZERO, [1, 2]);
        let now = Moment::default();
        assert!(table.insert(&key(1), &[0; MAX_ENTRY_OCTETS], Moment::NEVER, now));
        assert!(!table.insert(&key(2), &[0; MAX_ENTRY_OCTETS + 1], Moment::NEVER, now));
    }

    #[test]
    fn expired_values_are_not_read() {
        let table = Table::new(1 << 20, Duration::ZERO, [1, 2]);
        table.insert(&key(1), b"x", Moment::from_millis(10), Moment::from_millis(0));
        let read = |now| {
            table.get(key(1).as_slice(), Moment::from_millis(now), |value, _| Some(value.to_vec()))
        };
        assert_eq!(read(9), Some(b"x".to_vec()));
        assert_eq!(read(10), None);
    }
}
