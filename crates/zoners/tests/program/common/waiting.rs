//! Real time in tests: the time that the network or a process takes.

use std::time::{Duration, Instant};

/// The longest wait for an event that is immediate on an idle machine. A reply or an event ends the
/// wait, so the length costs nothing where the test passes, and a machine may be a hundred times
/// slower.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Polls a process until a condition holds. Only for state without an event: lines of a log,
/// replies and ends of streams can be awaited.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for the travel time of a packet.
pub(crate) fn travel(time: Duration) {
    std::thread::sleep(time);
}
