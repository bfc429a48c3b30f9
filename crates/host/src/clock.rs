//! The clock since the start of the machine, and the identifier of the start.

use std::sync::OnceLock;

use rustix::time::clock_gettime;

use crate::system;

/// Milliseconds since the machine started. Sleep of the machine counts on Linux (`CLOCK_BOOTTIME`) and macOS
/// (`CLOCK_MONOTONIC`). On the BSDs `CLOCK_MONOTONIC` is the clock of [`std::time::Instant`] as well, so a comparison
/// of the two does not show sleep.
#[must_use]
#[inline]
pub fn millis_since_boot() -> u64 {
    let time = clock_gettime(system::clock::SINCE_BOOT);
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

/// The identifier of this start of the machine, on Linux; other systems tell none without `unsafe`. The file is read
/// once per process: call this before a sandbox closes the way to the file.
#[must_use]
pub fn boot_id() -> Option<[u8; 16]> {
    static BOOT_ID: OnceLock<Option<[u8; 16]>> = OnceLock::new();
    *BOOT_ID.get_or_init(system::clock::boot_id)
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
    fn linux_tells_one_start_of_the_machine_from_another() {
        assert_eq!(boot_id().is_some(), cfg!(target_os = "linux"));
        assert_eq!(boot_id(), boot_id());
    }
}
