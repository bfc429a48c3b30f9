//! Pauses, so that two programs do not fight for the settings.

use std::time::Duration;

/// The first and the longest pause between two attempts to get the entry back into force.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Pauses between attempts to get the entry back into force.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    /// The pause after the last attempt; zero in calm.
    pub(crate) pause: Duration,
    not_before: Duration,
}

impl Retry {
    /// Whether an attempt is due; the next comes after a longer pause.
    pub(crate) fn may_try(&mut self, now: Duration) -> bool {
        if now < self.not_before {
            return false;
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, MAX_PAUSE);
        self.not_before = now + self.pause;
        true
    }

    /// Pauses are short again once the entry has stood for the longest pause.
    pub(crate) fn succeeded(&mut self, now: Duration) {
        if now >= self.not_before + MAX_PAUSE {
            *self = Retry::default();
        }
    }
}
