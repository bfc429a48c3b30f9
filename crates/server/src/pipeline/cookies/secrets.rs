//! The secrets of cookies: a new secret each day, beside the secret of the day before, so that no secret is worth
//! guessing for long (RFC 7873 section 7.1, RFC 9018 section 5).

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use zoners_dns::Random;

/// Seconds for which a secret makes cookies. A cookie is valid for an hour, so no cookie outlives the next secret.
pub(super) const PERIOD_SECONDS: u64 = 86_400;

/// The secrets of two periods. The workers share the secrets, and read without waiting.
pub(super) struct Secrets {
    /// The number of the later period.
    latest: AtomicU64,
    /// The secret of the even period, then of the odd one.
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

    /// The secret of a cookie made at `made`, if it is still kept at `now`, both in seconds since 1970.
    pub(super) fn of(&self, made: u64, now: u64) -> Option<[u64; 2]> {
        let (made, now) = (made / PERIOD_SECONDS, now / PERIOD_SECONDS);
        let mut latest = self.latest.load(Ordering::Acquire);
        // The clocks of two workers may be on either side of midnight.
        if now > latest || now + 1 < latest {
            latest = self.turn(now);
        }
        (made == latest || made + 1 == latest)
            .then(|| self.keys_of(made).each_ref().map(|half| half.load(Ordering::Relaxed)))
    }

    /// Begins a period. A worker that reads a half-written secret makes or refuses one cookie in vain.
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
        // The clock was set, or no client came for longer than a period: the other secret is out of date.
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

    const DAY: u64 = 19_000 * PERIOD_SECONDS;

    #[test]
    fn each_period_has_a_secret_that_is_kept_for_one_more_period() {
        let secrets = Secrets::new(&Random::seeded(1));
        let first = secrets.of(DAY, DAY).unwrap();
        assert_eq!(secrets.of(DAY, DAY + PERIOD_SECONDS - 1), Some(first));
        let second = secrets.of(DAY + PERIOD_SECONDS, DAY + PERIOD_SECONDS).unwrap();
        assert_ne!(first, second);
        assert_eq!(
            secrets.of(DAY + PERIOD_SECONDS - 1, DAY + PERIOD_SECONDS),
            Some(first),
            "made just before"
        );
        assert_eq!(
            secrets.of(DAY + PERIOD_SECONDS - 1, DAY + PERIOD_SECONDS - 1),
            Some(first),
            "a worker behind"
        );
        assert_eq!(
            secrets.of(DAY + PERIOD_SECONDS, DAY + PERIOD_SECONDS),
            Some(second),
            "turns nothing back"
        );
        let third = secrets.of(DAY + 2 * PERIOD_SECONDS, DAY + 2 * PERIOD_SECONDS).unwrap();
        assert!(third != first && third != second);
        assert_eq!(secrets.of(DAY, DAY + 2 * PERIOD_SECONDS), None, "too old");
    }

    #[test]
    fn after_a_gap_or_on_a_clock_set_back_all_secrets_are_new() {
        for now in [
            DAY + 2 * PERIOD_SECONDS,
            DAY + 900 * PERIOD_SECONDS,
            DAY - 2 * PERIOD_SECONDS,
            DAY - 901 * PERIOD_SECONDS,
        ] {
            let secrets = Secrets::new(&Random::seeded(1));
            let before = secrets.of(DAY, DAY).unwrap();
            let after = secrets.of(now, now).unwrap();
            assert_ne!(before, after);
            let previous = secrets.of(now - PERIOD_SECONDS, now);
            assert!(previous.is_some() && previous != Some(before) && previous != Some(after));
        }
    }
}
