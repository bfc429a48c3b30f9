//! The uplink: the loss rate, and whether the uplink is up.
//!
//! If no server replies any more, the uplink is at fault, not the servers. Timeouts meanwhile are
//! ignored once a reply arrives.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use zoners_dns::Moment;

use crate::infra::interruptions::Interruptions;
use crate::infra::last_responder::LastResponder;
use crate::infra::outages::OutageLog;

/// EWMA gain of the loss rate: one query moves the rate by 1/64.
const GAIN: u32 = 64;
/// The uplink is down after this many consecutive queries without a reply …
const DOWN_AFTER: u32 = 8;
/// … over this time.
const DOWN_FOR: Duration = Duration::from_secs(2);

/// After this many queries without a reply, and this time, the next queries use a different
/// transport.
const SILENT_AFTER: u32 = 4;
const SILENT_FOR: Duration = Duration::from_millis(400);

/// The state of the uplink.
#[derive(Debug, Default)]
pub(crate) struct Uplink {
    /// The loss rate of queries to responsive servers, smoothed, in units of 1/65536.
    loss: AtomicU32,
    /// The time of the last reply.
    replied_at: AtomicU64,
    /// Queries sent since the last reply, and the time of the first.
    asked: AtomicU32,
    asked_at: AtomicU64,
    /// Timeouts up to this moment are ignored.
    forgiven_at: AtomicU64,
    interruptions: Interruptions,
    last_responder: LastResponder,
    outages: OutageLog,
}

impl Uplink {
    /// A query was sent.
    pub(crate) fn asked(&self, now: Moment) {
        // Without queries there is no silence.
        if self.asked.fetch_add(1, Ordering::Relaxed) == 0 {
            self.asked_at.store(now.as_millis(), Ordering::Relaxed);
        }
    }

    /// A server replied. True if an interruption ends.
    pub(crate) fn replied(&self, now: Moment) -> bool {
        let began = Moment::from_millis(self.asked_at.load(Ordering::Relaxed));
        if self.is_down(now) {
            self.forgive(now);
            self.outages.record(began, now);
        }
        let loss = self.loss.load(Ordering::Relaxed);
        self.loss.store(loss - loss / GAIN, Ordering::Relaxed);
        self.asked.store(0, Ordering::Relaxed);
        self.replied_at.store(now.as_millis(), Ordering::Relaxed);
        self.last_responder.settle_probes();
        self.interruptions.replied(began, now)
    }

    /// The outages so far.
    pub(crate) fn outages(&self) -> &OutageLog {
        &self.outages
    }

    /// The interruptions, far shorter than outages.
    pub(crate) fn interruptions(&self) -> &Interruptions {
        &self.interruptions
    }

    /// The last responder.
    pub(crate) fn last_responder(&self) -> &LastResponder {
        &self.last_responder
    }

    /// A responsive server left a query unanswered.
    pub(crate) fn count_loss(&self) {
        let loss = self.loss.load(Ordering::Relaxed);
        self.loss.store(loss + (65536 - loss) / GAIN, Ordering::Relaxed);
    }

    /// Ignores timeouts of servers up to now.
    pub(crate) fn forgive(&self, now: Moment) {
        self.forgiven_at.store(now.as_millis(), Ordering::Relaxed);
    }

    /// The moment up to which timeouts are ignored.
    pub(crate) fn forgiven(&self) -> Moment {
        Moment::from_millis(self.forgiven_at.load(Ordering::Relaxed))
    }

    /// The time of the last reply.
    pub(crate) fn last_reply_at(&self) -> Moment {
        Moment::from_millis(self.replied_at.load(Ordering::Relaxed))
    }

    /// Whether enough queries are unanswered to try a different transport.
    pub(crate) fn is_silent(&self, now: Moment) -> bool {
        self.is_unanswered(now, SILENT_AFTER, SILENT_FOR)
    }

    /// Whether no server replies any more, the last responder included.
    pub(crate) fn is_down(&self, now: Moment) -> bool {
        self.is_unanswered(now, DOWN_AFTER, DOWN_FOR)
            && (!self.last_responder.has_replied()
                || self.last_responder.silent_from(1).is_some_and(|from| from <= now))
    }

    /// Resets the state, for a new network.
    pub(crate) fn forget(&self) {
        let Uplink {
            loss,
            replied_at,
            asked,
            asked_at,
            forgiven_at,
            interruptions,
            last_responder,
            outages,
        } = self;
        for count in [loss, asked] {
            count.store(0, Ordering::Relaxed);
        }
        for moment in [replied_at, asked_at, forgiven_at] {
            moment.store(0, Ordering::Relaxed);
        }
        interruptions.forget();
        last_responder.forget();
        outages.clear();
    }

    fn is_unanswered(&self, now: Moment, after: u32, span: Duration) -> bool {
        let since = Moment::from_millis(self.asked_at.load(Ordering::Relaxed));
        self.asked.load(Ordering::Relaxed) >= after && now.since(since) >= span
    }

    /// The loss rate, 0 to 1.
    pub(crate) fn loss(&self) -> f64 {
        f64::from(self.loss.load(Ordering::Relaxed)) / 65536.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::last_responder::LastReply;
    use crate::model::asking::UpstreamQuery;
    use zoners_dns::{Endpoint, Question, Rtype, name};

    fn last_reply() -> LastReply {
        let question = Question::new(name::root(), Rtype::NS);
        let asking = UpstreamQuery { question, recursion_desired: false, retry: false };
        LastReply { server: Endpoint::udp("192.0.2.1".parse().unwrap()), asking }
    }

    fn ask(uplink: &Uplink, now: Moment) -> bool {
        uplink.last_responder().claim(now, |_| true, || None).is_some()
    }

    #[test]
    fn timeouts_are_forgiven_once_the_uplink_is_back() {
        let (uplink, at) = (Uplink::default(), Moment::from_millis);
        uplink.replied(at(1000));
        uplink.last_responder().take(at(1000), last_reply);
        (0..DOWN_AFTER).for_each(|_| uplink.asked(at(1000)));
        assert!(!uplink.is_down(at(90_000)), "the last responder was not probed");
        assert!(ask(&uplink, at(2000)));
        assert!(!uplink.is_down(at(2999)) && uplink.is_down(at(3000)));
        uplink.replied(at(9000));
        assert_eq!((uplink.forgiven(), uplink.is_down(at(20_000))), (at(9000), false));
        assert_eq!(uplink.outages().lasted(at(0)), [Duration::from_millis(8000)]);
        (1..DOWN_AFTER).for_each(|_| uplink.asked(at(9000)));
        assert!(!uplink.is_down(at(20_000)), "few queries say nothing");
    }

    #[test]
    fn time_in_which_nothing_was_asked_is_no_silence() {
        let (uplink, at) = (Uplink::default(), Moment::from_millis);
        uplink.replied(at(1000));
        (0..DOWN_AFTER).for_each(|_| uplink.asked(at(600_000)));
        assert!(!uplink.is_silent(at(600_399)) && uplink.is_silent(at(600_400)));
        let silent = Uplink::default();
        (0..DOWN_AFTER).for_each(|_| silent.asked(at(600_000)));
        assert!(!silent.is_down(at(601_999)) && silent.is_down(at(602_000)), "none ever answered");
        silent.forget();
        assert!(!silent.is_silent(at(900_000)));
    }

    #[test]
    fn loss_is_smoothed() {
        let uplink = Uplink::default();
        for _ in 0..400 {
            uplink.count_loss();
            (0..3).for_each(|_| _ = uplink.replied(Moment::from_millis(1)));
        }
        assert!((0.2..0.3).contains(&uplink.loss()), "{}", uplink.loss());
    }
}
