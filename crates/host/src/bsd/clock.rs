//! Clocks of the BSDs.

use rustix::time::ClockId;

/// One clock with [`std::time::Instant`].
pub(crate) const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// The BSDs tell one by `sysctl` alone, which takes `unsafe`.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    None
}
