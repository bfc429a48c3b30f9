//! Events, actions and conditions of the guard.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crate::daemon_health::DaemonProbe;
use crate::resolvers::SystemResolver;

/// Servers set by hand for a network service, by the identifier of the service.
pub type ServersByHand = BTreeMap<String, Vec<IpAddr>>;

/// Something that the guard is told.
#[derive(Clone, Debug)]
pub enum GuardEvent {
    /// The end of a question to the daemon, on the port of the system's resolver.
    Probed(DaemonProbe),
    /// The machine slept and is awake again.
    Woke,
    /// The dynamic store as it is now: to be told after each change, and after each entry made or removed, as the
    /// change may be undone before it is seen.
    Store(StoreView),
    /// Time has passed; to be told every second.
    Tick,
}

/// The part of the dynamic store that matters ([`StoreView::read`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreView {
    /// The servers of our entry, if the entry is there.
    pub own: Option<Vec<IpAddr>>,
    /// The resolvers of the system, most preferred first.
    pub resolvers: Vec<SystemResolver>,
    /// Servers set by hand (`Setup:/Network/Service/ID/DNS`).
    pub by_hand: ServersByHand,
    /// Interfaces with an address (`State:/Network/Interface/NAME/IPv4` and `IPv6`).
    pub interfaces: BTreeSet<String>,
}

/// Something that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardAction {
    /// Make our entry, in place of an entry of ours that is there.
    Enter(Vec<IpAddr>),
    /// Remove our entry.
    Remove,
    /// Log, and show in `status`.
    Report(DnsCondition),
    /// Hand the servers of the network to the daemon, for names by which the system looks for a portal
    /// (`captive.apple.com`).
    NetworkServers(Vec<SocketAddr>),
}

/// Which servers the system asks, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsCondition {
    /// Ours.
    Ours,
    /// The servers of a VPN, or of a program like a VPN, which is left alone.
    Vpn(Vec<IpAddr>),
    /// Servers set by hand for a network service, which are left alone.
    ByHand {
        /// The identifier of the service.
        service: String,
        /// The servers.
        servers: Vec<IpAddr>,
    },
    /// The servers of the network, since the daemon does not answer.
    DaemonSilent,
    /// Our entry is removed or outranked again and again, by a program unknown. The given servers are asked.
    Contested(Vec<IpAddr>),
}
