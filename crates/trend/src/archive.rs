//! Periods in the order of time, as octets, under a limit of memory.

use std::collections::VecDeque;

use crate::period::Period;

/// Octets of a period beside its content.
const OVERHEAD: usize = 40;

/// A period at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredPeriod {
    /// The beginning, in seconds since 1970.
    pub(crate) begin_s: u64,
    /// The number of the network.
    pub(crate) network: u64,
    pub(crate) octets: Box<[u8]>,
}

impl StoredPeriod {
    pub(crate) fn read(&self) -> Period {
        Period::of_octets(&self.octets)
    }
}

/// Periods in the order of time.
#[derive(Debug)]
pub(crate) struct Archive {
    limit: usize,
    periods: VecDeque<StoredPeriod>,
    octets: usize,
}

impl Archive {
    /// Nothing, in at most `limit` octets.
    pub(crate) fn new(limit: usize) -> Self {
        Archive { limit, periods: VecDeque::new(), octets: 0 }
    }

    /// Adds the latest period; how many old periods were dropped for want of room.
    pub(crate) fn push(&mut self, begin_s: u64, network: u64, period: &Period) -> u64 {
        self.push_stored(StoredPeriod { begin_s, network, octets: period.to_octets().into() })
    }

    pub(crate) fn push_stored(&mut self, stored: StoredPeriod) -> u64 {
        self.octets += stored.octets.len() + OVERHEAD;
        self.periods.push_back(stored);
        let mut dropped = 0;
        while self.octets > self.limit && self.pop_front() {
            dropped += 1;
        }
        dropped
    }

    /// Drops the periods before a second.
    pub(crate) fn drop_before(&mut self, second: u64) {
        while self.periods.front().is_some_and(|first| first.begin_s < second) {
            self.pop_front();
        }
    }

    /// Drops the periods from a second on: the clock was set back.
    pub(crate) fn drop_from(&mut self, second: u64) {
        while self.periods.back().is_some_and(|last| last.begin_s >= second) {
            let last = self.periods.pop_back();
            self.octets -= last.map_or(0, |last| last.octets.len() + OVERHEAD);
        }
    }

    fn pop_front(&mut self) -> bool {
        let first = self.periods.pop_front();
        self.octets -= first.as_ref().map_or(0, |first| first.octets.len() + OVERHEAD);
        first.is_some()
    }

    /// The periods from second `since` to before second `until`, the oldest first.
    pub(crate) fn range(
        &self,
        since: u64,
        until: u64,
    ) -> impl DoubleEndedIterator<Item = &StoredPeriod> {
        let from = self.periods.partition_point(|period| period.begin_s < since);
        let to = self.periods.partition_point(|period| period.begin_s < until);
        self.periods.range(from..to.max(from))
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &StoredPeriod> {
        self.periods.iter()
    }

    /// Rewrites each period.
    pub(crate) fn rewrite(&mut self, mut rewritten: impl FnMut(Period) -> Period) {
        for stored in &mut self.periods {
            stored.octets = rewritten(stored.read()).to_octets().into();
        }
        self.octets = self.periods.iter().map(|stored| stored.octets.len() + OVERHEAD).sum();
    }

    pub(crate) fn len(&self) -> usize {
        self.periods.len()
    }

    /// Octets of memory.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Latency;

    fn period() -> Period {
        Period { own: Some(Latency { count: 4, tenths: 12 }), servers: Vec::new() }
    }

    #[test]
    fn without_room_the_oldest_periods_are_dropped_and_counted() {
        let mut archive = Archive::new(10 * (2 + OVERHEAD));
        let dropped: u64 = (0..12).map(|hour| archive.push(hour, 7, &period())).sum();
        assert_eq!((archive.len(), dropped), (10, 2));
        assert_eq!(archive.octets(), 10 * (2 + OVERHEAD));
        assert_eq!(archive.iter().next().map(|first| first.begin_s), Some(2));
    }

    #[test]
    fn times_are_found_and_dropped() {
        let mut archive = Archive::new(1 << 20);
        (0..10).for_each(|hour| _ = archive.push(hour, 7, &period()));
        let begins = |archive: &Archive, since, until| -> Vec<u64> {
            archive.range(since, until).map(|stored| stored.begin_s).collect()
        };
        assert_eq!(begins(&archive, 3, 6), [3, 4, 5]);
        assert!(begins(&archive, 8, 2).is_empty());
        archive.drop_before(2);
        archive.drop_from(7);
        assert_eq!(begins(&archive, 0, 100), [2, 3, 4, 5, 6]);
        assert_eq!(archive.octets(), 5 * (2 + OVERHEAD));
    }
}
