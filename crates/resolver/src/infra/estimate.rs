//! The RTT estimate: the expected time of asking a server.
//!
//! The estimate of a known server is its RTT, that of an unknown server the provider prior. A query
//! without a reply beyond the usual time of its server raises the estimate before any timeout, and
//! a reply resets it.

use std::time::Duration;

use zoners_cache::{ServerFault, ServerInfo};
use zoners_dns::Moment;

use crate::infra::interruptions::Interruption;
use crate::infra::reachability::BrokenPaths;

/// The penalty of a missed query, for a server that has replied before.
const MISSED: Duration = Duration::from_millis(10);
/// The penalty of a missed query, for a server that has never replied.
const SILENT: Duration = Duration::from_millis(400);
/// No doubt is worth more.
const MOST_DOUBT: Duration = Duration::from_secs(10);
/// The penalty decays to zero over this time.
const FADES: Duration = Duration::from_secs(300);
/// The penalty of one bad answer of a responsive server, for a minute.
const BAD_ANSWER: Duration = Duration::from_millis(100);
const BAD_ANSWER_FADES: Duration = Duration::from_secs(60);
/// Consecutive missed queries after which the server is in backoff.
const DEAD_AFTER: u16 = 3;
/// Consecutive missed queries after which, if other servers replied meanwhile, no reply is expected
/// any more.
const GIVEN_UP_AFTER: u16 = 2 * DEAD_AFTER;
const GIVEN_UP_FOR: Duration = Duration::from_secs(3);
/// The first backoff, doubled each time …
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
/// … up to this.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

/// The circumstances in which servers are estimated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimator {
    /// Now.
    pub(crate) now: Moment,
    /// The expected RTT of an unknown server, and the time after which its reply is late.
    pub(crate) unknown: (Duration, Duration),
    /// Timeouts up to this moment are ignored.
    pub(crate) forgiven: Moment,
    /// The last interruption of the uplink.
    pub(crate) interruption: Interruption,
    /// The loss rate of the uplink.
    pub(crate) loss: f64,
    /// The unreachable transports and address families.
    pub(crate) broken: BrokenPaths,
    /// No server has replied lately.
    pub(crate) silent: bool,
    /// The time of the last reply of any server.
    pub(crate) last_reply_at: Moment,
}

/// The estimate of one server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LatencyEstimate {
    /// The round trip.
    pub(crate) rtt: Duration,
    /// The penalty for its failures.
    pub(crate) penalty: Duration,
    /// The time without a reply after which a second server is asked (hedge delay).
    pub(crate) hedge_after: Duration,
    /// The hedge delay if no alternative server would be quicker.
    pub(crate) alone: Duration,
    /// The hedge delay of repeated queries, before it is doubled for each.
    pub(crate) again: Duration,
    /// Whether the server has ever replied.
    pub(crate) has_replied: bool,
    /// Several queries have been unanswered for [`UNRESPONSIVE_AFTER`].
    pub(crate) is_unresponsive: bool,
    /// The end of the backoff.
    pub(crate) skipped_until: Option<Moment>,
    /// The server has been silent for so long that at most one query is spent on it.
    pub(crate) given_up: bool,
}

/// Nested look-ups skip servers without any reply within this time.
const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(1);
/// The first wait for a server that has replied once or never, as a multiple of its longest known
/// time.
const AT_MOST: f64 = 1.25;
/// A server is given at least this long …
pub(crate) const LEAST_PATIENCE: Duration = Duration::from_millis(15);
/// … and at most this …
pub(crate) const MOST_PATIENCE: Duration = Duration::from_millis(1500);
/// … or this, if only a slow server can be asked: just before the server is given up.
const MOST_ALONE: Duration = Duration::from_millis(2800);

impl LatencyEstimate {
    /// The same, with no wait longer than `times` the one for a reply of `other`, a server that has replied.
    pub(crate) fn no_more_patient(self, other: &LatencyEstimate, times: u32) -> Self {
        if !other.has_replied {
            return self;
        }
        LatencyEstimate {
            hedge_after: self.hedge_after.min(other.hedge_after * times),
            alone: self.alone.min(other.alone * times),
            again: self.again.min(other.again * times),
            ..self
        }
    }
}

impl Estimator {
    /// The estimate of a server. `sibling` is the RTT of a second address of its name.
    pub(crate) fn estimate(&self, info: &ServerInfo, sibling: Option<Duration>) -> LatencyEstimate {
        let (rtt, late) = match (info.srtt(), sibling) {
            (Some(srtt), _) => (srtt, srtt + info.rttvar().mul_f64(self.deviations())),
            (None, Some(sibling)) => (sibling.mul_f64(1.1), sibling * 2),
            (None, None) => self.unknown,
        };
        // The reply may belong to any of several copies of a query; the longest time is known. The
        // first reply alone is awaited that long, since a race needs room for each attempt.
        let guess = match info.srtt() {
            None => info.rttvar().mul_f64(AT_MOST),
            Some(_) => Duration::ZERO,
        };
        let again = late.clamp(LEAST_PATIENCE, MOST_PATIENCE);
        // The first copy may be unanswered because of its cookie; the second copy, without a
        // cookie, is not delayed.
        let times = if info.echo.may_mishandle_cookies(self.now) { 1 } else { 2 };
        let alone = late.max(guess * times).clamp(LEAST_PATIENCE, MOST_ALONE);
        let hedge_after = late.max(guess).clamp(LEAST_PATIENCE, MOST_PATIENCE);
        let silent_for = self.silent_for(info, hedge_after).unwrap_or_default();
        LatencyEstimate {
            rtt,
            penalty: self.silence(info, hedge_after) + self.bad_answers(info),
            hedge_after,
            alone,
            again,
            has_replied: info.srtt_us > 0,
            is_unresponsive: info.unanswered >= DEAD_AFTER && silent_for >= UNRESPONSIVE_AFTER,
            skipped_until: self.skipped_until(info, hedge_after),
            given_up: self.is_given_up(info, silent_for),
        }
    }

    /// Whether other servers replied during a long silence of the server, so that the uplink works,
    /// and the missed queries exceed what the loss rate of the uplink explains.
    fn is_given_up(&self, info: &ServerInfo, silent_for: Duration) -> bool {
        let waiting_since = Moment::from_millis(info.waiting_since);
        !silent_for.is_zero()
            && info.unanswered >= GIVEN_UP_AFTER
            && self.last_reply_at.since(waiting_since) >= GIVEN_UP_FOR
    }

    /// Deviations beyond the mean after which a reply is more likely lost than late: few on a lossy
    /// uplink.
    fn deviations(&self) -> f64 {
        (1.0 / self.loss.max(1e-3)).ln().clamp(1.0, 4.0)
    }

    /// The time for which queries have been unanswered, if it exceeds the hedge delay.
    fn silent_for(&self, info: &ServerInfo, hedge_after: Duration) -> Option<Duration> {
        let since = Moment::from_millis(info.waiting_since);
        let silent = self.now.since(since);
        let counts = since >= self.forgiven && !self.interruption.covers(since);
        (info.unanswered > 0 && counts && silent > hedge_after).then_some(silent)
    }

    fn silence(&self, info: &ServerInfo, hedge_after: Duration) -> Duration {
        let Some(silent) = self.silent_for(info, hedge_after) else { return Duration::ZERO };
        let missed = u32::from(info.unanswered - 1).min(6);
        let most = match info.replied_at {
            0 => SILENT * (1 << missed),
            _ => MISSED * (1 << (2 * missed).min(8)),
        };
        let age = self.now.since(Moment::from_millis(info.asked_at));
        fade(silent.min(most).min(MOST_DOUBT), age, FADES)
    }

    fn bad_answers(&self, info: &ServerInfo) -> Duration {
        match info.trouble {
            Some(ServerFault::ServFail | ServerFault::FormErr | ServerFault::Bogus) => {
                let age = self.now.since(Moment::from_millis(info.troubled_at));
                fade(BAD_ANSWER * u32::from(info.troubles.min(8)), age, BAD_ANSWER_FADES)
            }
            _ => Duration::ZERO,
        }
    }

    /// The end of the backoff of an unresponsive or unreachable server.
    fn skipped_until(&self, info: &ServerInfo, hedge_after: Duration) -> Option<Moment> {
        let troubled_at = Moment::from_millis(info.troubled_at);
        let (times, from) = match info.trouble {
            Some(
                ServerFault::Refused
                | ServerFault::Unreachable
                | ServerFault::Untrusted
                | ServerFault::Handshake
                | ServerFault::Http,
            ) if troubled_at >= self.forgiven => (info.troubles, troubled_at),
            _ => {
                self.silent_for(info, hedge_after)?;
                let beyond = info.unanswered.checked_sub(DEAD_AFTER)?;
                (beyond.saturating_add(1), Moment::from_millis(info.asked_at))
            }
        };
        let back_off = FIRST_BACK_OFF * (1 << u32::from(times.checked_sub(1)?).min(10));
        let until = from.after(back_off.min(LONGEST_BACK_OFF));
        (until > self.now).then_some(until)
    }
}

/// The remaining weight of evidence of a given age.
fn fade(worth: Duration, age: Duration, fades: Duration) -> Duration {
    let left = 1.0 - age.as_secs_f64() / fades.as_secs_f64();
    worth.mul_f64(left.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 10_000_000;

    fn estimator() -> Estimator {
        Estimator {
            now: Moment::from_millis(AT),
            unknown: (Duration::from_millis(100), Duration::from_millis(200)),
            forgiven: Moment::default(),
            interruption: Interruption::default(),
            loss: 0.0,
            broken: BrokenPaths::default(),
            silent: false,
            last_reply_at: Moment::from_millis(AT - 1),
        }
    }

    /// A server with missed queries, the first two minutes ago, the last now.
    fn silent(unanswered: u16) -> ServerInfo {
        let waiting_since = AT - 120_000;
        ServerInfo { unanswered, waiting_since, asked_at: AT, ..ServerInfo::default() }
    }

    #[test]
    fn the_backoff_of_a_silent_server_doubles_up_to_its_limit() {
        let skipped = |unanswered| {
            let until = estimator().estimate(&silent(unanswered), None).skipped_until;
            until.map(|until| until.since(estimator().now))
        };
        assert_eq!(skipped(DEAD_AFTER - 1), None);
        assert_eq!(skipped(DEAD_AFTER), Some(FIRST_BACK_OFF));
        assert_eq!(skipped(DEAD_AFTER + 1), Some(FIRST_BACK_OFF * 2));
        assert_eq!(skipped(DEAD_AFTER + 5), Some(FIRST_BACK_OFF * 32));
        for many in [DEAD_AFTER + 6, 1000, u16::MAX] {
            assert_eq!(skipped(many), Some(LONGEST_BACK_OFF), "{many}");
        }
        assert!(estimator().estimate(&silent(u16::MAX), None).penalty <= MOST_DOUBT);
    }

    #[test]
    fn a_server_silent_while_other_servers_reply_is_given_up() {
        let given_up =
            |estimator: Estimator, info: &ServerInfo| estimator.estimate(info, None).given_up;
        assert!(!given_up(estimator(), &silent(GIVEN_UP_AFTER - 1)));
        assert!(given_up(estimator(), &silent(GIVEN_UP_AFTER)));
        let last_reply_at = Moment::from_millis(AT - 120_000);
        assert!(
            !given_up(Estimator { last_reply_at, ..estimator() }, &silent(GIVEN_UP_AFTER)),
            "no server replied since"
        );
        let waiting_since = AT - GIVEN_UP_FOR.as_millis() as u64;
        let at_once = ServerInfo { waiting_since, ..silent(GIVEN_UP_AFTER) };
        assert!(!given_up(estimator(), &at_once));
    }

    #[test]
    fn an_unreachable_server_is_in_backoff_at_once_up_to_the_same_limit() {
        for (troubles, back_off) in [(1, FIRST_BACK_OFF), (u16::MAX, LONGEST_BACK_OFF)] {
            let trouble = Some(ServerFault::Unreachable);
            let info = ServerInfo { trouble, troubles, troubled_at: AT, ..ServerInfo::default() };
            let until = estimator().estimate(&info, None).skipped_until.unwrap();
            assert_eq!(until.since(estimator().now), back_off);
            let forgiven = Estimator { forgiven: Moment::from_millis(AT + 1), ..estimator() };
            assert_eq!(forgiven.estimate(&info, None).skipped_until, None);
        }
    }

    #[test]
    fn one_lost_packet_costs_a_good_server_next_to_nothing() {
        let good = ServerInfo { srtt_us: 30_000, replied_at: AT - 130_000, ..silent(1) };
        assert!(estimator().estimate(&good, None).penalty <= MISSED);
        let pardoned = Estimator { forgiven: Moment::from_millis(AT), ..estimator() };
        assert_eq!(pardoned.estimate(&silent(9), None).penalty, Duration::ZERO);
    }

    #[test]
    fn the_silence_of_an_interruption_is_none_of_the_server() {
        let (from, at) = (Moment::from_millis(AT - 121_000), Moment::from_millis);
        let penalty = |until| {
            let interruption = Interruption { from, until };
            Estimator { interruption, ..estimator() }.estimate(&silent(9), None).penalty
        };
        assert_eq!(penalty(at(AT - 119_999)), Duration::ZERO);
        assert!(penalty(at(AT - 120_000)) > Duration::ZERO, "silent since the end");
    }

    #[test]
    fn the_hedge_delay_is_bounded() {
        for (srtt_us, hedge_after) in [(1, LEAST_PATIENCE), (u32::MAX, MOST_PATIENCE)] {
            let info = ServerInfo { srtt_us, replied_at: AT, ..ServerInfo::default() };
            assert_eq!(estimator().estimate(&info, None).hedge_after, hedge_after);
            let alone = if hedge_after == MOST_PATIENCE { MOST_ALONE } else { hedge_after };
            assert_eq!(estimator().estimate(&info, None).alone, alone);
        }
        assert_eq!(estimator().estimate(&ServerInfo::default(), None).rtt, estimator().unknown.0);
    }
}
