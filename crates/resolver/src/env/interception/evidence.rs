//! Replies and silence of servers as evidence about the network in between.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use zoners_dns::{Message, Moment, OptRcode};

use super::{
    AT_ONCE, EVERY_IF_OPEN, EvidenceNotes, FEW_FAILED, FEW_STRANGE, NetworkState, OUTAGE, Obstacle,
    SILENT_FOR, UNPROVEN_FOR, note,
};
use crate::env::shared::Shared;

/// How a server, or the network, shows that no useful reply will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureSign {
    /// An error: REFUSED, or an ICMP message.
    Error,
    /// No reply in time.
    Silence,
}

/// The voice of a server asked as an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyVoice {
    /// AA: the voice of an authoritative server.
    Authority,
    /// Neither AA nor RA, as in a referral.
    Plain,
    /// RA without AA: the voice of a resolver.
    Hearsay,
    /// A failure.
    Refusal,
}

impl ReplyVoice {
    /// The voice of a reply.
    pub(crate) fn of(message: &Message) -> Self {
        match message.rcode {
            OptRcode::NOERROR | OptRcode::NXDOMAIN | OptRcode::YXDOMAIN => {}
            _ => return ReplyVoice::Refusal,
        }
        match (message.header.aa(), message.header.ra()) {
            (true, _) => ReplyVoice::Authority,
            (false, false) => ReplyVoice::Plain,
            (false, true) => ReplyVoice::Hearsay,
        }
    }
}

/// The result of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeResult {
    /// Root servers reply, and signatures prove it.
    Proven,
    /// Replies have AA; no proof is possible.
    Authority,
    /// A resolver answers in their place.
    Intercepted {
        /// Whether signatures verify.
        proves: bool,
    },
    /// Replies arrive, of unclear origin.
    Unclear,
    /// Replies are failures.
    Refused,
    /// The network sends errors in place of replies.
    Rejected,
    /// Nothing came.
    Silent,
}

impl ProbeResult {
    /// Whether something useful came through.
    pub(crate) fn passes(self) -> bool {
        !matches!(self, ProbeResult::Refused | ProbeResult::Rejected | ProbeResult::Silent)
    }
}

/// Where something was said.
#[derive(Clone, Copy)]
pub(crate) struct EvidencePlace {
    pub(crate) at: IpAddr,
    /// The server is a root or top-level server.
    pub(crate) is_top: bool,
}

impl Shared {
    /// A foreign server said something useful; true if the network is to be sounded.
    pub(crate) fn note_voice(
        &self,
        place: EvidencePlace,
        voice: ReplyVoice,
        anchored: bool,
        now: Moment,
    ) -> bool {
        let passage = &self.interception;
        passage.passed_at.store(now.as_millis(), Ordering::Relaxed);
        let mut notes = passage.notes.lock();
        notes.failed.clear();
        if passage.closed().is_some() {
            self.recover(&mut notes, now);
        }
        let state = passage.state();
        let wants = match (voice, state) {
            (ReplyVoice::Hearsay, _) if passage.is_intercepted() => false,
            (ReplyVoice::Hearsay, _) => {
                if state != NetworkState::Doubtful {
                    self.begin_doubt(&mut notes, now);
                }
                note(&mut notes.hearsay, place.at);
                let enough = place.is_top || notes.hearsay.len() >= FEW_STRANGE;
                enough && notes.claim(EVERY_IF_OPEN, now)
            }
            // The server may be on the near side of the interceptor, so the root servers are asked.
            _ if passage.is_intercepted() => notes.claim(AT_ONCE, now),
            _ => {
                notes.hearsay.clear();
                if state == NetworkState::Unknown {
                    self.begin_doubt(&mut notes, now);
                }
                // Nothing proves more, where nothing is to be proven.
                if voice == ReplyVoice::Authority && place.is_top && !anchored {
                    self.end_doubt();
                }
                let unproven = passage.state() == NetworkState::Doubtful
                    && now.since(notes.doubtful_since) >= UNPROVEN_FOR;
                unproven && notes.claim(EVERY_IF_OPEN, now)
            }
        };
        self.tell_whether_noted(&notes);
        wants
    }

    /// A foreign server said nothing useful; true if the network is to be sounded.
    pub(crate) fn note_failure(
        &self,
        place: EvidencePlace,
        sign: FailureSign,
        now: Moment,
    ) -> bool {
        let passage = &self.interception;
        let mut notes = passage.notes.lock();
        if passage.closed().is_some() {
            return false;
        }
        if passage.state() == NetworkState::Unknown {
            self.begin_doubt(&mut notes, now);
        }
        if notes.failed.is_empty() {
            notes.failing_since = now;
        }
        note(&mut notes.failed, place.at);
        self.tell_whether_noted(&notes);
        let long = sign == FailureSign::Error || now.since(notes.failing_since) >= SILENT_FOR;
        notes.failed.len() >= FEW_FAILED && long && notes.claim(EVERY_IF_OPEN, now)
    }

    /// A reply of a foreign server is bogus; true if the network must be probed.
    pub(crate) fn note_bogus(&self, place: IpAddr, now: Moment) -> bool {
        let passage = &self.interception;
        let mut notes = passage.notes.lock();
        if passage.obstacle().is_some() {
            return false;
        }
        if passage.state() != NetworkState::Doubtful {
            self.begin_doubt(&mut notes, now);
        }
        note(&mut notes.bogus, place);
        self.tell_whether_noted(&notes);
        notes.bogus.len() >= FEW_STRANGE && notes.claim(EVERY_IF_OPEN, now)
    }

    /// A foreign server's authoritative reply is proven.
    pub(crate) fn note_proof_now(&self) {
        self.note_proof(&mut self.interception.notes.lock(), self.now());
    }

    fn note_proof(&self, notes: &mut EvidenceNotes, now: Moment) {
        if self.interception.obstacle().is_some() {
            self.recover(notes, now);
        }
        notes.hearsay.clear();
        notes.bogus.clear();
        self.end_doubt();
        self.tell_whether_noted(notes);
    }

    /// Records the result of a probe in the network after `changes` changes.
    pub(crate) fn note_sounding(
        &self,
        sounded: ProbeResult,
        (began, now): (Moment, Moment),
        changes: u32,
        anchored: bool,
    ) {
        let passage = &self.interception;
        let mut notes = passage.notes.lock();
        if notes.changes != changes {
            return;
        }
        let passed = passage.passed_at();
        let none_since = |since: Moment| passed.is_none_or(|passed| passed < since);
        if sounded.passes() {
            passage.passed_at.store(now.as_millis(), Ordering::Relaxed);
            notes.failed.clear();
        }
        match sounded {
            ProbeResult::Proven => self.note_proof(&mut notes, now),
            ProbeResult::Authority if !anchored => self.note_proof(&mut notes, now),
            ProbeResult::Intercepted { proves } => self.obstruct(Obstacle::Intercepted { proves }),
            ProbeResult::Refused if none_since(began) => self.obstruct(Obstacle::Refused),
            ProbeResult::Rejected if none_since(began) => self.obstruct(Obstacle::Rejected),
            ProbeResult::Silent if none_since(now.before(OUTAGE)) => {
                self.obstruct(Obstacle::Silent)
            }
            _ if sounded.passes() && passage.closed().is_some() => self.recover(&mut notes, now),
            _ => {}
        }
        self.tell_whether_noted(&notes);
    }

    /// The machine may be on a different network.
    pub(crate) fn change_network(&self) {
        let passage = &self.interception;
        let mut notes = passage.notes.lock();
        // The network never proved itself, so its entries are discarded.
        self.cache.discard_quarantined();
        self.cache.end_quarantine();
        notes.forget();
        notes.changes = notes.changes.wrapping_add(1);
        passage.passed_at.store(0, Ordering::Relaxed);
        passage.set(NetworkState::Unknown);
        self.tell_whether_noted(&notes);
    }

    /// Something was found between us and foreign servers.
    fn obstruct(&self, obstacle: Obstacle) {
        if self.interception.obstacle() == Some(obstacle) {
            return;
        }
        if !self.cache.is_quarantining() {
            self.cache.begin_quarantine();
        }
        self.cache.discard_quarantined();
        self.interception.set(NetworkState::Obstructed(obstacle));
    }

    /// The obstacle is gone, and the entries learned behind it are discarded.
    fn recover(&self, notes: &mut EvidenceNotes, now: Moment) {
        self.cache.discard_quarantined();
        self.forgive();
        self.released.notify_waiters();
        notes.forget();
        self.begin_doubt(notes, now);
    }

    fn begin_doubt(&self, notes: &mut EvidenceNotes, now: Moment) {
        notes.doubtful_since = now;
        self.cache.begin_quarantine();
        self.interception.set(NetworkState::Doubtful);
    }

    fn end_doubt(&self) {
        self.cache.end_quarantine();
        self.interception.set(NetworkState::Open);
    }

    fn tell_whether_noted(&self, notes: &EvidenceNotes) {
        let EvidenceNotes { hearsay, bogus, failed, .. } = notes;
        let noted = [hearsay, bogus, failed].into_iter().any(|places| !places.is_empty());
        self.interception.noted.store(noted, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
