//! How far away servers are as a rule: what is expected of one of which nothing is known.

use std::time::Duration;

use parking_lot::Mutex;

/// The round-trip times that servers had at first contact. They differ by factors, not by
/// amounts, so their logarithms are smoothed.
#[derive(Debug, Default)]
pub(crate) struct Habits(Mutex<Smoothed>);

#[derive(Clone, Copy, Debug, Default)]
struct Smoothed {
    mean: f64,
    deviation: f64,
    samples: u32,
}

/// Before anything is known: a server on the same continent …
const UNKNOWN: Duration = Duration::from_millis(50);
/// … and one that most others are nearer than.
const UNKNOWN_LATE: Duration = Duration::from_millis(200);
/// Fewer samples than this say little.
const FEW: u32 = 4;
/// A new sample moves the figures by this part.
const GAIN: f64 = 16.0;
/// Bounds of what is expected to be late.
const LATE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(600));

impl Habits {
    /// A server answered for the first time.
    pub(crate) fn learn(&self, rtt: Duration) {
        let mut known = self.0.lock();
        let sample = (rtt.as_secs_f64().max(1e-4)).ln();
        known.samples = known.samples.saturating_add(1);
        let gain = GAIN.min(known.samples.into());
        let off = sample - known.mean;
        known.mean += off / gain;
        known.deviation += (off.abs() - known.deviation) / gain;
    }

    /// Forgets everything: the machine is elsewhere now.
    pub(crate) fn forget(&self) {
        *self.0.lock() = Smoothed::default();
    }

    /// The time within which half of them answer.
    pub(crate) fn median(&self) -> Duration {
        let known = *self.0.lock();
        if known.samples < FEW { UNKNOWN } else { Duration::from_secs_f64(known.mean.exp()) }
    }

    /// The time within which nearly all of them answer that do at all.
    pub(crate) fn late(&self) -> Duration {
        let known = *self.0.lock();
        if known.samples < FEW {
            return UNKNOWN_LATE;
        }
        let late = (known.mean + LATE_DEVIATIONS * known.deviation).exp();
        Duration::from_secs_f64(late).clamp(LATE.0, LATE.1)
    }
}

/// About four of five answer so soon, where times are spread as they mostly are.
const LATE_DEVIATIONS: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_say_little_and_many_are_believed() {
        let habits = Habits::default();
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
