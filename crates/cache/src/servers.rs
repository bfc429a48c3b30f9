//! What is known of each server, keyed by endpoint.

use std::time::Duration;

use bytes::BufMut;
use serde::{Deserialize, Serialize};
use zoners_dns::{Endpoint, Moment};

use crate::Cache;
use crate::codec::Reader;
use crate::key::{Key, Kind};

/// What is known of a server is forgotten after so long without news.
const KEEP: Duration = Duration::from_secs(3600);
/// Fewer plain successes than this say nothing about EDNS: one UDP reply can be forged.
const PLAIN_PROOF: u8 = 3;

/// What is known of one server. Times are milliseconds on the [`zoners_dns::Clock`] that goes on
/// during suspend; each figure has the age of its evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Smoothed round-trip time in microseconds; 0 before the first reply.
    pub srtt_us: u32,
    /// Its smoothed deviation in microseconds (RFC 6298).
    pub rttvar_us: u32,
    /// When it last answered; 0 for never.
    pub replied_at: u64,
    /// Timeouts since it last answered.
    pub timeouts: u16,
    /// When the last of them was counted.
    pub timeout_at: u64,
    /// Times that it answered a plain query after failing one with EDNS, in a row.
    pub plain: u8,
    /// When that last happened.
    pub plain_at: u64,
}

/// Something that happened with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It answered so long after it was asked.
    Reply(Duration),
    /// It did not answer, or the network did not let us ask.
    Timeout,
    /// It answered a plain query after failing one with EDNS.
    PlainOnly,
    /// It answered a query with EDNS.
    Edns,
}

impl ServerInfo {
    /// The smoothed round-trip time, once it has answered.
    #[must_use]
    pub fn srtt(&self) -> Option<Duration> {
        (self.srtt_us > 0).then(|| Duration::from_micros(self.srtt_us.into()))
    }

    /// When nearly every reply should have come, by the server's own habits (RFC 6298).
    #[must_use]
    pub fn late_after(&self) -> Option<Duration> {
        let deviation = Duration::from_micros(self.rttvar_us.into()) * 4;
        self.srtt().map(|srtt| srtt + deviation)
    }

    /// Whether it is asked without EDNS from the start.
    #[must_use]
    pub fn mishandles_edns(&self) -> bool {
        self.plain >= PLAIN_PROOF
    }

    fn learn(&mut self, evidence: Evidence, now: Moment) {
        match evidence {
            Evidence::Reply(rtt) => {
                let rtt = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX).max(1);
                if self.srtt_us == 0 {
                    (self.srtt_us, self.rttvar_us) = (rtt, rtt / 2);
                } else {
                    let off = self.srtt_us.abs_diff(rtt);
                    self.rttvar_us = self.rttvar_us - self.rttvar_us / 4 + off / 4;
                    self.srtt_us = (self.srtt_us - self.srtt_us / 8 + rtt / 8).max(1);
                }
                (self.replied_at, self.timeouts) = (now.as_millis(), 0);
            }
            Evidence::Timeout => {
                (self.timeouts, self.timeout_at) =
                    (self.timeouts.saturating_add(1), now.as_millis());
            }
            Evidence::PlainOnly => {
                (self.plain, self.plain_at) = (self.plain.saturating_add(1), now.as_millis());
            }
            Evidence::Edns => self.plain = 0,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(35);
        out.put_u32(self.srtt_us);
        out.put_u32(self.rttvar_us);
        out.put_u64(self.replied_at);
        out.put_u16(self.timeouts);
        out.put_u64(self.timeout_at);
        out.put_u8(self.plain);
        out.put_u64(self.plain_at);
        out
    }

    fn decode(value: &[u8]) -> Option<Self> {
        let mut value = Reader(value);
        Some(ServerInfo {
            srtt_us: value.u32()?,
            rttvar_us: value.u32()?,
            replied_at: value.u64()?,
            timeouts: value.u16()?,
            timeout_at: value.u64()?,
            plain: value.u8()?,
            plain_at: value.u64()?,
        })
    }
}

impl Cache {
    /// What is known of the server; nothing is a value too.
    #[must_use]
    pub fn server(&self, server: Endpoint, now: Moment) -> ServerInfo {
        let key = Key::new(Kind::Server).and_endpoint(server);
        self.table.get(&key, now, |value, _| ServerInfo::decode(value)).unwrap_or_default()
    }

    /// Adds to what is known of the server.
    pub fn teach_server(&self, server: Endpoint, evidence: Evidence, now: Moment) {
        let key = Key::new(Kind::Server).and_endpoint(server);
        self.table.update(&key, now, |known| {
            let mut info = known.and_then(ServerInfo::decode).unwrap_or_default();
            info.learn(evidence, now);
            Some((info.encode(), now.after(KEEP)))
        });
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

    #[test]
    fn rtts_are_smoothed() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        assert_eq!(cache.server(SERVER, now).srtt(), None);
        cache.teach_server(SERVER, Evidence::Reply(Duration::from_millis(100)), now);
        let first = cache.server(SERVER, now);
        assert_eq!(first.srtt(), Some(Duration::from_millis(100)));
        assert_eq!(first.late_after(), Some(Duration::from_millis(300)));
        for _ in 0..60 {
            cache.teach_server(SERVER, Evidence::Reply(Duration::from_millis(20)), now);
        }
        let settled = cache.server(SERVER, now);
        assert!(settled.late_after().unwrap() < Duration::from_millis(30), "{settled:?}");
    }

    #[test]
    fn a_reply_ends_a_row_of_timeouts() {
        let (cache, now) = (cache(), Moment::from_millis(5));
        cache.teach_server(SERVER, Evidence::Timeout, now);
        cache.teach_server(SERVER, Evidence::Timeout, now);
        assert_eq!(cache.server(SERVER, now).timeouts, 2);
        cache.teach_server(SERVER, Evidence::Reply(Duration::from_millis(1)), now);
        assert_eq!(cache.server(SERVER, now).timeouts, 0);
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
        cache.teach_server(SERVER, Evidence::Edns, now);
        assert!(!cache.server(SERVER, now).mishandles_edns());
    }
}
