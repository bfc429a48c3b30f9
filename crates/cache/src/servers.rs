//! What is known of each server, keyed by endpoint.

use std::time::Duration;

use bytes::BufMut;
use serde::{Deserialize, Serialize};
use zoners_dns::{Endpoint, Moment};

use crate::Cache;
use crate::codec::Reader;
use crate::key::{Key, server_of};

/// What is known of a server is forgotten after so long without news.
const KEEP: Duration = Duration::from_secs(3600);
/// Fewer plain successes than this say nothing about EDNS: one UDP reply can be forged.
const PLAIN_PROOF: u8 = 3;
/// One query moves the share of lost ones by this part.
const LOSS_GAIN: u16 = 8;

/// What is known of one server. Times are milliseconds on the [`zoners_dns::Clock`] that goes on
/// during suspend; each figure has the age of its evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Smoothed round-trip time in microseconds; 0 before the first reply.
    pub srtt_us: u32,
    /// Its smoothed deviation in microseconds (RFC 6298); before it is known how long any reply took,
    /// how long one took at most.
    pub rttvar_us: u32,
    /// When it last answered; 0 for never.
    pub replied_at: u64,
    /// When it was last asked; 0 for never.
    pub asked_at: u64,
    /// Queries sent since it last answered.
    pub unanswered: u16,
    /// When the first of these was sent.
    pub waiting_since: u64,
    /// The share of queries that stayed unanswered, smoothed, in 1/65536.
    pub loss: u16,
    /// What was last wrong with it.
    pub trouble: Option<Trouble>,
    /// How often in a row something was.
    pub troubles: u16,
    /// When it last was.
    pub troubled_at: u64,
    /// Times that it answered a plain query after failing one with EDNS, in a row.
    pub plain: u8,
    /// When that last happened.
    pub plain_at: u64,
}

/// What can be wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Trouble {
    /// It did not answer in time.
    Timeout = 1,
    /// The host says that the port is closed, or closes the connection.
    Refused,
    /// No way there: ICMP unreachable, no route, family not available.
    Unreachable,
    /// It does not serve a zone that it was asked for: REFUSED, NOTAUTH, or refers elsewhere.
    Lame,
    /// SERVFAIL, or another RCODE that says nothing of the name.
    ServFail,
    /// FORMERR, or what it sends cannot be read.
    FormErr,
    /// What it said could not be proven.
    Bogus,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Trouble; 7] = [
        Trouble::Timeout,
        Trouble::Refused,
        Trouble::Unreachable,
        Trouble::Lame,
        Trouble::ServFail,
        Trouble::FormErr,
        Trouble::Bogus,
    ];

    /// Whether it means that nothing came back from the server.
    #[must_use]
    pub const fn is_silence(self) -> bool {
        matches!(self, Trouble::Timeout | Trouble::Refused | Trouble::Unreachable)
    }

    fn read(octet: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|trouble| *trouble as u8 == octet)
    }
}

/// Something that happened with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It was asked. What it missed before `forgiven` does not count.
    Asked {
        /// A moment of the past.
        forgiven: Moment,
    },
    /// It answered so long after it was asked; with EDNS, or not.
    Reply(Duration, bool),
    /// It answered a query that was sent more than once: how long it took is not known (RFC 6298
    /// section 3, Karn's algorithm).
    ReplyToSome {
        /// Since the query was first sent: it took no longer.
        most: Duration,
        /// Since it was last sent: it took no less.
        least: Duration,
        /// With EDNS, or not.
        edns: bool,
    },
    /// Something was wrong.
    Trouble(Trouble),
    /// It answered a plain query after failing one with EDNS.
    PlainOnly,
    /// What it said is good again.
    Good,
}

impl ServerInfo {
    /// The smoothed round-trip time, once it has answered.
    #[must_use]
    pub fn srtt(&self) -> Option<Duration> {
        (self.srtt_us > 0).then(|| Duration::from_micros(self.srtt_us.into()))
    }

    /// Its smoothed deviation.
    #[must_use]
    pub fn rttvar(&self) -> Duration {
        Duration::from_micros(self.rttvar_us.into())
    }

    /// Whether it is asked without EDNS from the start.
    #[must_use]
    pub fn mishandles_edns(&self) -> bool {
        self.plain >= PLAIN_PROOF
    }

    fn learn(&mut self, evidence: Evidence, now: Moment) {
        let now = now.as_millis();
        match evidence {
            Evidence::Asked { forgiven } => {
                if self.unanswered == 0 || self.waiting_since < forgiven.as_millis() {
                    (self.unanswered, self.waiting_since) = (0, now);
                }
                self.unanswered = self.unanswered.saturating_add(1);
                self.asked_at = now;
            }
            Evidence::Reply(rtt, edns) => {
                self.learn_rtt(rtt);
                self.replied(edns, now);
            }
            Evidence::ReplyToSome { most, least, edns } => {
                match self.srtt() {
                    // The next reply is waited for, so that it comes before its query is sent again:
                    // else it would never be known how long they take.
                    None => self.rttvar_us = micros(most),
                    Some(srtt) if least > srtt => self.learn_rtt(least),
                    Some(_) => {}
                }
                self.replied(edns, now);
            }
            Evidence::Trouble(trouble) => {
                if trouble == Trouble::Timeout {
                    self.loss += (u16::MAX - self.loss) / LOSS_GAIN;
                }
                let again = self.trouble == Some(trouble);
                self.troubles = if again { self.troubles.saturating_add(1) } else { 1 };
                (self.trouble, self.troubled_at) = (Some(trouble), now);
            }
            Evidence::Good => (self.trouble, self.troubles) = (None, 0),
            Evidence::PlainOnly => {
                (self.plain, self.plain_at) = (self.plain.saturating_add(1), now);
            }
        }
    }

    fn replied(&mut self, edns: bool, now: u64) {
        (self.replied_at, self.unanswered) = (now, 0);
        self.loss -= self.loss / LOSS_GAIN;
        // It is there; whether what it says is good is seen later.
        if self.trouble.is_some_and(Trouble::is_silence) {
            (self.trouble, self.troubles) = (None, 0);
        }
        if edns {
            self.plain = 0;
        }
    }

    /// RFC 6298 section 2, but that the deviation begins smaller: nothing is sent again for it,
    /// only another server is asked.
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

    /// The same on a clock that is ahead by `shift` milliseconds.
    pub(crate) fn shifted(mut self, shift: i64) -> Self {
        for at in [
            &mut self.replied_at,
            &mut self.asked_at,
            &mut self.waiting_since,
            &mut self.troubled_at,
            &mut self.plain_at,
        ] {
            // Zero stands for never.
            *at = if *at > 0 { at.saturating_add_signed(shift).max(1) } else { 0 };
        }
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.put_u32(self.srtt_us);
        out.put_u32(self.rttvar_us);
        out.put_u64(self.replied_at);
        out.put_u64(self.asked_at);
        out.put_u16(self.unanswered);
        out.put_u64(self.waiting_since);
        out.put_u16(self.loss);
        out.put_u8(self.trouble.map_or(0, |trouble| trouble as u8));
        out.put_u16(self.troubles);
        out.put_u64(self.troubled_at);
        out.put_u8(self.plain);
        out.put_u64(self.plain_at);
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut value = Reader(value);
        Some(ServerInfo {
            srtt_us: value.u32()?,
            rttvar_us: value.u32()?,
            replied_at: value.u64()?,
            asked_at: value.u64()?,
            unanswered: value.u16()?,
            waiting_since: value.u64()?,
            loss: value.u16()?,
            trouble: Trouble::read(value.u8()?),
            troubles: value.u16()?,
            troubled_at: value.u64()?,
            plain: value.u8()?,
            plain_at: value.u64()?,
        })
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

impl Cache {
    /// What is known of the server; nothing is a value too.
    #[must_use]
    pub fn server(&self, server: Endpoint, now: Moment) -> ServerInfo {
        let key = Key::of_server(server);
        self.table
            .get(key.as_slice(), now, |value, _| ServerInfo::decode(value))
            .unwrap_or_default()
    }

    /// What is known of servers, no more than `most` of them, in no order.
    #[must_use]
    pub fn servers(&self, most: usize, now: Moment) -> Vec<(Endpoint, ServerInfo)> {
        let read = |key: &[u8], value: &[u8]| Some((server_of(key)?, ServerInfo::decode(value)?));
        self.table.collect(now, most, read)
    }

    /// Adds to what is known of the server; returns what was known before.
    pub fn teach_server(&self, server: Endpoint, evidence: Evidence, now: Moment) -> ServerInfo {
        let key = Key::of_server(server);
        let mut before = ServerInfo::default();
        self.table.update(&key, now, |known| {
            before = known.and_then(ServerInfo::decode).unwrap_or_default();
            let mut info = before;
            info.learn(evidence, now);
            Some((info.encode(), now.after(KEEP)))
        });
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;

    fn cache() -> Cache {
        Cache::new(1 << 20, TtlLimits::default(), [0, 0])
    }

    const SERVER: Endpoint = Endpoint {
        address: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 53),
        transport: zoners_dns::Transport::Udp,
    };

    fn reply(millis: u64) -> Evidence {
        Evidence::Reply(Duration::from_millis(millis), true)
    }

    #[test]
    fn rtts_are_smoothed() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        assert_eq!(cache.server(SERVER, now).srtt(), None);
        cache.teach_server(SERVER, reply(100), now);
        let first = cache.server(SERVER, now);
        assert_eq!(first.srtt(), Some(Duration::from_millis(100)));
        assert_eq!(first.rttvar(), Duration::from_millis(25));
        for _ in 0..60 {
            cache.teach_server(SERVER, reply(20), now);
        }
        let settled = cache.server(SERVER, now);
        assert!(settled.rttvar() < Duration::from_millis(2), "{settled:?}");
        assert!(settled.srtt().unwrap() < Duration::from_millis(22), "{settled:?}");
    }

    #[test]
    fn a_reply_to_a_query_that_was_sent_twice_tells_no_round_trip() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        cache.teach_server(SERVER, Evidence::Asked { forgiven: Moment::from_millis(0) }, now);
        let (most, least) = (Duration::from_millis(120), Duration::from_millis(20));
        let late = Evidence::ReplyToSome { most, least, edns: true };
        cache.teach_server(SERVER, late, now);
        let unmet = cache.server(SERVER, now);
        assert_eq!((unmet.srtt(), unmet.replied_at, unmet.unanswered), (None, 5, 0));
        assert_eq!(unmet.rttvar(), Duration::from_millis(120), "the next is waited for");
        cache.teach_server(SERVER, reply(100), now);
        let before = cache.server(SERVER, now);
        cache.teach_server(SERVER, late, now);
        let after = cache.server(SERVER, now);
        assert_eq!((after.srtt(), after.rttvar()), (before.srtt(), before.rttvar()));
        let slow = Evidence::ReplyToSome { most: least * 20, least: most * 2, edns: true };
        cache.teach_server(SERVER, slow, now);
        assert!(cache.server(SERVER, now).srtt() > before.srtt(), "it was longer in any case");
    }

    #[test]
    fn a_reply_ends_a_row_of_unanswered_queries() {
        let (cache, at) = (cache(), Moment::from_millis);
        let asked = Evidence::Asked { forgiven: at(0) };
        cache.teach_server(SERVER, asked, at(5));
        cache.teach_server(SERVER, asked, at(9));
        cache.teach_server(SERVER, Evidence::Trouble(Trouble::Timeout), at(10));
        let silent = cache.server(SERVER, at(10));
        assert_eq!((silent.unanswered, silent.waiting_since, silent.asked_at), (2, 5, 9));
        assert_eq!((silent.trouble, silent.troubles), (Some(Trouble::Timeout), 1));
        cache.teach_server(SERVER, reply(1), at(11));
        cache.teach_server(SERVER, Evidence::Trouble(Trouble::Lame), at(11));
        cache.teach_server(SERVER, reply(1), at(11));
        assert_eq!(cache.server(SERVER, at(11)).trouble, Some(Trouble::Lame), "a bad answer");
        cache.teach_server(SERVER, Evidence::Good, at(11));
        let alive = cache.server(SERVER, at(11));
        assert_eq!((alive.unanswered, alive.trouble), (0, None));
        assert!(alive.loss > 0, "what was lost is not forgotten at once");
    }

    #[test]
    fn what_was_missed_before_a_pardon_does_not_count() {
        let (cache, at) = (cache(), Moment::from_millis);
        cache.teach_server(SERVER, Evidence::Asked { forgiven: at(0) }, at(5));
        cache.teach_server(SERVER, Evidence::Asked { forgiven: at(8) }, at(9));
        let info = cache.server(SERVER, at(9));
        assert_eq!((info.unanswered, info.waiting_since), (1, 9));
    }

    #[test]
    fn troubles_in_a_row_are_counted_by_cause() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        for (trouble, in_a_row) in
            [(Trouble::ServFail, 1), (Trouble::ServFail, 2), (Trouble::Unreachable, 1)]
        {
            cache.teach_server(SERVER, Evidence::Trouble(trouble), now);
            let info = cache.server(SERVER, now);
            assert_eq!((info.trouble, info.troubles), (Some(trouble), in_a_row));
        }
        for trouble in Trouble::ALL {
            assert_eq!(Trouble::read(trouble as u8), Some(trouble));
        }
    }

    #[test]
    fn no_more_servers_are_listed_than_asked_for() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        for last in 0..100 {
            let server = Endpoint::udp(std::net::IpAddr::V4([192, 0, 2, last].into()));
            cache.teach_server(server, reply(last.into()), now);
        }
        for (most, listed) in [(0, 0), (1, 1), (99, 99), (100, 100), (2000, 100)] {
            assert_eq!(cache.servers(most, now).len(), listed);
        }
    }

    #[test]
    fn one_plain_reply_proves_nothing() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        for _ in 1..PLAIN_PROOF {
            cache.teach_server(SERVER, Evidence::PlainOnly, now);
            assert!(!cache.server(SERVER, now).mishandles_edns());
        }
        cache.teach_server(SERVER, Evidence::PlainOnly, now);
        assert!(cache.server(SERVER, now).mishandles_edns());
        cache.teach_server(SERVER, reply(1), now);
        assert!(!cache.server(SERVER, now).mishandles_edns());
    }
}
