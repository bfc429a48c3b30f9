//! A table of recent events, bounded in size.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use zoners_dns::Moment;

/// Entries of one bucket.
const TOGETHER: usize = 16;

/// A table of bounded size: an entry is forgotten some time after its last use, and earlier if the
/// bucket is full. The bucket follows from a secret hash, so no outsider chooses the victim.
#[derive(Debug)]
pub(crate) struct RecentTable<K, V> {
    parts: Box<[Vec<RecentEntry<K, V>>]>,
    /// Entries in the table, expired entries included.
    count: usize,
    keep: Duration,
    secret: RandomState,
}

#[derive(Debug)]
struct RecentEntry<K, V> {
    key: K,
    touched: Moment,
    value: V,
}

/// An entry in use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TouchedEntry<'a, V> {
    pub(crate) value: &'a mut V,
    /// A live entry of a different key was evicted.
    pub(crate) evicted: bool,
}

impl<K: Hash + Eq, V: Default> RecentTable<K, V> {
    /// A table with room for about `most` entries, each kept for `keep` after its last use.
    pub(crate) fn new(most: usize, keep: Duration) -> Self {
        let parts = most.div_ceil(TOGETHER).max(1);
        let parts = (0..parts).map(|_| Vec::new()).collect();
        RecentTable { parts, count: 0, keep, secret: RandomState::new() }
    }

    /// The entry of `key`, created if missing.
    pub(crate) fn touch(&mut self, key: K, now: Moment) -> Option<TouchedEntry<'_, V>> {
        let (keep, place) = (self.keep, self.place(&key));
        let part = self.parts.get_mut(place)?;
        let (mut evicted, before) = (false, part.len());
        let at = match part.iter().position(|entry| entry.key == key) {
            Some(at) => at,
            None => {
                part.retain(|entry| now.since(entry.touched) < keep);
                if part.len() >= TOGETHER
                    && let Some((oldest, _)) =
                        part.iter().enumerate().min_by_key(|(_, entry)| entry.touched)
                {
                    part.swap_remove(oldest);
                    evicted = true;
                }
                part.push(RecentEntry { key, touched: now, value: V::default() });
                part.len() - 1
            }
        };
        self.count = self.count + part.len() - before;
        let entry = part.get_mut(at)?;
        if now.since(entry.touched) >= keep {
            entry.value = V::default();
        }
        entry.touched = now;
        Some(TouchedEntry { value: &mut entry.value, evicted })
    }

    /// The entry of `key`, if any; a look does not extend the life of an entry.
    pub(crate) fn get_mut(&mut self, key: &K, now: Moment) -> Option<&mut V> {
        let keep = self.keep;
        let place = self.place(key);
        let entry = self.parts.get_mut(place)?.iter_mut().find(|entry| entry.key == *key)?;
        (now.since(entry.touched) < keep).then_some(&mut entry.value)
    }

    /// Takes the entry of `key` out.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key);
        let part = self.parts.get_mut(place)?;
        let at = part.iter().position(|entry| entry.key == *key)?;
        self.count -= 1;
        Some(part.swap_remove(at).value)
    }

    /// The entries, in no order.
    pub(crate) fn iter(&self, now: Moment) -> impl Iterator<Item = (&K, &V)> {
        let fresh = move |entry: &&RecentEntry<K, V>| now.since(entry.touched) < self.keep;
        self.parts.iter().flatten().filter(fresh).map(|entry| (&entry.key, &entry.value))
    }

    /// The number of entries, including expired entries not yet removed.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The bucket of a key.
    fn place(&self, key: &K) -> usize {
        (self.secret.hash_one(key) % self.parts.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(1);

    #[test]
    fn entries_are_bounded_and_the_oldest_of_a_bucket_is_evicted() {
        let (mut table, mut forgotten) = (RecentTable::<u32, u32>::new(64, KEEP), 0);
        for key in 0..1000 {
            let now = Moment::from_millis(u64::from(key) / 2);
            let touched = table.touch(key, now).unwrap();
            *touched.value = key;
            forgotten += usize::from(touched.evicted);
        }
        let now = Moment::from_millis(500);
        let kept: Vec<u32> = table.iter(now).map(|(key, _)| *key).collect();
        assert_eq!(kept.len() + forgotten, 1000);
        assert!(kept.len() <= 64 && kept.contains(&999), "{kept:?}");
        let mut one = RecentTable::<u32, u32>::new(TOGETHER, KEEP);
        for key in 0..TOGETHER as u32 {
            one.touch(key, Moment::from_millis(key.into())).unwrap();
        }
        one.touch(0, now).unwrap();
        assert!(one.touch(99, now).unwrap().evicted);
        assert!(one.get_mut(&0, now).is_some() && one.get_mut(&1, now).is_none());
    }

    #[test]
    fn an_entry_expires_some_time_after_its_last_use() {
        let (mut table, at) = (RecentTable::<u32, u32>::new(64, KEEP), Moment::from_millis);
        *table.touch(1, at(5)).unwrap().value = 7;
        assert_eq!(table.get_mut(&1, at(1004)), Some(&mut 7));
        assert_eq!(table.get_mut(&1, at(1005)), None);
        assert_eq!(table.iter(at(1005)).count(), 0);
        assert_eq!(table.touch(1, at(1005)), Some(TouchedEntry { value: &mut 0, evicted: false }));
        assert_eq!(table.remove(&1), Some(0));
        assert_eq!(table.remove(&1), None);
    }
}
