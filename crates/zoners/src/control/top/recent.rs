//! Names or clients of the last minutes, with their queries.

use std::collections::{BTreeMap, VecDeque};

/// Keys at a time. A full table takes no further key until the lesser half goes, at the next stretch.
pub(super) const MAX_KEYS: usize = 1000;
/// The seconds of a stretch.
const STRETCH_SECONDS: u64 = 10;
/// Stretches that count: two minutes.
const STRETCHES: u64 = 12;
/// The minutes of all stretches, for headings.
pub(super) const RECENT_MINUTES: u64 = STRETCH_SECONDS * STRETCHES / 60;

/// The queries of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Load {
    pub(super) queries: u64,
    pub(super) failed: u64,
    /// The longest wait, in milliseconds.
    pub(super) worst_ms: f64,
}

impl Load {
    fn join(self, other: Load) -> Self {
        Load {
            queries: self.queries + other.queries,
            failed: self.failed + other.failed,
            worst_ms: self.worst_ms.max(other.worst_ms),
        }
    }
}

/// A key's loads, by the number of the stretch.
type Stretches = VecDeque<(u64, Load)>;

/// A bounded table of keys.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    /// By which keys are ranked: the highest stay.
    rank: fn(&Load) -> f64,
    stretch: u64,
    keys: BTreeMap<String, Stretches>,
}

impl Recent {
    pub(super) const fn new(rank: fn(&Load) -> f64) -> Self {
        Recent { rank, stretch: 0, keys: BTreeMap::new() }
    }

    /// Lets go of what is no longer recent.
    pub(super) fn advance(&mut self, now_s: u64) {
        let stretch = now_s / STRETCH_SECONDS;
        if stretch == self.stretch {
            return;
        }
        self.stretch = stretch;
        let oldest = stretch.saturating_sub(STRETCHES - 1);
        self.keys.retain(|_, stretches| {
            stretches.retain(|(stretch, _)| *stretch >= oldest);
            !stretches.is_empty()
        });
        if self.keys.len() >= MAX_KEYS {
            let lesser: Vec<String> =
                self.ranked().skip(MAX_KEYS / 2).map(|(key, _)| key.to_owned()).collect();
            lesser.iter().for_each(|key| drop(self.keys.remove(key)));
        }
    }

    /// Counts a query in the present stretch; false if there is no room for a further key.
    #[must_use]
    pub(super) fn add(&mut self, key: &str, load: Load) -> bool {
        let is_full = self.keys.len() >= MAX_KEYS;
        if !self.keys.contains_key(key) && is_full {
            return false;
        }
        let stretches = self.keys.entry(key.to_owned()).or_default();
        match stretches.back_mut() {
            Some((stretch, sum)) if *stretch == self.stretch => *sum = sum.join(load),
            _ => stretches.push_back((self.stretch, load)),
        }
        true
    }

    /// The keys with their loads, the highest first.
    pub(super) fn ranked(&self) -> impl Iterator<Item = (&str, Load)> {
        let sum = |stretches: &Stretches| {
            stretches.iter().fold(Load::default(), |sum, (_, load)| sum.join(*load))
        };
        let mut keys: Vec<(&str, Load)> =
            self.keys.iter().map(|(key, stretches)| (key.as_str(), sum(stretches))).collect();
        // Stable: equals stay in the order of the alphabet, so that rows do not dance.
        keys.sort_by(|(_, one), (_, other)| (self.rank)(other).total_cmp(&(self.rank)(one)));
        keys.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Load = Load { queries: 1, failed: 0, worst_ms: 0.0 };

    fn by_queries() -> Recent {
        Recent::new(|load| load.queries as f64)
    }

    #[test]
    fn keys_are_ranked_and_forgotten_after_two_minutes() {
        let mut recent = by_queries();
        recent.advance(1000);
        assert!(recent.add("b", ONE) && recent.add("c", ONE));
        assert!(recent.add("a", Load { worst_ms: 7.0, ..ONE }));
        recent.advance(1050);
        assert!(recent.add("b", Load { failed: 1, worst_ms: 3.0, ..ONE }));
        let ranked: Vec<(&str, Load)> = recent.ranked().collect();
        assert_eq!(ranked[0], ("b", Load { queries: 2, failed: 1, worst_ms: 3.0 }));
        assert_eq!(ranked[1..].iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["a", "c"]);
        recent.advance(1129);
        assert_eq!(
            recent.ranked().map(|(key, load)| (key, load.queries)).collect::<Vec<_>>(),
            [("b", 1)]
        );
        recent.advance(1000 + RECENT_MINUTES * 60 + 50);
        assert_eq!(recent.ranked().count(), 0);
    }

    #[test]
    fn a_full_table_keeps_the_higher_half_and_takes_new_keys_in_the_next_stretch() {
        let mut recent = by_queries();
        recent.advance(1000);
        for key in 0..2 * MAX_KEYS {
            assert_eq!(recent.add(&format!("{key:05}"), ONE), key < MAX_KEYS, "{key}");
        }
        assert!(recent.add("00999", ONE), "a known key");
        assert_eq!(recent.ranked().count(), MAX_KEYS);
        recent.advance(1010);
        assert_eq!(recent.ranked().count(), MAX_KEYS / 2);
        assert_eq!(recent.ranked().next().unwrap().0, "00999");
        assert!(recent.add("new", ONE));
        assert!(recent.ranked().any(|(key, _)| key == "new"));
    }
}
