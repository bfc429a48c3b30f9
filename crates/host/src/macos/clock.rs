//! Clocks of macOS.

use rustix::time::ClockId;

/// Counts the time that the machine slept; [`std::time::Instant`] reads another clock, which does not.
pub(crate) const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// `kern.bootsessionuuid` would do, but `sysctl` takes `unsafe`.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    None
}
