//! Whom to ask next, and how.

use std::net::SocketAddr;
use std::time::Duration;

use zoners_dns::{Endpoint, Transport};

use super::{Candidate, Candidates};
use crate::infra::estimate::{MOST_PATIENCE, Price};

/// How a query is put to a server. Each further try to the same server takes another way, since
/// what swallowed the first may swallow the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// With an OPT record.
    pub edns: bool,
    /// Something was wrong with the server's last answer.
    pub troubled: bool,
    /// The server was not asked before for this question.
    pub is_first: bool,
    /// Whose address it is, as an index into the delegation's servers.
    pub server: usize,
    /// How long to wait before asking another beside it.
    pub patience: Duration,
    /// Later than this it will hardly answer.
    pub longest: Duration,
    /// An outsider named the server, and it has never answered.
    pub stranger: bool,
    /// Why this one now.
    pub why: &'static str,
}

impl Attempt {
    /// A query that belongs to no race: nothing is asked beside it, however long it takes.
    pub(crate) fn alone(endpoint: Endpoint, why: &'static str) -> Self {
        Attempt {
            endpoint,
            edns: true,
            troubled: false,
            is_first: true,
            server: 0,
            patience: Duration::ZERO,
            longest: Duration::ZERO,
            stranger: false,
            why,
        }
    }
}

/// A known server must be this much slower to be left for one that nobody has met.
const SHY: Duration = Duration::from_secs(1);
/// Three datagrams, one of them without EDNS, and two streams (RFC 9520 section 2.2 allows three of
/// each).
const MOST_DATAGRAMS: u8 = 3;
const MOST_TRIES: u8 = MOST_DATAGRAMS + 2;
/// Fewer for the address of a nameserver, one of several: a referral can make us look up many.
const MOST_NESTED_TRIES: u8 = 3;

/// A server that is asked over TCP first left datagrams unanswered, but may answer them again: when a stream
/// has brought nothing for so long, one goes beside it.
const MOST_STREAM_PATIENCE: Duration = Duration::from_millis(500);

/// For an address of a nameserver nobody is asked who has never answered for so long.
const HOPELESS: Duration = Duration::from_secs(1);

impl Candidates {
    /// The next attempt, or `None` if all that is in line was tried often enough.
    pub(crate) fn next(&mut self) -> Option<Attempt> {
        let at = self.best()?;
        let why = match self.list[at].tries {
            0 => "next in line",
            1 => "again",
            _ => "once more",
        };
        Some(self.attempt(at, why))
    }

    pub(super) fn attempt(&mut self, at: usize, why: &'static str) -> Attempt {
        let (udp, is_alone) = (self.transport == Transport::Udp, self.is_alone(at));
        let candidate = &mut self.list[at];
        let tries = candidate.tries;
        candidate.tries += 1;
        let plain = tries == 2 && udp && self.plain;
        let (transport, edns) = match tries {
            _ if self.dead && !(candidate.over_tcp && candidate.price.met) => {
                (self.transport, candidate.edns)
            }
            _ if plain || candidate.no_tcp => (self.transport, candidate.edns && !plain),
            0 if candidate.over_tcp => (Transport::Tcp, candidate.edns),
            1 if self.silent => (Transport::Tcp, candidate.edns),
            0 | 1 => (self.transport, candidate.edns),
            _ => (Transport::Tcp, candidate.edns),
        };
        let Price { patience, alone, again, met, .. } = candidate.price;
        let tcp_first = tries == 0 && udp && transport == Transport::Tcp;
        // A stream takes a round trip to open before the query can go; its price has that in it once met.
        let round_trips = if transport == Transport::Tcp && !(tcp_first && met) { 2 } else { 1 };
        let patience = match tries {
            0 if tcp_first => patience.min(MOST_STREAM_PATIENCE / round_trips),
            0 if is_alone => alone,
            0 => patience,
            _ => again,
        };
        let patience = patience * round_trips * (1 << tries.min(3));
        candidate.streamed |= transport == Transport::Tcp;
        let endpoint = Endpoint { address: candidate.address, transport };
        let Candidate { server, troubled, stranger, .. } = *candidate;
        let (is_first, longest) = (tries == 0, alone * round_trips);
        Attempt { endpoint, edns, troubled, is_first, server, patience, longest, stranger, why }
    }

    /// Whether no other server would have answered if it were asked when patience with this one has ended.
    fn is_alone(&self, at: usize) -> bool {
        let quicker = |other: &Candidate| {
            let Price { rtt, doubt, skipped_until, .. } = other.price;
            rtt + doubt < MOST_PATIENCE && skipped_until.is_none() && other.tries == 0 && !other.out
        };
        let mut others = self.list.iter().enumerate().filter(|(other, _)| *other != at);
        self.unresolved.is_empty() && !others.any(|(_, other)| quicker(other))
    }

    /// How long a known server is waited for after it was asked last, if no other would be quicker.
    pub(crate) fn alone(&self, address: SocketAddr) -> Option<Duration> {
        let at = self.list.iter().position(|candidate| candidate.address == address)?;
        let Candidate { price, over_tcp, .. } = self.list.get(at)?;
        (price.met && !over_tcp && self.is_alone(at)).then_some(price.alone)
    }

    /// The cheapest, those last that are lame or left alone.
    fn best(&self) -> Option<usize> {
        (0..self.list.len())
            .filter(|at| {
                let candidate = &self.list[*at];
                let Candidate { price, out, held, tries, rests, .. } = candidate;
                let hopeless = !price.met && price.silent_for >= HOPELESS;
                let may = !out && !held && !rests && *tries < self.most_tries(candidate);
                may && (self.hopeful || !hopeless)
            })
            .min_by_key(|at| self.cost(*at))
    }

    /// How often a server is tried for one question.
    pub(super) fn most_tries(&self, candidate: &Candidate) -> u8 {
        match self.transport {
            _ if candidate.price.given_up => 1,
            Transport::Tcp => 2,
            Transport::Udp if !self.hopeful => MOST_NESTED_TRIES,
            Transport::Udp if candidate.no_tcp => MOST_DATAGRAMS,
            Transport::Udp => MOST_TRIES,
        }
    }

    /// Whether nobody is left to be tried, and none of those who were is expected to answer.
    pub(crate) fn are_given_up(&self) -> bool {
        let given_up = |candidate: &Candidate| {
            candidate.out || candidate.price.given_up || candidate.doubted && !candidate.rests
        };
        self.list.iter().all(given_up) && self.best().is_none()
    }

    /// What an attempt is expected to cost: with a rank before, since those that are lame or left
    /// alone come last whatever they cost.
    pub(super) fn cost(&self, at: usize) -> (bool, u8, Duration) {
        let candidate = &self.list[at];
        let price = &candidate.price;
        let rank = u8::from(price.skipped_until.is_some())
            + 2 * u8::from(candidate.cut_off)
            + 4 * u8::from(candidate.lame);
        let of_name = self.list.iter().filter(|other| other.server == candidate.server);
        let tries: u32 = of_name.map(|other| u32::from(other.tries)).sum();
        let again = AGAIN * tries + price.rtt * 2 * u32::from(candidate.tries);
        let family = if candidate.address.is_ipv6() { IPV6_HANDICAP } else { Duration::ZERO };
        let jitter = Duration::from_micros(candidate.jitter.into());
        // While it can be met beside another, nobody waits for one that nobody has met.
        let shy = match self.spare && !price.met && self.list.iter().any(Candidate::is_well_known) {
            true => SHY,
            false => Duration::ZERO,
        };
        (candidate.tries >= 2, rank, price.rtt + price.doubt + again + family + jitter + shy)
    }
}

/// A name that was tried in vain is tried again where the others are this much slower.
const AGAIN: Duration = Duration::from_millis(30);
/// Of two addresses that are alike, IPv4 goes first: more networks have it.
const IPV6_HANDICAP: Duration = Duration::from_millis(5);
