//! The only real time of the tests: what the network or another process takes.

use std::time::{Duration, Instant};

/// How long something is waited for that comes at once on an idle machine. A reply or an event ends the wait, so
/// the length costs nothing where all is well, and a machine may be a hundred times slower.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Asks another process again and again until something holds. Only for what a process does not tell by itself:
/// lines of a log, replies and ends of streams can be waited for.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lets pass what a packet takes on its way.
pub(crate) fn travel(time: Duration) {
    std::thread::sleep(time);
}
