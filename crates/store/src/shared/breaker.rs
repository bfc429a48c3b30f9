//! Keeps everybody from asking one who does not answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The first pause …
const SHORTEST: Duration = Duration::from_secs(1);
/// … and the longest: each that follows upon another is twice as long.
const LONGEST: Duration = Duration::from_secs(30);

/// Open while nobody is to ask.
#[derive(Debug, Default)]
pub(super) struct Breaker(AtomicBool);

/// How long to pause.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Pause(SHORTEST)
    }
}

impl Pause {
    /// The next pause, longer than the last.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST);
        pause
    }
}

impl Breaker {
    pub(super) fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Opens it, or closes it; whether it was the other way before.
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
    fn a_change_is_told_once() {
        let breaker = Breaker::default();
        assert!(!breaker.set(false) && breaker.set(true) && !breaker.set(true));
        assert!(breaker.is_open() && breaker.set(false) && !breaker.is_open());
    }
}
