//! The clock since the start of the machine, and the identifier of the start.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::time::clock_gettime;

use crate::system;

/// Milliseconds since the machine started. Sleep of the machine counts on Linux (`CLOCK_BOOTTIME`) and macOS
/// (`CLOCK_MONOTONIC`), not on the BSDs.
#[must_use]
#[inline]
pub fn millis_since_boot() -> u64 {
    let time = clock_gettime(system::clock::SINCE_BOOT);
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

/// The identifier of this start of the machine: of Linux and macOS (`kern.bootsessionuuid`), or the moment of the start
/// on FreeBSD. Read once per process: call this before a sandbox closes the way to the file.
#[must_use]
pub fn boot_id() -> Option<[u8; 16]> {
    static BOOT_ID: OnceLock<Option<[u8; 16]>> = OnceLock::new();
    *BOOT_ID.get_or_init(system::clock::boot_id)
}

/// The hexadecimal digits of a UUID.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "macos")),
    allow(dead_code, reason = "tests alone")
)]
pub(crate) fn identifier(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

/// Two clocks read at the same moment: with and without sleep of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SleepClock {
    with_sleep: Duration,
    awake: Instant,
}

impl SleepClock {
    /// The clocks now. On the BSDs `CLOCK_MONOTONIC` and [`Instant`] are one clock, so the wall clock counts the sleep;
    /// a step of the wall clock then looks like sleep.
    #[must_use]
    pub fn now() -> Self {
        SleepClock { with_sleep: system::clock::with_sleep(), awake: Instant::now() }
    }

    /// The time for which the machine slept since `earlier`.
    #[must_use]
    pub fn slept_since(self, earlier: Self) -> Duration {
        let passed = self.with_sleep.saturating_sub(earlier.with_sleep);
        passed.saturating_sub(self.awake.saturating_duration_since(earlier.awake))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_backwards() {
        let before = millis_since_boot();
        assert!(before > 0 && millis_since_boot() >= before);
    }

    #[test]
    fn one_start_of_the_machine_differs_from_another() {
        let is_told = cfg!(any(target_os = "linux", target_os = "macos", target_os = "freebsd"));
        assert_eq!(boot_id().is_some(), is_told);
        assert_eq!(boot_id(), boot_id());
        // As of `kern.bootsessionuuid`.
        let session = identifier("9A8B7C6D-0011-2233-4455-66778899AABB\n").unwrap();
        assert_eq!((session[0], session[15]), (0x9A, 0xBB));
        assert_eq!(identifier(""), None);
    }

    #[test]
    fn sleep_is_the_time_by_which_one_clock_is_ahead() {
        let begin = SleepClock::now();
        let second = Duration::from_secs(1);
        let after = |with_sleep: Duration, awake: Duration| SleepClock {
            with_sleep: begin.with_sleep + with_sleep,
            awake: begin.awake + awake,
        };
        assert_eq!(after(second * 60, second * 50).slept_since(begin), second * 10);
        assert_eq!(after(second * 50, second * 50).slept_since(begin), Duration::ZERO);
        // A wall clock set back is no sleep.
        assert_eq!(after(second, second * 50).slept_since(begin), Duration::ZERO);
        assert_eq!(begin.slept_since(after(second, second * 2)), Duration::ZERO);
    }
}
