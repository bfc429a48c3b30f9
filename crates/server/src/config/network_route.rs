//! Routes made of the settings of a network, beside those of the file.

use std::net::SocketAddr;

use zoners_dns::{Delegation, DsStatus, Moment, Name, NameServer, QueryMode, Transport, name};

/// A zone that resolvers of a network answer while the network is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRoute {
    /// The zone, with every name below.
    pub zone: Name,
    /// The resolvers.
    pub servers: Vec<SocketAddr>,
    /// The link behind which the resolvers are: its name and number.
    pub link: (String, u32),
    /// Why the zone is for these resolvers.
    pub reason: RouteReason,
    /// Hold the answers against the chain of trust from above.
    pub validate: bool,
}

/// Why a zone is for resolvers of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteReason {
    /// A domain of a VPN, or of a link with domains of its own.
    Vpn,
    /// The addresses of a VPN.
    VpnReverse,
    /// The domain of DHCP, or a search domain of the network.
    DhcpDomain,
    /// A domain of homes.
    HomeDomain,
    /// The private addresses of the network.
    Reverse,
}

impl NetworkRoute {
    /// The route as the resolver has it.
    pub(super) fn delegation(&self) -> Delegation {
        let server = |address| NameServer::plain(name::root(), vec![address]);
        Delegation {
            zone: self.zone.clone(),
            mode: QueryMode::Forward,
            transport: Transport::Udp,
            servers: self.servers.iter().copied().map(server).collect(),
            signing: DsStatus::Unknown,
            expires: Moment::NEVER,
        }
    }
}
