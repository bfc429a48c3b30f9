//! Our own line: what it loses, and whether it is there at all.
//!
//! When nothing answers any more, wherever it is, it is not the servers that are dead. What they
//! missed meanwhile is forgiven with the first reply that comes back.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use zoners_dns::Moment;

/// One query moves the share of lost ones by this part.
const GAIN: u32 = 64;
/// The line is gone when so many queries in a row stayed without a reply …
const DOWN_AFTER: u32 = 8;
/// … for so long.
const DOWN_FOR: Duration = Duration::from_secs(2);

/// After so many queries without any reply, and so long, the next are put another way.
const SILENT_AFTER: u32 = 4;
const SILENT_FOR: Duration = Duration::from_millis(400);

/// What is known of the line.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The share of lost queries to servers that do answer, smoothed, in 1/65536.
    loss: AtomicU32,
    /// When anybody last answered.
    replied_at: AtomicU64,
    /// Queries sent since.
    asked: AtomicU32,
    /// What servers missed up to here is forgiven.
    forgiven_at: AtomicU64,
}

impl Line {
    /// A query was sent.
    pub(crate) fn asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody answered. What went unanswered is forgiven if the line was down, in that servers of
    /// several networks were silent: those of one or two may be dead.
    pub(crate) fn replied(&self, now: Moment, several: bool) {
        if several && self.is_down(now) {
            self.forgive(now);
        }
        let loss = self.loss.load(Ordering::Relaxed);
        self.loss.store(loss - loss / GAIN, Ordering::Relaxed);
        self.asked.store(0, Ordering::Relaxed);
        self.replied_at.store(now.as_millis(), Ordering::Relaxed);
    }

    /// A server that does answer left a query unanswered.
    pub(crate) fn lost(&self) {
        let loss = self.loss.load(Ordering::Relaxed);
        self.loss.store(loss + (65536 - loss) / GAIN, Ordering::Relaxed);
    }

    /// What servers missed up to now says nothing of them.
    pub(crate) fn forgive(&self, now: Moment) {
        self.forgiven_at.store(now.as_millis(), Ordering::Relaxed);
    }

    /// What servers missed up to then is forgiven.
    pub(crate) fn forgiven(&self) -> Moment {
        Moment::from_millis(self.forgiven_at.load(Ordering::Relaxed))
    }

    /// When anybody last answered.
    pub(crate) fn heard(&self) -> Moment {
        Moment::from_millis(self.replied_at.load(Ordering::Relaxed))
    }

    /// Whether so many queries stayed without a reply that another way is worth a try.
    pub(crate) fn is_silent(&self, now: Moment) -> bool {
        self.has_heard_nothing(now, SILENT_AFTER, SILENT_FOR)
    }

    /// Whether nobody answers any more.
    pub(crate) fn is_down(&self, now: Moment) -> bool {
        self.has_heard_nothing(now, DOWN_AFTER, DOWN_FOR)
    }

    fn has_heard_nothing(&self, now: Moment, after: u32, span: Duration) -> bool {
        self.asked.load(Ordering::Relaxed) >= after && now.since(self.heard()) >= span
    }

    /// The share of queries that are lost, 0 to 1.
    pub(crate) fn loss(&self) -> f64 {
        f64::from(self.loss.load(Ordering::Relaxed)) / 65536.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_comes_back_forgives() {
        let (line, at) = (Line::default(), Moment::from_millis);
        line.replied(at(1000), true);
        (0..DOWN_AFTER).for_each(|_| line.asked());
        assert!(!line.is_down(at(2999)) && line.is_down(at(3000)));
        line.replied(at(9000), true);
        assert_eq!((line.forgiven(), line.is_down(at(20_000))), (at(9000), false));
        (0..DOWN_AFTER).for_each(|_| line.asked());
        line.replied(at(20_000), false);
        assert_eq!(line.forgiven(), at(9000), "one network is not the line");
        (1..DOWN_AFTER).for_each(|_| line.asked());
        assert!(!line.is_down(at(20_000)), "few queries say nothing");
    }

    #[test]
    fn loss_is_smoothed() {
        let line = Line::default();
        for _ in 0..400 {
            line.lost();
            (0..3).for_each(|_| line.replied(Moment::from_millis(1), false));
        }
        assert!((0.2..0.3).contains(&line.loss()), "{}", line.loss());
    }
}
