//! The time in which the strategy on a new network is not known yet.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::pipeline::SettlingDecision;

/// The end, whatever is known: a question without an answer fails then.
const LONGEST: Duration = Duration::from_secs(3);
/// Looks at the evidence of the resolver, and for a lease: more often than else.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// The time in which questions that find no server wait for the strategy.
#[derive(Debug)]
pub(super) struct SettlingTime {
    decision: watch::Sender<SettlingDecision>,
    /// None while there is no network.
    ends_at: Option<Instant>,
    next_look: Instant,
}

impl SettlingTime {
    /// Begins without a network; questions wait at the receiver.
    pub(super) fn begin(now: Instant) -> (Self, watch::Receiver<SettlingDecision>) {
        let (decision, open) = watch::channel(SettlingDecision::Offline);
        (SettlingTime { decision, ends_at: None, next_look: now + LOOK_PAUSE }, open)
    }

    /// There is a network now.
    pub(super) fn note_network(&mut self, now: Instant) {
        self.ends_at = Some(now + LONGEST);
        self.decision.send_replace(SettlingDecision::Open);
    }

    /// The next moment to look; none while there is no network.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.ends_at.map(|_| self.next_look)
    }

    /// Notes a look.
    pub(super) fn note_look(&mut self, now: Instant) {
        self.next_look = now + LOOK_PAUSE;
    }

    /// Whether there is no network.
    pub(super) fn is_offline(&self) -> bool {
        self.ends_at.is_none()
    }

    /// Whether questions have waited long enough.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at.is_some_and(|end| now >= end)
    }

    /// Whether nothing is decided yet on this network.
    pub(super) fn is_open(&self) -> bool {
        matches!(*self.decision.borrow(), SettlingDecision::Open)
    }

    /// Lets the questions go on.
    pub(super) fn decide(&self, decision: SettlingDecision) {
        self.decision.send_replace(decision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_wait_for_a_decision_on_a_network_and_not_for_ever() {
        let now = Instant::now();
        let (mut settling, open) = SettlingTime::begin(now);
        assert!(settling.is_offline() && !settling.is_open() && !settling.is_over(now + LONGEST));
        assert_eq!(settling.next_look(), None);
        settling.note_network(now);
        assert!(settling.is_open() && !settling.is_over(now) && settling.is_over(now + LONGEST));
        settling.note_look(now + LOOK_PAUSE);
        assert_eq!(settling.next_look(), Some(now + LOOK_PAUSE * 2));
        settling.decide(SettlingDecision::Nothing);
        assert!(!settling.is_open());
        assert!(matches!(*open.borrow(), SettlingDecision::Nothing));
    }
}
