//! The provider prior: the RTT assumed of unknown servers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// The RTTs of servers at first contact. They differ by factors, so their logarithms are smoothed.
#[derive(Debug)]
pub(crate) struct RttPrior {
    smoothed: Mutex<SmoothedRtt>,
    /// Derived values in microseconds, read without a lock.
    median_us: AtomicU64,
    late_us: AtomicU64,
}

#[derive(Clone, Copy, Debug, Default)]
struct SmoothedRtt {
    mean: f64,
    deviation: f64,
    samples: u32,
}

/// Before anything is known: a server on the same continent …
const UNKNOWN: Duration = Duration::from_millis(50);
/// … and an RTT that most servers are below.
const UNKNOWN_LATE: Duration = Duration::from_millis(200);
/// Fewer samples than this say little.
const FEW: u32 = 4;
/// A new sample moves the figures by this part.
const GAIN: f64 = 16.0;
/// Bounds of the late time.
const LATE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(1200));

impl Default for RttPrior {
    fn default() -> Self {
        let habits = RttPrior {
            smoothed: Mutex::default(),
            median_us: AtomicU64::new(0),
            late_us: AtomicU64::new(0),
        };
        habits.forget();
        habits
    }
}

impl RttPrior {
    /// A server answered for the first time.
    pub(crate) fn learn(&self, rtt: Duration) {
        let mut known = self.smoothed.lock();
        let sample = (rtt.as_secs_f64().max(1e-4)).ln();
        known.samples = known.samples.saturating_add(1);
        let gain = GAIN.min(known.samples.into());
        let off = sample - known.mean;
        known.mean += off / gain;
        known.deviation += (off.abs() - known.deviation) / gain;
        if known.samples >= FEW {
            let late = (known.mean + LATE_DEVIATIONS * known.deviation).exp();
            let late = Duration::from_secs_f64(late).clamp(LATE.0, LATE.1);
            self.expect(Duration::from_secs_f64(known.mean.exp()), late);
        }
    }

    /// Forgets everything: the machine is elsewhere now.
    pub(crate) fn forget(&self) {
        *self.smoothed.lock() = SmoothedRtt::default();
        self.expect(UNKNOWN, UNKNOWN_LATE);
    }

    fn expect(&self, median: Duration, late: Duration) {
        self.median_us.store(median.as_micros() as u64, Ordering::Relaxed);
        self.late_us.store(late.as_micros() as u64, Ordering::Relaxed);
    }

    /// The median RTT.
    pub(crate) fn median(&self) -> Duration {
        Duration::from_micros(self.median_us.load(Ordering::Relaxed))
    }

    /// The time within which nearly every responsive server replies.
    pub(crate) fn late(&self) -> Duration {
        Duration::from_micros(self.late_us.load(Ordering::Relaxed))
    }
}

/// About four replies in five, for the usual distribution.
const LATE_DEVIATIONS: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_say_little_and_many_are_believed() {
        let habits = RttPrior::default();
        assert_eq!((habits.median(), habits.late()), (UNKNOWN, UNKNOWN_LATE));
        for _ in 0..FEW {
            assert_eq!(habits.median(), UNKNOWN);
            habits.learn(Duration::from_millis(400));
        }
        assert_eq!(habits.median().as_millis(), 400);
        for rtt in [10, 20, 40, 80].into_iter().cycle().take(400) {
            habits.learn(Duration::from_millis(rtt));
        }
        assert!((20..40).contains(&habits.median().as_millis()), "{:?}", habits.median());
        assert!((60..160).contains(&habits.late().as_millis()), "{:?}", habits.late());
        habits.forget();
        assert_eq!(habits.median(), UNKNOWN);
    }
}
