//! How events change the infra cache entry of a server.

use std::time::Duration;

use zoners_dns::Moment;

use super::{EchoEvidence, ServerFault, ServerInfo, TrialEvent};

/// One query moves the smoothed loss by one part in this many (EWMA).
const LOSS_GAIN: u16 = 8;

/// An event at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A query was sent. Queries without a reply before `forgiven` do not count.
    Asked {
        /// When the uplink last failed or changed.
        forgiven: Moment,
    },
    /// A reply came.
    Reply {
        /// The round-trip time.
        rtt: Duration,
        /// Whether the reply has EDNS.
        edns: bool,
    },
    /// A reply came to a query sent more than once, so the RTT is not known exactly (Karn's
    /// algorithm, RFC 6298 section 3).
    ReplyToSome {
        /// Time since the first copy: an upper bound of the RTT.
        most: Duration,
        /// Time since the last copy: a lower bound of the RTT.
        least: Duration,
        /// Whether the reply has EDNS.
        edns: bool,
    },
    /// A fault.
    Trouble(ServerFault),
    /// A query without EDNS got a reply after a query with EDNS had failed.
    PlainOnly,
    /// A valid reply, which ends a fault.
    Good,
    /// An event of a trial of opportunistic encryption.
    Trial(TrialEvent),
    /// An observation about cookies or letter case.
    Repeated(EchoEvidence),
}

impl ServerInfo {
    pub(super) fn learn(&mut self, evidence: Evidence, now: Moment) {
        let now = now.as_millis();
        match evidence {
            Evidence::Asked { forgiven } => {
                if self.unanswered == 0 || self.waiting_since < forgiven.as_millis() {
                    (self.unanswered, self.waiting_since) = (0, now);
                }
                self.unanswered = self.unanswered.saturating_add(1);
                self.asked_at = now;
            }
            Evidence::Reply { rtt, edns } => {
                self.learn_rtt(rtt);
                self.replied(edns, now);
            }
            Evidence::ReplyToSome { most, least, edns } => {
                match self.srtt() {
                    // The next query waits this long before it is sent again, so that its reply
                    // gives the first RTT measurement.
                    None => self.rttvar_us = micros(most),
                    Some(srtt) if least > srtt => self.learn_rtt(least),
                    Some(_) => {}
                }
                self.replied(edns, now);
            }
            Evidence::Trouble(trouble) => {
                if trouble == ServerFault::Timeout {
                    self.loss += (u16::MAX - self.loss) / LOSS_GAIN;
                }
                let again = self.trouble == Some(trouble);
                self.troubles = if again { self.troubles.saturating_add(1) } else { 1 };
                (self.trouble, self.troubled_at) = (Some(trouble), now);
            }
            Evidence::Good => (self.trouble, self.troubles) = (None, 0),
            Evidence::Trial(event) => self.encryption.learn(event, now),
            Evidence::Repeated(repeated) => self.echo.learn(repeated, Moment::from_millis(now)),
            Evidence::PlainOnly => {
                (self.plain, self.plain_at) = (self.plain.saturating_add(1), now);
            }
        }
    }

    fn replied(&mut self, edns: bool, now: u64) {
        (self.replied_at, self.unanswered) = (now, 0);
        self.loss -= self.loss / LOSS_GAIN;
        // The server is alive; whether the reply is valid is decided later.
        if self.trouble.is_some_and(ServerFault::is_silence) {
            (self.trouble, self.troubles) = (None, 0);
        }
        if edns {
            self.plain = 0;
        }
    }

    /// RFC 6298 section 2, except that RTTVAR starts at a quarter of the RTT instead of half: a
    /// late reply causes only a hedge, not a retransmission.
    fn learn_rtt(&mut self, rtt: Duration) {
        let rtt = micros(rtt).max(1);
        if self.srtt_us == 0 {
            (self.srtt_us, self.rttvar_us) = (rtt, rtt / 4);
        } else {
            let off = self.srtt_us.abs_diff(rtt);
            self.rttvar_us = self.rttvar_us - self.rttvar_us / 4 + off / 4;
            self.srtt_us = (self.srtt_us - self.srtt_us / 8 + rtt / 8).max(1);
        }
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::MIN_EDNS_FALLBACKS;
    use crate::{Cache, TtlLimits};
    use zoners_dns::Endpoint;

    fn cache() -> Cache {
        Cache::new(1 << 20, TtlLimits::default(), [0, 0])
    }

    const SERVER: Endpoint = Endpoint::new(
        std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 53),
        zoners_dns::Transport::Udp,
    );

    fn reply(millis: u64) -> Evidence {
        Evidence::Reply { rtt: Duration::from_millis(millis), edns: true }
    }

    #[test]
    fn rtts_are_smoothed() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        assert_eq!(cache.server(SERVER, now).srtt(), None);
        cache.observe_server(SERVER, reply(100), now);
        let first = cache.server(SERVER, now);
        assert_eq!(first.srtt(), Some(Duration::from_millis(100)));
        assert_eq!(first.rttvar(), Duration::from_millis(25));
        for _ in 0..60 {
            cache.observe_server(SERVER, reply(20), now);
        }
        let settled = cache.server(SERVER, now);
        assert!(settled.rttvar() < Duration::from_millis(2), "{settled:?}");
        assert!(settled.srtt().unwrap() < Duration::from_millis(22), "{settled:?}");
    }

    #[test]
    fn a_reply_to_a_query_that_was_sent_twice_gives_no_rtt() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        cache.observe_server(SERVER, Evidence::Asked { forgiven: Moment::from_millis(0) }, now);
        let (most, least) = (Duration::from_millis(120), Duration::from_millis(20));
        let late = Evidence::ReplyToSome { most, least, edns: true };
        cache.observe_server(SERVER, late, now);
        let unmet = cache.server(SERVER, now);
        assert_eq!((unmet.srtt(), unmet.replied_at, unmet.unanswered), (None, 5, 0));
        assert_eq!(unmet.rttvar(), Duration::from_millis(120), "the next is waited for");
        cache.observe_server(SERVER, reply(100), now);
        let before = cache.server(SERVER, now);
        cache.observe_server(SERVER, late, now);
        let after = cache.server(SERVER, now);
        assert_eq!((after.srtt(), after.rttvar()), (before.srtt(), before.rttvar()));
        let slow = Evidence::ReplyToSome { most: least * 20, least: most * 2, edns: true };
        cache.observe_server(SERVER, slow, now);
        assert!(cache.server(SERVER, now).srtt() > before.srtt(), "it was longer in any case");
    }

    #[test]
    fn a_reply_ends_a_row_of_unanswered_queries() {
        let (cache, at) = (cache(), Moment::from_millis);
        let asked = Evidence::Asked { forgiven: at(0) };
        cache.observe_server(SERVER, asked, at(5));
        cache.observe_server(SERVER, asked, at(9));
        cache.observe_server(SERVER, Evidence::Trouble(ServerFault::Timeout), at(10));
        let silent = cache.server(SERVER, at(10));
        assert_eq!((silent.unanswered, silent.waiting_since, silent.asked_at), (2, 5, 9));
        assert_eq!((silent.trouble, silent.troubles), (Some(ServerFault::Timeout), 1));
        cache.observe_server(SERVER, reply(1), at(11));
        cache.observe_server(SERVER, Evidence::Trouble(ServerFault::Lame), at(11));
        cache.observe_server(SERVER, reply(1), at(11));
        assert_eq!(cache.server(SERVER, at(11)).trouble, Some(ServerFault::Lame), "a bad answer");
        cache.observe_server(SERVER, Evidence::Good, at(11));
        let alive = cache.server(SERVER, at(11));
        assert_eq!((alive.unanswered, alive.trouble), (0, None));
        assert!(alive.loss > 0, "what was lost is not forgotten at once");
    }

    #[test]
    fn queries_before_forgiven_do_not_count_as_unanswered() {
        let (cache, at) = (cache(), Moment::from_millis);
        cache.observe_server(SERVER, Evidence::Asked { forgiven: at(0) }, at(5));
        cache.observe_server(SERVER, Evidence::Asked { forgiven: at(8) }, at(9));
        let info = cache.server(SERVER, at(9));
        assert_eq!((info.unanswered, info.waiting_since), (1, 9));
    }

    #[test]
    fn faults_in_a_row_are_counted_by_kind() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        for (trouble, in_a_row) in
            [(ServerFault::ServFail, 1), (ServerFault::ServFail, 2), (ServerFault::Unreachable, 1)]
        {
            cache.observe_server(SERVER, Evidence::Trouble(trouble), now);
            let info = cache.server(SERVER, now);
            assert_eq!((info.trouble, info.troubles), (Some(trouble), in_a_row));
        }
    }

    #[test]
    fn a_single_edns_fallback_proves_nothing() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        for _ in 1..MIN_EDNS_FALLBACKS {
            cache.observe_server(SERVER, Evidence::PlainOnly, now);
            assert!(!cache.server(SERVER, now).mishandles_edns());
        }
        cache.observe_server(SERVER, Evidence::PlainOnly, now);
        assert!(cache.server(SERVER, now).mishandles_edns());
        cache.observe_server(SERVER, reply(1), now);
        assert!(!cache.server(SERVER, now).mishandles_edns());
    }
}
