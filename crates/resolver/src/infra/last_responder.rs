//! The last responder: if replies cease, the server with the latest reply is asked the same
//! question again. Silence of this server tells an offline uplink from dead servers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Endpoint, Moment};

use crate::model::asking::UpstreamQuery;

/// Replies within this time of the last count as equally recent.
const RECENT: Duration = Duration::from_secs(1);
/// The interval of the probes …
const EVERY: Duration = Duration::from_millis(500);
/// … and their number: one packet may be lost.
const MOST: u8 = 2;
/// The time in which a reply is expected.
const TAKES: Duration = Duration::from_secs(1);

/// The pause between probes of any kind: without, one fault would cause five probes in a second.
const REST: Duration = Duration::from_millis(350);

/// The pause after a probe.
#[derive(Debug, Default)]
pub(crate) struct ProbePause(AtomicU64);

impl ProbePause {
    pub(crate) fn is_over(&self, now: Moment) -> bool {
        Moment::from_millis(self.0.load(Ordering::Relaxed)) <= now
    }

    pub(crate) fn begin(&self, now: Moment) {
        self.0.store(now.after(REST).as_millis(), Ordering::Relaxed);
    }
}

/// A question with the server of its reply.
#[derive(Clone, Debug)]
pub(crate) struct LastReply {
    pub(crate) server: Endpoint,
    pub(crate) asking: UpstreamQuery,
}

/// The last responder of one path.
#[derive(Debug, Default)]
pub(crate) struct LastResponder {
    /// When the reply was recorded; 0: there is none.
    taken_at: AtomicU64,
    /// A probe is outstanding.
    is_asked: AtomicBool,
    inner: Mutex<ResponderState>,
}

#[derive(Debug, Default)]
struct ResponderState {
    last: Option<LastReply>,
    /// The number of probes since a reply, the time of the first, and when the next is allowed.
    asked: u8,
    asked_at: Moment,
    free_at: Moment,
}

impl LastResponder {
    /// A server has replied: outstanding probes are settled.
    pub(crate) fn settle_probes(&self) {
        if self.is_asked.load(Ordering::Relaxed) {
            let mut inner = self.inner.lock();
            self.is_asked.store(false, Ordering::Relaxed);
            inner.asked = 0;
        }
    }

    /// Records a reply.
    pub(crate) fn take(&self, now: Moment, last_reply: impl FnOnce() -> LastReply) {
        let taken_at = self.taken_at.load(Ordering::Relaxed);
        if taken_at == 0 || now.since(Moment::from_millis(taken_at)) >= RECENT {
            self.taken_at.store(now.as_millis().max(1), Ordering::Relaxed);
            self.inner.lock().last = Some(last_reply());
        }
    }

    /// The server and question of a probe: the last responder or, where that is excluded, a second
    /// server. `None` if a probe was sent a moment ago, or often enough.
    pub(crate) fn claim(
        &self,
        now: Moment,
        may_ask: impl Fn(&LastReply) -> bool,
        another: impl FnOnce() -> Option<LastReply>,
    ) -> Option<LastReply> {
        let mut inner = self.inner.lock();
        if inner.asked >= MOST || inner.asked > 0 && inner.free_at > now {
            return None;
        }
        if inner.asked == 0 {
            inner.asked_at = now;
        }
        (inner.asked, inner.free_at) = (inner.asked + 1, now.after(EVERY));
        self.is_asked.store(true, Ordering::Relaxed);
        inner.last.clone().filter(may_ask).or_else(another)
    }

    /// The moment from which silence is evidence: the time for a reply after the first probe has
    /// passed. `None` with fewer probes.
    pub(crate) fn silent_from(&self, times: u8) -> Option<Moment> {
        let inner = self.inner.lock();
        (inner.asked >= times.min(MOST)).then(|| inner.asked_at.after(TAKES))
    }

    /// Forgets the last responder.
    pub(crate) fn forget(&self) {
        let mut inner = self.inner.lock();
        *inner = ResponderState::default();
        self.taken_at.store(0, Ordering::Relaxed);
        self.is_asked.store(false, Ordering::Relaxed);
    }

    /// Whether a server has ever answered.
    pub(crate) fn has_replied(&self) -> bool {
        self.taken_at.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{Question, Rtype, name};

    fn last_reply(server: &str) -> LastReply {
        let question = Question::new(name::root(), Rtype::NS);
        let asking = UpstreamQuery { question, recursion_desired: false, retry: false };
        LastReply { server: Endpoint::udp(server.parse().unwrap()), asking }
    }

    fn claim(last_responder: &LastResponder, millis: u64) -> Option<String> {
        let now = Moment::from_millis(millis);
        let claimed = last_responder.claim(now, |_| true, || Some(last_reply("192.0.2.9")));
        claimed.map(|claimed| claimed.server.to_string())
    }

    #[test]
    fn the_last_responder_is_probed_twice_and_silence_counts_after_a_second() {
        let (last_responder, at) = (LastResponder::default(), Moment::from_millis);
        assert!(!last_responder.has_replied());
        last_responder.take(at(5), || last_reply("192.0.2.1"));
        last_responder.take(at(1004), || last_reply("192.0.2.2"));
        assert!(last_responder.has_replied());
        assert_eq!(
            claim(&last_responder, 2000).as_deref(),
            Some("192.0.2.1"),
            "one is as good as another"
        );
        assert_eq!((claim(&last_responder, 2499), last_responder.silent_from(2)), (None, None));
        assert_eq!(last_responder.silent_from(1), Some(at(3000)));
        assert!(claim(&last_responder, 2500).is_some());
        assert_eq!(
            (claim(&last_responder, 90_000), last_responder.silent_from(2)),
            (None, Some(at(3000)))
        );
        last_responder.settle_probes();
        assert_eq!(last_responder.silent_from(1), None);
        assert!(claim(&last_responder, 90_000).is_some());
    }

    #[test]
    fn a_second_server_is_probed_if_the_last_responder_may_not_be_asked() {
        let last_responder = LastResponder::default();
        assert_eq!(claim(&last_responder, 5).as_deref(), Some("192.0.2.9"), "none ever answered");
        last_responder.settle_probes();
        last_responder.take(Moment::from_millis(5), || last_reply("192.0.2.1"));
        let now = Moment::from_millis(5);
        let claimed = last_responder.claim(now, |_| false, || Some(last_reply("192.0.2.9")));
        assert_eq!(claimed.map(|claimed| claimed.server.to_string()).as_deref(), Some("192.0.2.9"));
        let claimed = last_responder.claim(now.after(EVERY), |_| false, || None);
        assert!(
            claimed.is_none() && last_responder.silent_from(2).is_some(),
            "it is asked as it is"
        );
    }
}
