//! Zones with configured servers or a copy here, and zones with private addresses.

use std::net::{IpAddr, SocketAddr};

use zoners_dns::{Delegation, DsStatus, Moment, Name, QueryMode, Transport};
use zoners_policy::RebindingProtection;

use crate::config::listen::PORT;
use crate::config::{
    Config, LOCAL_ROOT_PRIMARIES, LocalRoot, NetworkRoute, RouteConfig, UpstreamServer,
};

/// A zone whose names may have private addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrivateZone {
    pub(crate) zone: Name,
    /// The part of the configuration that says so, for reports.
    pub(crate) origin: &'static str,
}

impl Config {
    /// The zones with configured servers.
    pub(crate) fn routes(&self) -> Vec<Delegation> {
        let stubs = self.stub.iter().map(|stub| route(stub, QueryMode::Stub));
        let forwards = self.forward.iter().map(|forward| route(forward, QueryMode::Forward));
        let of_networks = self.network_routes.iter().map(NetworkRoute::delegation);
        let copies = self.zone.iter().map(|zone| copy_route(&zone.zone));
        stubs.chain(forwards).chain(of_networks).chain(copies).collect()
    }

    /// The servers from which the root zone is transferred; none without a local root. Servers of a family that is off are
    /// left out.
    pub(crate) fn local_root_primaries(&self) -> Vec<SocketAddr> {
        let resolver = &self.resolver;
        if resolver.local_root != LocalRoot::Transfer {
            return Vec::new();
        }
        let lines = LOCAL_ROOT_PRIMARIES.lines().filter_map(|line| line.parse::<IpAddr>().ok());
        let built_in = || lines.map(|ip| SocketAddr::new(ip, PORT)).collect();
        let mut primaries = resolver.local_root_primaries.clone().unwrap_or_else(built_in);
        let is_on = |ip: IpAddr| if ip.is_ipv4() { resolver.ipv4 } else { resolver.ipv6 };
        primaries.retain(|primary| is_on(primary.ip()));
        primaries
    }

    /// The zones with answers for this place alone: zones of networks, and zones with a copy here.
    pub(super) fn own_zones(&self) -> Vec<Name> {
        let of_networks = self.network_routes.iter().map(|route| &route.zone);
        of_networks.chain(self.zone.iter().map(|zone| &zone.zone)).cloned().collect()
    }

    /// The zones with private addresses: of routes and copies, and the zones that the file allows. A route of
    /// the root counts if it stands in the file and its servers are private themselves: a public resolver has no private
    /// names, and neither has a copy of the root.
    pub(crate) fn private_zones(&self) -> Vec<PrivateZone> {
        let zone = |zone: &Name, origin| PrivateZone { zone: zone.clone(), origin };
        let is_private = |list: &str, at: usize, route: &RouteConfig| {
            let is_inside = |server: &UpstreamServer| {
                server.address.is_some_and(RebindingProtection::is_private_everywhere)
            };
            // A root route that the file lacks is a strategy's.
            let is_of_file = || self.source.has(&format!("{list}[{at}]"));
            !route.zone.is_root() || is_of_file() && route.servers.iter().all(is_inside)
        };
        let forwards = self.forward.iter().enumerate();
        let forwards = forwards.filter(|(at, route)| is_private("forward", *at, route));
        let forwards = forwards.map(|(_, route)| zone(&route.zone, "[[forward]]"));
        let stubs = self.stub.iter().enumerate();
        let stubs = stubs.filter(|(at, route)| is_private("stub", *at, route));
        let stubs = stubs.map(|(_, route)| zone(&route.zone, "[[stub]]"));
        let of_networks = self.network_routes.iter();
        let of_networks = of_networks.map(|route| zone(&route.zone, "the present network"));
        let copies = self.zone.iter().filter(|copy| !copy.zone.is_root());
        let copies = copies.map(|copy| zone(&copy.zone, "[[zone]]"));
        let allowed = self.policy.rebinding_allow.iter();
        let allowed = allowed.map(|allowed| zone(allowed, "policy.rebinding-allow"));
        forwards.chain(stubs).chain(of_networks).chain(copies).chain(allowed).collect()
    }

    /// The domain of names of leases, if leases are served.
    pub(crate) fn lease_domain(&self) -> Option<&Name> {
        let domain = &self.network.lease_domain;
        (!self.network.leases.is_empty() && !domain.is_root()).then_some(domain)
    }
}

/// The route of a zone that has a copy and no servers.
fn copy_route(zone: &Name) -> Delegation {
    Delegation {
        zone: zone.clone(),
        mode: QueryMode::Stub,
        transport: Transport::Udp,
        servers: Vec::new(),
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}

fn route(route: &RouteConfig, mode: QueryMode) -> Delegation {
    let pins: Vec<[u8; 32]> = route.pins.iter().map(|pin| pin.0).collect();
    let server = |server: &UpstreamServer| {
        let named = server.name_server(&pins);
        if named.is_none() {
            tracing::error!("forward: {server} is left out: this process has had too many servers");
        }
        named
    };
    Delegation {
        zone: route.zone.clone(),
        mode,
        transport: route.transport,
        servers: route.servers.iter().filter_map(server).collect(),
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}
