//! The state of the way out by one address family: one cause, the nearest to the machine first.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::observations::{FamilyObservation, ProbeCounts, ReplyTraits};

/// The state of the way out by one address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum WayState {
    /// No route leads out.
    Absent,
    /// This machine forbids its own queries.
    Forbidden,
    /// The router does not respond.
    RouterSilent,
    /// The router responds, and nothing behind the router does.
    LineDown,
    /// Packets pass, queries to port 53 do not.
    DnsBlocked {
        /// The router stops the queries; else a device behind the router does.
        by_router: bool,
    },
    /// A foreign resolver replies in the name of root servers.
    Intercepted {
        /// The router replies; else a device behind the router does.
        by_router: bool,
    },
    /// Queries pass over TCP alone.
    UdpBlocked {
        /// As of [`WayState::DnsBlocked`].
        by_router: bool,
    },
    /// Queries pass over UDP alone.
    TcpBlocked {
        /// As of [`WayState::DnsBlocked`].
        by_router: bool,
    },
    /// Root servers reply themselves.
    Works,
}

impl WayState {
    /// The state behind an observation.
    #[must_use]
    pub fn of(seen: &FamilyObservation) -> Self {
        let (udp, tcp) = (seen.udp(), seen.tcp);
        let passage = seen.passage;
        let has_replies = udp.replied + tcp.replied > 0;
        if seen.source.is_none() || (!has_replies && is_local(seen.source)) {
            return WayState::Absent;
        }
        if udp.forbidden > 0 && udp.replied == 0 {
            return WayState::Forbidden;
        }
        if !has_replies {
            return without_replies(seen);
        }
        if is_intercepted(seen) {
            return WayState::Intercepted { by_router: seen.first_hop_replied };
        }
        if udp.replied == 0 {
            return WayState::UdpBlocked { by_router: passage.other && !passage.udp };
        }
        // A lossy link loses the search for the router's hardware address too: then connections end at once.
        let by_chance = is_lossy(udp) && tcp.unreachable > 0;
        if tcp.sent > 0 && tcp.replied == 0 && !by_chance {
            return WayState::TcpBlocked { by_router: passage.udp && !passage.tcp };
        }
        WayState::Works
    }

    /// Whether names can be resolved this way.
    #[must_use]
    pub const fn carries_dns(self) -> bool {
        matches!(self, WayState::Works | WayState::UdpBlocked { .. } | WayState::TcpBlocked { .. })
    }
}

/// Whether an address belongs to a home alone (RFC 4193): such a route need not lead to the Internet.
fn is_local(source: Option<IpAddr>) -> bool {
    matches!(source, Some(IpAddr::V6(ip)) if ip.is_unique_local())
}

/// No server replied. Packets behind the router prove a working line, and a closed port proves a filter.
fn without_replies(seen: &FamilyObservation) -> WayState {
    let (udp, passage) = (seen.udp(), seen.passage);
    let echoed = seen.echo.is_some_and(|echo| echo.replied > 0);
    if passage.other && !passage.udp {
        return WayState::DnsBlocked { by_router: true };
    }
    if echoed || udp.refused > 0 || seen.tcp.refused > 0 {
        return WayState::DnsBlocked { by_router: false };
    }
    match &seen.router {
        Some(router) if !router.is_alive() && !passage.other => WayState::RouterSilent,
        _ => WayState::LineDown,
    }
}

/// A root server sets AA and never RA, and has a name of its own; a reply from an address without a server is proof
/// enough.
fn is_intercepted(seen: &FamilyObservation) -> bool {
    let traits = &seen.traits;
    let odd = traits.not_authoritative.max(traits.recursion_available);
    seen.dark_address_replied
        || seen.is_one_server()
        || (traits.replies > 0 && odd * 2 > traits.replies)
}

impl FamilyObservation {
    /// Whether one server replies in the name of all root servers.
    pub(crate) fn is_one_server(&self) -> bool {
        /// Operators with two root servers may give both one name.
        const TOO_MANY: u32 = 3;
        let ReplyTraits { named_servers, same_named, .. } = self.traits;
        same_named >= TOO_MANY && same_named == named_servers
    }
}

/// Whether people notice the number of lost probes, and chance does not explain the loss.
pub(crate) fn is_lossy(counts: ProbeCounts) -> bool {
    /// One probe may be lost by chance, as may two of forty.
    const MANY: u32 = 3;
    /// With this share of losses, pages wait.
    const LOSSY: f64 = 0.07;
    counts.replied > 0 && counts.lost() >= MANY && counts.loss() >= LOSSY
}
