//! The secrets that cookies are made with: a new one each day, beside the one of the day before, so that
//! none is worth guessing for long (RFC 7873 section 7.1, RFC 9018 section 5).

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use zoners_dns::Random;

/// A secret makes cookies for so long, in seconds. They are good for an hour, so none outlives the next.
pub(super) const PERIOD: u64 = 86_400;

/// The secrets of two periods. All workers share them, and read them without waiting.
pub(super) struct Secrets {
    /// The later of the two.
    latest: AtomicU64,
    /// By whether the number of the period is even or odd.
    keys: [[AtomicU64; 2]; 2],
    turning: Mutex<Random>,
}

impl Secrets {
    pub(super) fn new(random: &Random) -> Self {
        Secrets {
            latest: AtomicU64::new(0),
            keys: [(); 2].map(|()| [random.bits(), random.bits()].map(AtomicU64::new)),
            turning: Mutex::new(random.clone()),
        }
    }

    /// The secret of a cookie made at `made`, if there still is one at `now`, both in seconds since 1970.
    pub(super) fn of(&self, made: u64, now: u64) -> Option<[u64; 2]> {
        let (made, now) = (made / PERIOD, now / PERIOD);
        let mut latest = self.latest.load(Ordering::Acquire);
        // The clocks of two workers may be on either side of midnight.
        if now > latest || now + 1 < latest {
            latest = self.turn(now);
        }
        (made == latest || made + 1 == latest)
            .then(|| self.keys_of(made).each_ref().map(|half| half.load(Ordering::Relaxed)))
    }

    /// Begins a period. One that reads what is being written makes or refuses one cookie in vain.
    fn turn(&self, now: u64) -> u64 {
        let random = self.turning.lock();
        let latest = self.latest.load(Ordering::Relaxed);
        if latest == now {
            return latest;
        }
        let renew = |period| {
            self.keys_of(period)
                .iter()
                .for_each(|half| half.store(random.bits(), Ordering::Relaxed));
        };
        renew(now);
        // The clock was set, or no client has come for longer: the other is of no use.
        if latest + 1 != now {
            renew(now + 1);
        }
        self.latest.store(now, Ordering::Release);
        now
    }

    fn keys_of(&self, period: u64) -> &[AtomicU64; 2] {
        let [even, odd] = &self.keys;
        if period.is_multiple_of(2) { even } else { odd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 19_000 * PERIOD;

    #[test]
    fn each_period_has_its_own_and_the_last_is_kept_for_one() {
        let secrets = Secrets::new(&Random::seeded(1));
        let first = secrets.of(DAY, DAY).unwrap();
        assert_eq!(secrets.of(DAY, DAY + PERIOD - 1), Some(first));
        let second = secrets.of(DAY + PERIOD, DAY + PERIOD).unwrap();
        assert_ne!(first, second);
        assert_eq!(secrets.of(DAY + PERIOD - 1, DAY + PERIOD), Some(first), "made just before");
        assert_eq!(secrets.of(DAY + PERIOD - 1, DAY + PERIOD - 1), Some(first), "a worker behind");
        assert_eq!(secrets.of(DAY + PERIOD, DAY + PERIOD), Some(second), "turns nothing back");
        let third = secrets.of(DAY + 2 * PERIOD, DAY + 2 * PERIOD).unwrap();
        assert!(third != first && third != second);
        assert_eq!(secrets.of(DAY, DAY + 2 * PERIOD), None, "too old");
    }

    #[test]
    fn after_a_gap_or_on_a_clock_set_back_nothing_of_before_counts() {
        for now in [DAY + 2 * PERIOD, DAY + 900 * PERIOD, DAY - 2 * PERIOD, DAY - 901 * PERIOD] {
            let secrets = Secrets::new(&Random::seeded(1));
            let before = secrets.of(DAY, DAY).unwrap();
            let after = secrets.of(now, now).unwrap();
            assert_ne!(before, after);
            let previous = secrets.of(now - PERIOD, now);
            assert!(previous.is_some() && previous != Some(before) && previous != Some(after));
        }
    }
}
