//! Clocks of Linux.

use std::fs;
use std::time::Duration;

use rustix::time::ClockId;

use crate::clock::{identifier, millis_since_boot};

/// Counts sleep of the machine, unlike `CLOCK_MONOTONIC`.
pub(crate) const SINCE_BOOT: ClockId = ClockId::Boottime;

/// The kernel draws the identifier anew at each start.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    identifier(&text)
}

pub(crate) fn with_sleep() -> Duration {
    Duration::from_millis(millis_since_boot())
}
