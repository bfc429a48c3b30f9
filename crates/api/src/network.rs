//! The network around the daemon: the uplink, the ways out, and what the network does with DNS.

use serde::{Deserialize, Serialize};

/// What is known of the network that the machine is on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NetworkReport {
    /// Whether the uplink appears to be down: no server responds.
    pub down: bool,
    /// The share of queries that the uplink loses, 0 to 1.
    pub loss: f64,
    /// The ways out of this machine.
    pub reachability: Reachability,
    /// Networks of configured forwarders or stubs of which no server responds, as prefixes.
    pub silent_networks: Vec<String>,
    /// What the network does with DNS.
    pub passage: PassageReport,
}

/// Which ways out of this machine work. A way that was not tried counts as working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reachability {
    /// IPv4.
    pub ipv4: bool,
    /// IPv6.
    pub ipv6: bool,
    /// UDP; where it does not work, servers are asked over TCP.
    pub udp: bool,
}

impl Default for Reachability {
    fn default() -> Self {
        Reachability { ipv4: true, ipv6: true, udp: true }
    }
}

impl Reachability {
    /// The names of the ways that work, or of those that do not.
    pub fn names(self, works: bool) -> impl Iterator<Item = &'static str> {
        let ways = [("IPv4", self.ipv4), ("IPv6", self.ipv6), ("UDP", self.udp)];
        ways.into_iter().filter(move |(_, way)| *way == works).map(|(name, _)| name)
    }
}

/// What the network does with queries to foreign servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageReport {
    /// In one word.
    pub state: PassageState,
    /// Whether signed answers can be proven nevertheless; none where DNS is not intercepted.
    pub proves: Option<bool>,
    /// What stands in the way, as a sentence; none where nothing does.
    pub text: Option<String>,
}

/// What the network does with queries to foreign servers, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassageState {
    /// No server was asked since the network changed.
    #[default]
    Unknown,
    /// No signature has proven yet that servers themselves reply.
    Doubtful,
    /// Servers themselves reply.
    Open,
    /// A resolver of the network replies in their place.
    Intercepted,
    /// Every query is answered with REFUSED or another failure.
    Refused,
    /// The network reports closed ports or no route.
    Rejected,
    /// No query is answered.
    Silent,
}
