//! What is known of opportunistic encryption at a server, after RFC 9539 section 4.5.

use std::time::Duration;

use bytes::BufMut;
use serde::{Deserialize, Serialize};
use zoners_dns::Moment;

use crate::codec::ValueReader;

/// How long encryption that worked is relied on without a further reply ("persistence", RFC 9539 section 4.3).
pub(super) const PERSISTENCE: Duration = Duration::from_secs(3 * 24 * 3600);
/// After how long a server that failed at its first trial is tried again ("damping").
pub(super) const DAMPING: Duration = Duration::from_secs(24 * 3600);
/// The same of a server that has encrypted before: networks on the way bar the port, and machines move.
const DAMPING_AFTER_SUCCESS: Duration = Duration::from_secs(10 * 60);
/// Least time between two recorded encrypted replies: short against [`PERSISTENCE`], and a busy server gives
/// thousands.
const RECORDED_EVERY: Duration = Duration::from_secs(10 * 60);

/// An event of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialEvent {
    /// A query was sent over an encrypted transport, to learn whether the server has one.
    Begun,
    /// A reply came over the encrypted transport.
    Worked,
    /// The encrypted transport failed.
    Failed,
}

/// What trials have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionState {
    /// Nothing: there was no trial, or too long ago.
    Unknown,
    /// Queries are encrypted.
    Works,
    /// No encrypted reply has come since the last trial began.
    Fails,
}

/// The trials of opportunistic encryption at one server. Times are milliseconds on [`zoners_dns::Clock::now`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptionTrial {
    /// When the last trial began, or the encryption failed; 0 for never.
    tried_at: u64,
    /// When the last encrypted reply came; 0 for never.
    worked_at: u64,
}

impl EncryptionTrial {
    /// Whether queries are to be encrypted.
    #[must_use]
    pub fn is_usable(&self, now: Moment) -> bool {
        self.worked_at > 0
            && self.worked_at >= self.tried_at
            && now.since(Moment::from_millis(self.worked_at)) < PERSISTENCE
    }

    /// Whether a trial may be made.
    #[must_use]
    pub fn is_due(&self, now: Moment) -> bool {
        let damping = if self.worked_at > 0 { DAMPING_AFTER_SUCCESS } else { DAMPING };
        let is_damped =
            self.tried_at > 0 && now.since(Moment::from_millis(self.tried_at)) < damping;
        !is_damped && !self.is_usable(now)
    }

    /// When the last trial began or failed, and when the last encrypted reply came; 0 for never.
    pub(super) fn times(&self) -> (u64, u64) {
        (self.tried_at, self.worked_at)
    }

    /// What the trials have shown.
    #[must_use]
    pub fn state(&self, now: Moment) -> EncryptionState {
        match self.tried_at > self.worked_at {
            true => EncryptionState::Fails,
            false if self.is_usable(now) => EncryptionState::Works,
            false => EncryptionState::Unknown,
        }
    }

    /// Whether an encrypted reply now is to be recorded.
    #[must_use]
    pub fn is_reply_news(&self, now: Moment) -> bool {
        !self.is_usable(now) || now.since(Moment::from_millis(self.worked_at)) >= RECORDED_EVERY
    }

    /// Whether there was a trial, or an encrypted reply.
    pub(super) fn is_known(&self) -> bool {
        self.tried_at > 0 || self.worked_at > 0
    }

    pub(super) fn learn(&mut self, event: TrialEvent, now: u64) {
        match event {
            TrialEvent::Begun | TrialEvent::Failed => {
                self.tried_at = now.max(self.worked_at + 1);
            }
            TrialEvent::Worked => self.worked_at = now.max(self.tried_at),
        }
    }

    pub(super) fn shift(&mut self, shift: i64) {
        for at in [&mut self.tried_at, &mut self.worked_at] {
            *at = if *at > 0 { at.saturating_add_signed(shift).max(1) } else { 0 };
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_u64(self.tried_at);
        out.put_u64(self.worked_at);
    }

    /// Snapshots of earlier versions have none.
    pub(super) fn decode(value: &mut ValueReader<'_>) -> Self {
        let (tried_at, worked_at) = (value.u64().unwrap_or(0), value.u64().unwrap_or(0));
        EncryptionTrial { tried_at, worked_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: u64 = 1_000_000;

    fn after(duration: Duration) -> Moment {
        Moment::from_millis(BEGIN).after(duration)
    }

    #[test]
    fn a_failure_is_damped_for_a_day_and_a_success_persists_for_three_days() {
        let mut trial = EncryptionTrial::default();
        let second = Duration::from_secs(1);
        assert!(trial.is_due(after(second)) && !trial.is_usable(after(second)));
        trial.learn(TrialEvent::Begun, BEGIN);
        assert!(!trial.is_due(after(second)) && !trial.is_usable(after(second)), "one at a time");
        trial.learn(TrialEvent::Failed, BEGIN);
        assert!(!trial.is_due(after(DAMPING - second)) && trial.is_due(after(DAMPING)));
        trial.learn(TrialEvent::Worked, BEGIN);
        assert!(trial.is_usable(after(PERSISTENCE - second)) && !trial.is_due(after(second)));
        assert!(!trial.is_usable(after(PERSISTENCE)) && trial.is_due(after(PERSISTENCE)));
    }

    #[test]
    fn a_server_that_has_encrypted_before_is_tried_again_soon() {
        let mut trial = EncryptionTrial::default();
        trial.learn(TrialEvent::Begun, BEGIN);
        trial.learn(TrialEvent::Worked, BEGIN);
        trial.learn(TrialEvent::Failed, BEGIN);
        let second = Duration::from_secs(1);
        assert!(!trial.is_usable(after(second)) && !trial.is_due(after(second)));
        assert!(trial.is_due(after(DAMPING_AFTER_SUCCESS + second)));
        trial.learn(TrialEvent::Worked, BEGIN + 5);
        assert!(trial.is_usable(after(second)));
    }

    #[test]
    fn the_state_is_that_of_the_last_trial() {
        let mut trial = EncryptionTrial::default();
        let second = Duration::from_secs(1);
        assert_eq!(trial.state(after(second)), EncryptionState::Unknown);
        trial.learn(TrialEvent::Begun, BEGIN);
        assert_eq!(trial.state(after(second)), EncryptionState::Fails);
        trial.learn(TrialEvent::Worked, BEGIN);
        assert_eq!(trial.state(after(second)), EncryptionState::Works);
        assert_eq!(trial.state(after(PERSISTENCE)), EncryptionState::Unknown);
        trial.learn(TrialEvent::Failed, BEGIN);
        assert_eq!(trial.state(after(second)), EncryptionState::Fails);
    }

    #[test]
    fn a_reply_is_news_after_a_failure_and_every_ten_minutes() {
        let mut trial = EncryptionTrial::default();
        let second = Duration::from_secs(1);
        assert!(trial.is_reply_news(after(second)));
        trial.learn(TrialEvent::Worked, BEGIN);
        assert!(trial.is_known() && !trial.is_reply_news(after(RECORDED_EVERY - second)));
        assert!(trial.is_reply_news(after(RECORDED_EVERY)));
        trial.learn(TrialEvent::Failed, BEGIN);
        assert!(trial.is_reply_news(after(second)));
    }
}
