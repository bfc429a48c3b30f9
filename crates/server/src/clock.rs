//! The operating system's clocks.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use zoners_dns::{Clock, Moment};

/// The clock that goes on while the machine sleeps.
#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::Boottime;
/// The clock that goes on while the machine sleeps; elsewhere the monotonic one does.
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// What is added, in milliseconds: what happened before the machine started has a moment too.
const HEAD_START: u64 = 30 * 86_400_000;

/// Time as the machine has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let time = clock_gettime(SINCE_BOOT);
        let millis = time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000;
        Moment::from_millis(HEAD_START + millis)
    }

    fn wall_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
