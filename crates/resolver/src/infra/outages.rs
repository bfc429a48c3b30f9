//! Outages of an uplink: short ones of a satellite, long ones of a line.
//!
//! The log is written once an uplink is back, never for a reply of an uplink that works.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::Moment;

/// The most outages that are kept; a satellite dish behind a tree has some hundred a day.
const MAX_OUTAGES: usize = 256;

/// The latest outages, oldest first.
#[derive(Debug, Default)]
pub(crate) struct OutageLog(Mutex<VecDeque<Outage>>);

/// A time without replies.
#[derive(Clone, Copy, Debug)]
struct Outage {
    ended: Moment,
    lasted: Duration,
}

impl OutageLog {
    /// Servers reply again, for the first time since `began`.
    pub(crate) fn record(&self, began: Moment, ended: Moment) {
        let mut log = self.0.lock();
        if log.len() == MAX_OUTAGES {
            log.pop_front();
        }
        log.push_back(Outage { ended, lasted: ended.since(began) });
    }

    /// How long the outages lasted that ended after `since`.
    pub(crate) fn lasted(&self, since: Moment) -> Vec<Duration> {
        let log = self.0.lock();
        log.iter().filter(|outage| outage.ended >= since).map(|outage| outage.lasted).collect()
    }

    /// Empties the log.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_outages_are_kept() {
        let (log, at) = (OutageLog::default(), Moment::from_millis);
        (0..MAX_OUTAGES as u64 + 9).for_each(|n| log.record(at(n * 1000), at(n * 1000 + n)));
        let all = log.lasted(at(0));
        assert_eq!((all.len(), all[0]), (MAX_OUTAGES, Duration::from_millis(9)));
        let last = at((MAX_OUTAGES as u64 + 8) * 1000);
        assert_eq!(log.lasted(last), [Duration::from_millis(MAX_OUTAGES as u64 + 8)]);
        log.clear();
        assert!(log.lasted(at(0)).is_empty());
    }
}
