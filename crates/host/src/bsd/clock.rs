//! Clocks of the BSDs.

use rustix::time::ClockId;

/// The same clock as [`std::time::Instant`].
pub(crate) const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// `sysctl` alone tells an identifier, which takes `unsafe`.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    None
}
