//! The order of candidates: the next server, and the transport.

use std::net::SocketAddr;
use std::time::Duration;

use zoners_dns::{Endpoint, Transport};

use super::Candidates;
use super::candidate::{Candidate, Flaws};
use crate::infra::estimate::{LatencyEstimate, MOST_PATIENCE};

/// An attempt: the way of sending a query to a server. Each further attempt at a server differs,
/// since the cause of one loss may cause the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// The destination.
    pub endpoint: Endpoint,
    /// With an OPT record.
    pub edns: bool,
    /// Something was wrong with the server's last answer.
    pub troubled: bool,
    /// The server was not asked before for this question.
    pub is_first: bool,
    /// The index of the nameserver in the delegation.
    pub server: usize,
    /// The time after which a second server is asked (hedge delay).
    pub hedge_after: Duration,
    /// The time after which a reply is unlikely.
    pub longest: Duration,
    /// The address is unproven.
    pub is_unproven: bool,
    /// The reason for this choice, for traces.
    pub why: &'static str,
}

impl Attempt {
    /// A query outside any race, without hedging.
    pub(crate) fn alone(endpoint: Endpoint, why: &'static str) -> Self {
        Attempt {
            endpoint,
            edns: true,
            troubled: false,
            is_first: true,
            server: 0,
            hedge_after: Duration::ZERO,
            longest: Duration::ZERO,
            is_unproven: false,
            why,
        }
    }
}

/// The handicap of an unknown server against known servers.
const UNKNOWN_HANDICAP: Duration = Duration::from_secs(1);
/// Three datagrams, one of them without EDNS, and two streams (RFC 9520 section 2.2 allows three of
/// each).
const MOST_DATAGRAMS: u8 = 3;
const MOST_TRIES: u8 = MOST_DATAGRAMS + 2;
/// Fewer for nameserver look-ups, since a referral can cause many.
const MOST_NESTED_TRIES: u8 = 3;

/// A server asked over TCP first left datagrams unanswered, but may have recovered: after this
/// time without a reply on the stream, a datagram is sent too.
const MOST_STREAM_PATIENCE: Duration = Duration::from_millis(500);

impl Candidates {
    /// Chooses the next attempt; `None` if every candidate was tried often enough.
    pub(crate) fn choose(&mut self) -> Option<Attempt> {
        let at = self.best()?;
        let why = match self.list[at].tries {
            0 => "next in line",
            1 => "again",
            _ => "once more",
        };
        Some(self.attempt(at, why))
    }

    pub(super) fn attempt(&mut self, at: usize, why: &'static str) -> Attempt {
        let is_alone = self.is_alone(at);
        let candidate = &mut self.list[at];
        let first = candidate.endpoint.transport;
        let udp = !first.is_stream();
        let tries = candidate.tries;
        candidate.tries += 1;
        let plain = tries == 2 && udp && self.plain;
        let (transport, without_edns) = match tries {
            // A configured encryption is never given up.
            _ if first.is_encrypted() => (first, false),
            0 if candidate.over_tls => (Transport::Tls, false),
            _ if self.dead && !(candidate.over_tcp && candidate.estimate.has_replied) => {
                (first, false)
            }
            _ if plain || candidate.no_tcp => (first, plain),
            0 if candidate.over_tcp => (Transport::Tcp, false),
            1 if self.silent => (Transport::Tcp, false),
            0 | 1 => (first, false),
            _ => (Transport::Tcp, false),
        };
        let Flaws { mishandles_edns, troubled } = candidate.flaws_over(transport);
        let edns = !mishandles_edns && !without_edns;
        let LatencyEstimate { hedge_after, alone, again, has_replied, .. } = candidate.estimate;
        let tcp_first = tries == 0 && udp && transport == Transport::Tcp;
        let tls_first = tries == 0 && udp && transport == Transport::Tls;
        // A stream takes a round trip to open before the query; the estimate of a working
        // stream over TCP includes this.
        let round_trips = match transport {
            _ if tls_first => candidate.round_trips.expected(),
            _ if transport.is_stream() && !(tcp_first && has_replied) => 2,
            _ => 1,
        };
        let hedge_after = match tries {
            0 if tcp_first => hedge_after.min(MOST_STREAM_PATIENCE / round_trips),
            0 if is_alone => alone,
            0 => hedge_after,
            _ => again,
        };
        let hedge_after = hedge_after * round_trips * (1 << tries.min(3));
        candidate.streamed |= transport.is_stream();
        let endpoint = candidate.endpoint.over(transport);
        let is_unproven = candidate.is_unproven;
        let server = candidate.server();
        let (is_first, longest) = (tries == 0, alone * round_trips);
        Attempt {
            endpoint,
            edns,
            troubled,
            is_first,
            server,
            hedge_after,
            longest,
            is_unproven,
            why,
        }
    }

    /// Whether no other candidate would reply earlier if asked at the end of this hedge delay.
    fn is_alone(&self, at: usize) -> bool {
        let quicker = |other: &Candidate| {
            let LatencyEstimate { penalty, skipped_until, .. } = other.estimate;
            other.time_to_reply() + penalty < MOST_PATIENCE
                && skipped_until.is_none()
                && other.tries == 0
                && !other.is_excluded
        };
        let mut others = self.list.iter().enumerate().filter(|(other, _)| *other != at);
        self.unresolved.is_empty() && !others.any(|(_, other)| quicker(other))
    }

    /// The time a known server is waited for after its last query, if no alternative would be
    /// quicker.
    pub(crate) fn alone(&self, address: SocketAddr) -> Option<Duration> {
        let at = self.list.iter().position(|candidate| candidate.address() == address)?;
        let Candidate { estimate, over_tcp, .. } = self.list.get(at)?;
        (estimate.has_replied && !over_tcp && self.is_alone(at)).then_some(estimate.alone)
    }

    /// The candidate with the lowest estimate; lame servers and servers in backoff come last.
    fn best(&self) -> Option<usize> {
        (0..self.list.len())
            .filter(|at| {
                let candidate = &self.list[*at];
                let Candidate { estimate, is_excluded, postponed, tries, is_paused, .. } =
                    candidate;
                let unresponsive = !estimate.has_replied && estimate.is_unresponsive;
                let may =
                    !is_excluded && !postponed && !is_paused && *tries < self.most_tries(candidate);
                may && !(self.is_nested && unresponsive)
            })
            .min_by_key(|at| self.cost(*at))
    }

    /// The most attempts at a server for one question.
    pub(super) fn most_tries(&self, candidate: &Candidate) -> u8 {
        match candidate.endpoint.transport {
            _ if candidate.estimate.given_up => 1,
            Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => 2,
            Transport::Udp if self.is_nested => MOST_NESTED_TRIES,
            Transport::Udp if candidate.no_tcp => MOST_DATAGRAMS,
            Transport::Udp => MOST_TRIES,
        }
    }

    /// Whether no candidate is left to try, and no reply is expected.
    pub(crate) fn are_given_up(&self) -> bool {
        let given_up = |candidate: &Candidate| {
            candidate.is_excluded
                || candidate.estimate.given_up
                || candidate.has_bad_message && !candidate.is_paused
        };
        self.list.iter().all(given_up) && self.best().is_none()
    }

    /// The rank and estimate of an attempt: lame servers and servers in backoff rank last whatever
    /// their estimate.
    pub(super) fn cost(&self, at: usize) -> (bool, u8, Duration) {
        let candidate = &self.list[at];
        let estimate = &candidate.estimate;
        let rank = u8::from(estimate.skipped_until.is_some())
            + 2 * u8::from(candidate.cut_off)
            + 4 * u8::from(candidate.lame);
        let of_name = self.list.iter().filter(|other| other.server() == candidate.server());
        let tries: u32 = of_name.map(|other| u32::from(other.tries)).sum();
        let again = AGAIN * tries + estimate.rtt * 2 * u32::from(candidate.tries);
        let in_clear =
            if candidate.is_on_open_connection() { Duration::ZERO } else { IN_CLEAR_HANDICAP };
        let family = if candidate.address().is_ipv6() { IPV6_HANDICAP } else { Duration::ZERO };
        let jitter = Duration::from_micros(candidate.jitter.into());
        // While unknown servers can be probed beside a known server, no question waits for an
        // unknown server.
        let is_kept_back = self.can_probe && self.list.iter().any(Candidate::is_well_known)
            || self.doubts_glue && !candidate.is_own;
        let unknown = match is_kept_back && !estimate.has_replied {
            true => UNKNOWN_HANDICAP,
            false => Duration::ZERO,
        };
        (
            candidate.tries >= 2,
            rank,
            candidate.time_to_reply()
                + estimate.penalty
                + again
                + family
                + jitter
                + in_clear
                + unknown,
        )
    }
}

/// A nameserver is tried again if the alternatives are slower by this much.
const AGAIN: Duration = Duration::from_millis(30);
/// Of two servers with like prices, one with an open connection over TLS goes first.
pub(super) const IN_CLEAR_HANDICAP: Duration = Duration::from_millis(5);
/// Of two equal addresses IPv4 goes first: more networks have it.
const IPV6_HANDICAP: Duration = Duration::from_millis(5);
