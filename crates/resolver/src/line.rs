//! Our own line: what it loses, and whether it is there at all.
//!
//! When nothing answers any more, wherever it is, it is not the servers that are dead. What they
//! missed meanwhile is forgiven with the first reply that comes back.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Endpoint, Moment};

/// One query moves the share of lost ones by this part.
const GAIN: u32 = 64;
/// The line is gone when so many queries in a row stayed without a reply …
const DOWN_AFTER: u32 = 8;
/// … for so long.
const DOWN_FOR: Duration = Duration::from_secs(2);

/// After so many queries without any reply, and so long, the next are put another way.
const SILENT_AFTER: u32 = 4;
const SILENT_FOR: Duration = Duration::from_millis(400);

/// How often the one who answered last is asked whether it is the line.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How often at most: it may be one that leaves such questions unanswered, and shall not be taken for
/// dead because of them.
const MOST_PROBES: u8 = 2;
/// It answers within this, or not at all.
const PROBE_TAKES: Duration = Duration::from_secs(1);

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
    probe: Mutex<Probe>,
}

#[derive(Debug, Default)]
struct Probe {
    /// Who answered last.
    server: Option<Endpoint>,
    /// When it may be asked next.
    at: Moment,
    /// How often it was asked since, and when first.
    asked: u8,
    unanswered_since: Option<Moment>,
}

impl Line {
    /// A query was sent.
    pub(crate) fn asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody answered.
    pub(crate) fn replied(&self, server: Endpoint, now: Moment) {
        if self.is_down(now) {
            self.forgive(now);
        }
        let loss = self.loss.load(Ordering::Relaxed);
        self.loss.store(loss - loss / GAIN, Ordering::Relaxed);
        self.asked.store(0, Ordering::Relaxed);
        self.replied_at.store(now.as_millis(), Ordering::Relaxed);
        *self.probe.lock() = Probe { server: Some(server), ..Probe::default() };
    }

    /// Whom to ask now whether it is the line that is silent, or those who were asked: who answered
    /// last. Nobody, while others answer, or where that was asked a moment ago, or often enough.
    pub(crate) fn claim_probe(&self, now: Moment) -> Option<Endpoint> {
        if !self.is_silent(now) {
            return None;
        }
        let mut probe = self.probe.lock();
        let due = probe.at <= now && probe.asked < MOST_PROBES;
        let server = probe.server.filter(|_| due)?;
        (probe.at, probe.asked) = (now.after(PROBE_EVERY), probe.asked + 1);
        probe.unanswered_since.get_or_insert(now);
        Some(server)
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

    /// Whether nobody answers any more, who answered last included.
    pub(crate) fn is_down(&self, now: Moment) -> bool {
        if !self.has_heard_nothing(now, DOWN_AFTER, DOWN_FOR) {
            return false;
        }
        let Probe { server, unanswered_since, .. } = *self.probe.lock();
        let long = |since| now.since(since) >= PROBE_TAKES;
        server.is_none() || unanswered_since.is_some_and(long)
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

    fn server() -> Endpoint {
        Endpoint::udp("192.0.2.1".parse().unwrap())
    }

    #[test]
    fn who_answered_last_is_asked_now_and_then_while_nobody_does() {
        let (line, at) = (Line::default(), Moment::from_millis);
        (0..SILENT_AFTER).for_each(|_| line.asked());
        assert_eq!(line.claim_probe(at(900)), None, "nobody ever did");
        line.replied(server(), at(1000));
        (0..SILENT_AFTER).for_each(|_| line.asked());
        assert_eq!(line.claim_probe(at(1399)), None);
        let claims = [1400, 1401, 1899, 1900].map(|now| line.claim_probe(at(now)).is_some());
        assert_eq!(claims, [true, false, false, true]);
        assert_eq!(line.claim_probe(at(90_000)), None, "often enough");
    }

    #[test]
    fn a_line_that_comes_back_forgives() {
        let (line, at) = (Line::default(), Moment::from_millis);
        line.replied(server(), at(1000));
        (0..DOWN_AFTER).for_each(|_| line.asked());
        assert!(!line.is_down(at(90_000)), "who answered last was not asked");
        assert!(line.claim_probe(at(2000)).is_some());
        assert!(!line.is_down(at(2999)) && line.is_down(at(3000)));
        line.replied(server(), at(9000));
        assert_eq!((line.forgiven(), line.is_down(at(20_000))), (at(9000), false));
        (1..DOWN_AFTER).for_each(|_| line.asked());
        assert!(!line.is_down(at(20_000)), "few queries say nothing");
    }

    #[test]
    fn loss_is_smoothed() {
        let line = Line::default();
        for _ in 0..400 {
            line.lost();
            (0..3).for_each(|_| line.replied(server(), Moment::from_millis(1)));
        }
        assert!((0.2..0.3).contains(&line.loss()), "{}", line.loss());
    }
}
