//! Clocks of macOS.

use std::time::Duration;

use rustix::time::ClockId;

use crate::clock::{identifier, millis_since_boot};
use crate::program::output;

/// Counts sleep of the machine; [`std::time::Instant`] reads a different clock, without sleep.
pub(crate) const SINCE_BOOT: ClockId = ClockId::Monotonic;

pub(crate) fn boot_id() -> Option<[u8; 16]> {
    identifier(&output("/usr/sbin/sysctl", &["-n", "kern.bootsessionuuid"])?)
}

pub(crate) fn with_sleep() -> Duration {
    Duration::from_millis(millis_since_boot())
}
