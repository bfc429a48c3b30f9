//! Clocks of Linux.

use std::fs;

use rustix::time::ClockId;

/// Counts sleep of the machine, unlike `CLOCK_MONOTONIC`.
pub(crate) const SINCE_BOOT: ClockId = ClockId::Boottime;

/// The kernel draws the identifier anew at each start.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}
