//! The record of a client question.

use std::net::IpAddr;
use std::time::Duration;

use zoners_api::{DnssecStatus, QueryOutcome};
use zoners_dns::{EdeCode, Name, OptRcode, Rtype, Transport};

use crate::hop::{HopRecord, octet_enum};

/// The most hops of a record; further ones are counted.
pub const MAX_HOPS: usize = 48;

/// A client question: one that was not a plain hit, or one of a sample of hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolutionRecord {
    /// Seconds since 1970 (UTC) when the query came.
    pub received_s: u64,
    /// The client's address.
    pub client: IpAddr,
    /// The transport of the query.
    pub transport: Transport,
    /// QNAME; a history keeps its lower case.
    pub name: Name,
    /// QTYPE.
    pub rtype: Rtype,
    /// How the query ended.
    pub outcome: QueryOutcome,
    /// The RCODE; `None` without a response.
    pub rcode: Option<OptRcode>,
    /// The EDE of the response.
    pub reason: Option<EdeCode>,
    /// Why the resolver had no answer; `None` with an answer.
    pub failure: Option<FailureKind>,
    /// The DNSSEC status of the answer.
    pub dnssec: DnssecStatus,
    /// From the query to the response; a history keeps tenths of a millisecond.
    pub took: Duration,
    /// The line when the query ended.
    pub line: LineState,
    /// The way to the answer, in the order of its beginnings.
    pub hops: Vec<HopRecord>,
    /// Hops beyond [`MAX_HOPS`].
    pub more_hops: u16,
}

impl ResolutionRecord {
    /// Whether the client got no answer, or SERVFAIL.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !self.outcome.is_answered() || self.rcode == Some(OptRcode::SERVFAIL)
    }

    /// Whether memory alone had the answer, as for one of a sample of hits.
    #[must_use]
    pub fn is_plain_hit(&self) -> bool {
        self.outcome == QueryOutcome::Cached && self.failure.is_none() && self.hops.is_empty()
    }

    /// Whether the query itself asked a server, and did not only wait for an earlier query.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        self.hops.iter().any(|hop| hop.asked().is_some())
    }
}

octet_enum! {
    /// Why the resolver has no answer.
    FailureKind {
        /// No server of the zone sent anything.
        Silent,
        /// Servers replied, but no reply was useful.
        Unusable,
        /// No nameserver of the zone has an address that may be asked.
        NoAddress,
        /// The question failed a moment ago and is not retried yet (RFC 9520).
        Remembered,
        /// A limit of the client query was reached.
        Budget,
        /// Time ran out.
        Deadline,
        /// The work was given up.
        Cancelled,
        /// The question depends on itself.
        Cycle,
        /// Look-ups of nameservers are nested too deep.
        Depth,
        /// The chain of aliases is too long, or a loop.
        Aliases,
        /// Too many recursions were under way.
        Overloaded,
        /// The data could not be proven.
        Bogus,
        /// A name that must fail (RFC 8509).
        Sentinel,
    }
}

octet_enum! {
    /// What a network does to queries for foreign servers.
    LineObstacle {
        /// A captive portal answers in the name of every server.
        Portal,
        /// A resolver answers in the name of every server.
        Intercepted,
        /// Each query is refused.
        Refused,
        /// Each query is rejected by ICMP or a reset.
        Rejected,
        /// Each query is dropped.
        Silent,
    }
}

/// The line of this machine, as the resolver knew it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LineState {
    /// No server responded at all.
    pub is_down: bool,
    /// IPv4 did not work.
    pub ipv4_broken: bool,
    /// IPv6 did not work.
    pub ipv6_broken: bool,
    /// UDP did not work.
    pub udp_broken: bool,
    /// The wall clock of this machine was wrong.
    pub clock_wrong: bool,
    /// The network stood in the way.
    pub obstacle: Option<LineObstacle>,
}

/// Bits of an obstacle in the octet of a line.
const OBSTACLE_SHIFT: u32 = 5;

impl LineState {
    /// Five flags, and three bits of the obstacle.
    pub(crate) fn to_octet(self) -> u8 {
        let LineState { is_down, ipv4_broken, ipv6_broken, udp_broken, clock_wrong, obstacle } =
            self;
        let flags = [is_down, ipv4_broken, ipv6_broken, udp_broken, clock_wrong];
        let flags = flags.iter().enumerate().map(|(bit, on)| u8::from(*on) << bit).sum::<u8>();
        flags | (obstacle.map_or(0, |obstacle| obstacle.to_octet() + 1) << OBSTACLE_SHIFT)
    }

    pub(crate) fn of_octet(octet: u8) -> Option<Self> {
        let has = |bit: u32| octet >> bit & 1 == 1;
        let obstacle = match octet >> OBSTACLE_SHIFT {
            0 => None,
            code => Some(LineObstacle::of_octet(code - 1)?),
        };
        Some(LineState {
            is_down: has(0),
            ipv4_broken: has(1),
            ipv6_broken: has(2),
            udp_broken: has(3),
            clock_wrong: has(4),
            obstacle,
        })
    }
}
