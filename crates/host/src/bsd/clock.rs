//! Clocks of the BSDs.

use std::time::{Duration, SystemTime};

use rustix::time::ClockId;

use crate::program::output;
use crate::reports::boot_time::moment;

/// The same clock as [`std::time::Instant`].
pub(crate) const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// The moment of the start, on FreeBSD.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    moment(&output("/sbin/sysctl", &["-n", "kern.boottime"])?)
}

/// The wall clock: no other clock counts sleep.
pub(crate) fn with_sleep() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
