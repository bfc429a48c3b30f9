//! The infra cache: what is known about each server.

mod echo;
mod encryption;
mod evidence;
mod fault;
mod trial_result;

use std::time::Duration;

use bytes::BufMut;
use serde::{Deserialize, Serialize};
use zoners_dns::{Endpoint, Moment};

pub use echo::{CLIENT_COOKIE, CookieOption, EchoEvidence, EchoSupport};
pub use encryption::{EncryptionState, EncryptionTrial, TrialEvent};
pub use evidence::Evidence;
pub use fault::ServerFault;
pub use trial_result::TrialResult;

use crate::Cache;
use crate::codec::ValueReader;
use crate::key::{CacheKey, server_of};

/// How long an entry is kept after the last event.
const KEEP_AFTER_LAST_EVENT: Duration = Duration::from_secs(3600);
/// The same of an entry with a trial of encryption, whose result counts for longer.
const KEEP_AFTER_TRIAL: Duration = encryption::PERSISTENCE;
/// Octets that hold an encoded entry with cookies and a trial.
const ENCODED: usize = 128;
/// From this number of EDNS fallbacks on, a server is queried without EDNS. Fewer prove nothing: a
/// single UDP reply can be forged.
const MIN_EDNS_FALLBACKS: u8 = 3;

/// The infra cache entry of a server. Times are milliseconds on [`zoners_dns::Clock::now`], which
/// runs during suspend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Smoothed round-trip time in microseconds; 0 before the first measurement.
    pub srtt_us: u32,
    /// RTT variation in microseconds (RFC 6298). Before the first measurement, an upper bound of
    /// the time of a reply.
    pub rttvar_us: u32,
    /// When the last reply came; 0 for never.
    pub replied_at: u64,
    /// When the last query was sent; 0 for never.
    pub asked_at: u64,
    /// Queries sent since the last reply.
    pub unanswered: u16,
    /// When the first of these queries was sent.
    pub waiting_since: u64,
    /// The smoothed share of queries without a reply, in 1/65536.
    pub loss: u16,
    /// The last fault.
    pub trouble: Option<ServerFault>,
    /// How often the fault occurred in a row.
    pub troubles: u16,
    /// When the fault last occurred.
    pub troubled_at: u64,
    /// How often in a row a query with EDNS failed and the query without EDNS got a reply.
    pub plain: u8,
    /// When that last happened.
    pub plain_at: u64,
    /// Trials of opportunistic encryption, in the entry for plain transports.
    #[serde(default)]
    pub encryption: EncryptionTrial,
    /// Cookies and letter case; secret, so not serialised.
    #[serde(skip)]
    pub echo: EchoSupport,
}

impl ServerInfo {
    /// The smoothed round-trip time, after the first measurement.
    #[must_use]
    pub fn srtt(&self) -> Option<Duration> {
        (self.srtt_us > 0).then(|| Duration::from_micros(self.srtt_us.into()))
    }

    /// The RTT variation.
    #[must_use]
    pub fn rttvar(&self) -> Duration {
        Duration::from_micros(self.rttvar_us.into())
    }

    /// The time within which nearly every reply comes, after the first measurement: SRTT + 4 RTTVAR
    /// (RFC 6298 section 2).
    #[must_use]
    pub fn rto(&self) -> Option<Duration> {
        self.srtt().map(|srtt| srtt + self.rttvar() * 4)
    }

    /// Whether the first query is sent without EDNS.
    #[must_use]
    pub fn mishandles_edns(&self) -> bool {
        self.plain >= MIN_EDNS_FALLBACKS
    }

    /// The entry on a clock that is ahead by `shift` milliseconds.
    pub(crate) fn shifted(mut self, shift: i64) -> Self {
        for at in [
            &mut self.replied_at,
            &mut self.asked_at,
            &mut self.waiting_since,
            &mut self.troubled_at,
            &mut self.plain_at,
        ] {
            // Zero means never.
            *at = if *at > 0 { at.saturating_add_signed(shift).max(1) } else { 0 };
        }
        self.encryption.shift(shift);
        self.echo.shift(shift);
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ENCODED);
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
        self.echo.encode(&mut out, self.encryption.is_known());
        if self.encryption.is_known() {
            self.encryption.encode(&mut out);
        }
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut value = ValueReader(value);
        Some(ServerInfo {
            srtt_us: value.u32()?,
            rttvar_us: value.u32()?,
            replied_at: value.u64()?,
            asked_at: value.u64()?,
            unanswered: value.u16()?,
            waiting_since: value.u64()?,
            loss: value.u16()?,
            trouble: ServerFault::read(value.u8()?),
            troubles: value.u16()?,
            troubled_at: value.u64()?,
            plain: value.u8()?,
            plain_at: value.u64()?,
            echo: EchoSupport::decode(&mut value)?,
            encryption: EncryptionTrial::decode(&mut value),
        })
    }
}

impl Cache {
    /// The infra cache entry of a server; the default entry for an unknown server.
    #[must_use]
    pub fn server(&self, server: Endpoint, now: Moment) -> ServerInfo {
        let key = CacheKey::of_server(server);
        self.table
            .get(key.as_slice(), now, |value, _| ServerInfo::decode(value))
            .unwrap_or_default()
    }

    /// The infra cache entries, at most `max_servers`, in no particular order.
    #[must_use]
    pub fn servers(&self, max_servers: usize, now: Moment) -> Vec<(Endpoint, ServerInfo)> {
        let read = |key: &[u8], value: &[u8]| Some((server_of(key)?, ServerInfo::decode(value)?));
        self.table.collect(now, max_servers, read)
    }

    /// Updates the entry of a server by an event. Returns the entry before the update.
    pub fn observe_server(&self, server: Endpoint, evidence: Evidence, now: Moment) -> ServerInfo {
        let key = CacheKey::of_server(server);
        let mut before = ServerInfo::default();
        self.table.update(&key, now, |known| {
            before = known.and_then(ServerInfo::decode).unwrap_or_default();
            let mut info = before;
            info.learn(evidence, now);
            let keep = match info.encryption.is_known() {
                true => KEEP_AFTER_TRIAL,
                false => KEEP_AFTER_LAST_EVENT,
            };
            Some((info.encode(), now.after(keep)))
        });
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;

    #[test]
    fn a_trial_of_encryption_is_kept_for_days_beside_what_else_is_known() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let (now, server) = (Moment::from_millis(5), Endpoint::udp([192, 0, 2, 1].into()));
        let cookie = Evidence::Repeated(EchoEvidence::CookieMissing);
        for evidence in
            [cookie, Evidence::Trial(TrialEvent::Begun), Evidence::Trial(TrialEvent::Worked)]
        {
            cache.observe_server(server, evidence, now);
        }
        let later = now.after(Duration::from_secs(2 * 24 * 3600));
        let info = cache.server(server, later);
        assert!(info.encryption.is_usable(later));
        assert_ne!(info.echo, EchoSupport::default());
        // An encrypted reply is kept even if no trial was recorded.
        let worked = Endpoint::udp([192, 0, 2, 3].into());
        cache.observe_server(worked, Evidence::Trial(TrialEvent::Worked), now);
        assert!(cache.server(worked, later).encryption.is_usable(later));
        let other = Endpoint::udp([192, 0, 2, 2].into());
        cache.observe_server(other, Evidence::Good, now);
        assert_eq!(cache.server(other, now).encryption, EncryptionTrial::default());
    }

    #[test]
    fn no_more_servers_are_listed_than_asked_for() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let now = Moment::from_millis(5);
        for last in 0..100 {
            let server = Endpoint::udp(std::net::IpAddr::V4([192, 0, 2, last].into()));
            cache.observe_server(
                server,
                Evidence::Reply { rtt: Duration::from_millis(last.into()), edns: true },
                now,
            );
        }
        for (max_servers, listed) in [(0, 0), (1, 1), (99, 99), (100, 100), (2000, 100)] {
            assert_eq!(cache.servers(max_servers, now).len(), listed);
        }
    }
}
