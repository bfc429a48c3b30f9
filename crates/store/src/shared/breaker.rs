//! A circuit breaker: stops requests to a Redis server that does not respond.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The first pause …
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// … and the longest: each failed attempt doubles the pause.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Open while no request is to be sent.
#[derive(Debug, Default)]
pub(super) struct Breaker(AtomicBool);

/// The backoff between two attempts to connect.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Pause(MIN_PAUSE)
    }
}

impl Pause {
    /// The next pause, twice as long as the last.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(MAX_PAUSE);
        pause
    }
}

impl Breaker {
    pub(super) fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Opens or closes the breaker; returns whether the state changed.
    pub(super) fn set(&self, open: bool) -> bool {
        self.0.swap(open, Ordering::Relaxed) != open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let mut pause = Pause::default();
        let seconds: Vec<u64> = (0..7).map(|_| pause.next().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_change_is_reported_once() {
        let breaker = Breaker::default();
        assert!(!breaker.set(false) && breaker.set(true) && !breaker.set(true));
        assert!(breaker.is_open() && breaker.set(false) && !breaker.is_open());
    }
}
