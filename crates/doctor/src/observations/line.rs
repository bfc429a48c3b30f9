//! The line, seen by probes of root servers and of the router.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// An address family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IpFamily {
    /// IPv4.
    #[default]
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IpFamily::Ipv4 => "IPv4",
            IpFamily::Ipv6 => "IPv6",
        })
    }
}

/// The transport of a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeTransport {
    /// UDP.
    #[default]
    Udp,
    /// TCP.
    Tcp,
}

impl fmt::Display for ProbeTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProbeTransport::Udp => "UDP",
            ProbeTransport::Tcp => "TCP",
        })
    }
}

/// Probes by their ends. A probe without an end in a field was silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeCounts {
    /// Probes sent.
    pub sent: u32,
    /// Replies.
    pub replied: u32,
    /// Closed ports: ICMP port unreachable, TCP reset.
    pub refused: u32,
    /// No route: ICMP host or network unreachable, or prohibited.
    pub unreachable: u32,
    /// Forbidden by this machine, as by a firewall of its own.
    pub forbidden: u32,
    /// The median round-trip time in milliseconds.
    pub median_ms: Option<f64>,
}

impl ProbeCounts {
    /// The share of probes without a reply, 0 to 1; 0 without probes.
    #[must_use]
    pub fn loss(&self) -> f64 {
        f64::from(self.lost()) / f64::from(self.sent.max(1))
    }

    /// Probes without a reply.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.sent.saturating_sub(self.replied)
    }

    /// The sum of two; the median is that of the part with more replies.
    #[must_use]
    pub fn plus(self, more: ProbeCounts) -> Self {
        let first = self.replied >= more.replied;
        ProbeCounts {
            sent: self.sent + more.sent,
            replied: self.replied + more.replied,
            refused: self.refused + more.refused,
            unreachable: self.unreachable + more.unreachable,
            forbidden: self.forbidden + more.forbidden,
            median_ms: if first { self.median_ms } else { more.median_ms },
        }
    }

    /// As `38 of 40 replied, 21 ms`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} of {} replied", self.replied, self.sent);
        for (count, end) in [
            (self.refused, "refused"),
            (self.unreachable, "unreachable"),
            (self.forbidden, "forbidden by this machine"),
        ] {
            if count > 0 {
                text += &format!(", {count} {end}");
            }
        }
        if let Some(millis) = self.median_ms {
            let decimals = usize::from(millis < 10.0);
            text += &format!(", {millis:.decimals$} ms");
        }
        text
    }
}

/// Probes of one root server over UDP.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerProbe {
    /// The server.
    pub address: IpAddr,
    /// The ends.
    pub counts: ProbeCounts,
}

/// Traits of replies in the name of root servers. A root server sets AA, never RA, signs, and denies random names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplyTraits {
    /// Replies to the question for the SOA record of the root zone.
    pub replies: u32,
    /// Replies without AA.
    pub not_authoritative: u32,
    /// Replies with RA.
    pub recursion_available: u32,
    /// Replies with the RCODE of a failure, such as REFUSED.
    pub failures: u32,
    /// Answers without a signature.
    pub unsigned: u32,
    /// Random top-level names with a denial, as for every absent name.
    pub random_denied: u32,
    /// Random top-level names with an answer.
    pub random_answered: u32,
    /// Names of the servers in their own words: NSID (RFC 5001) and `id.server` (RFC 4892).
    pub identities: Vec<String>,
    /// Servers with a name by NSID.
    pub named_servers: u32,
    /// The most servers with one name. Two root servers may stand in one place of one operator; three never do.
    pub same_named: u32,
}

/// The NAT64 of the network: the way to IPv4 from a network with IPv6 alone (RFC 6146).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nat64Observation {
    /// Prefixes, told by router advertisements (RFC 8781) or by `ipv4only.arpa` (RFC 7050).
    pub prefixes: Vec<String>,
    /// IPv4 addresses of root servers, asked through the first prefix; `None` without a prefix.
    pub translated: Option<ProbeCounts>,
}

/// A router of a default route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouterObservation {
    /// The address.
    pub address: String,
    /// Echo requests (ping); `None` if this user may send none.
    pub echo: Option<ProbeCounts>,
    /// Whether the router accepted or refused a TCP connection, which both take a live router.
    pub knock_answered: bool,
    /// Whether the hardware address is known (ARP, neighbour discovery); `None` if not told.
    pub is_neighbour: Option<bool>,
}

impl RouterObservation {
    /// Whether anything was heard from the router.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let echoed = self.echo.is_some_and(|echo| echo.replied > 0);
        echoed || self.knock_answered || self.is_neighbour == Some(true)
    }
}

/// Whether packets reach the second router, where they are made to expire: that router reports their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouterPassage {
    /// Datagrams to port 53.
    pub udp: bool,
    /// Connections to port 53.
    pub tcp: bool,
    /// Datagrams to a port of traceroute.
    pub other: bool,
}

/// Large replies over UDP: the keys of the root, with one UDP payload size in the query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SizeProbe {
    /// The UDP payload size in the query.
    pub offered: u16,
    /// Queries sent.
    pub sent: u32,
    /// Replies.
    pub replied: u32,
    /// Octets of the largest reply.
    pub octets: u32,
    /// Whether a reply had TC set.
    pub truncated: bool,
}

/// The line by one address family.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FamilyObservation {
    /// The family.
    pub family: IpFamily,
    /// The address from which packets to far away leave; `None` if no route leads there.
    pub source: Option<IpAddr>,
    /// The router of the default route; `None` on a line to one machine.
    pub router: Option<RouterObservation>,
    /// Root servers over UDP.
    pub servers: Vec<ServerProbe>,
    /// Root servers over TCP.
    pub tcp: ProbeCounts,
    /// Echo requests to root servers; `None` if this user may send none.
    pub echo: Option<ProbeCounts>,
    /// The traits of the replies.
    pub traits: ReplyTraits,
    /// Whether an address without a server replied.
    pub dark_address_replied: bool,
    /// Whether a query with one hop to live got a reply, from the router itself.
    pub first_hop_replied: bool,
    /// Packets beyond the router.
    pub passage: RouterPassage,
    /// Large replies.
    pub sizes: Vec<SizeProbe>,
}

impl FamilyObservation {
    /// The probes over UDP to live servers, or to every server without any reply.
    #[must_use]
    pub fn udp(&self) -> ProbeCounts {
        let any = self.servers.iter().any(|server| server.counts.replied > 0);
        let counted = self.servers.iter().filter(|server| !any || server.counts.replied > 0);
        counted.fold(ProbeCounts::default(), |sum, server| sum.plus(server.counts))
    }

    /// Silent servers beside servers with replies.
    pub fn silent_servers(&self) -> impl Iterator<Item = IpAddr> {
        let any = self.servers.iter().any(|server| server.counts.replied > 0);
        let silent = self.servers.iter().filter(move |server| any && server.counts.replied == 0);
        silent.map(|server| server.address)
    }
}
