//! The injected clock, the only source of time for TTLs and signatures.

use std::fmt::Debug;
use std::time::Duration;

/// A point in time, in milliseconds since an arbitrary start that differs from run to run.
///
/// The clock never goes back, and runs on while the machine is suspended: the cache of a laptop
/// that wakes up has aged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The end of time: an entry with this expiry never expires.
    pub const NEVER: Moment = Moment(u64::MAX);

    /// The moment `millis` milliseconds after the clock's start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Moment(millis)
    }

    /// Milliseconds since the clock's start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `duration` later, at most [`Moment::NEVER`].
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Moment(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment `seconds` later; the unit of TTLs.
    #[must_use]
    pub const fn after_seconds(self, seconds: u32) -> Self {
        Moment(self.0.saturating_add(seconds as u64 * 1000))
    }

    /// The moment `duration` earlier, not before the clock's start.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Moment(self.0.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment `millis` milliseconds later (or earlier if negative), not before the clock's
    /// start.
    #[must_use]
    pub const fn shifted(self, millis: i64) -> Self {
        Moment(self.0.saturating_add_signed(millis))
    }

    /// The time since `earlier`; zero if `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds until `later`, rounded down: the remaining TTL.
    #[must_use]
    pub fn seconds_until(self, later: Moment) -> u32 {
        u32::try_from(later.0.saturating_sub(self.0) / 1000).unwrap_or(u32::MAX)
    }
}

/// A source of time: the operating system in the daemon, a script in tests.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The monotonic time, on a clock running during suspend.
    fn now(&self) -> Moment;

    /// Wall-clock time in seconds since 1970, as in the validity period of an RRSIG (RFC 4034
    /// section 3.1.5).
    fn wall_seconds(&self) -> u64;

    /// Both times, read once for a batch of packets.
    fn read(&self) -> ClockReading {
        ClockReading { now: self.now(), wall_seconds: self.wall_seconds() }
    }
}

/// The two times of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// See [`Clock::now`].
    pub now: Moment,
    /// See [`Clock::wall_seconds`].
    pub wall_seconds: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttls_round_down_and_never_wrap() {
        let start = Moment::from_millis(500);
        let expires = start.after_seconds(2);
        assert_eq!(start.seconds_until(expires), 2);
        assert_eq!(Moment::from_millis(501).seconds_until(expires), 1);
        assert_eq!(expires.seconds_until(start), 0);
        assert_eq!(start.seconds_until(Moment::NEVER), u32::MAX);
        assert_eq!(Moment::NEVER.after_seconds(1), Moment::NEVER);
    }
}
