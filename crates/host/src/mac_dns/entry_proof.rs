//! Whether the system honours our entry in the dynamic store: a question by the resolver of the system must arrive at
//! the daemon.

use std::time::Duration;

/// The entry must stand for this time before the first question: configd and mDNSResponder take some moments.
const SETTLE_TIME: Duration = Duration::from_secs(3);
/// The pause between two questions.
const PAUSE: Duration = Duration::from_secs(10);
/// Questions that have not arrived, in a row, after which the entry counts as not honoured.
const MAX_MISSES: u32 = 3;

/// The outcome of the questions so far.
#[derive(Debug, Default)]
pub(super) struct EntryProof {
    /// Our entry stands since.
    stands_since: Option<Duration>,
    asked_at: Option<Duration>,
    misses: u32,
    /// The matter is decided.
    is_settled: bool,
}

impl EntryProof {
    /// Takes note of whether our entry stands, and no resolver comes before.
    pub(super) fn note_setting(&mut self, now: Duration, stands: bool) {
        match stands {
            true => drop(self.stands_since.get_or_insert(now)),
            false => (self.stands_since, self.misses) = (None, 0),
        }
    }

    /// Whether a question is due.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        let since = |at: Option<Duration>| at.map(|at| now.saturating_sub(at));
        !self.is_settled
            && since(self.stands_since).is_some_and(|time| time >= SETTLE_TIME)
            && since(self.asked_at).is_none_or(|time| time >= PAUSE)
    }

    /// Takes note of a question; returns whether the entry counts as not honoured from now on. The first question that
    /// arrives is a proof for good.
    pub(super) fn note(&mut self, now: Duration, has_arrived: bool) -> bool {
        self.asked_at = Some(now);
        self.misses = if has_arrived { 0 } else { self.misses + 1 };
        let is_refuted = self.misses >= MAX_MISSES;
        self.is_settled |= has_arrived || is_refuted;
        is_refuted
    }
}
