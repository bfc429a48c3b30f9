//! Clocks of macOS.

use rustix::time::ClockId;

/// Counts sleep of the machine; [`std::time::Instant`] reads a different clock, without sleep.
pub(crate) const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// `kern.bootsessionuuid` would do, but `sysctl` takes `unsafe`.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    None
}
