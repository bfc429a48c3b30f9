//! Tailscale: the resolver of its names has the same address everywhere, inside the tunnel.
//!
//! Tailscale tells systemd-resolved or resolvconf where there is one; else it writes `/etc/resolv.conf`, which tells of no
//! tunnel, and is ours once Zoners is installed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::interfaces::Interface;
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport};

/// The resolver ("MagicDNS").
const RESOLVER: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 100);
const PORT: u16 = 53;
/// The domain with the names of all such networks.
const DOMAIN: &str = "ts.net";

/// The settings of each tunnel with a route to the resolver alone, as of Tailscale.
pub(super) fn reports(interfaces: &[Interface]) -> Vec<SourceReport> {
    let leads_there = |interface: &&Interface| {
        let is_route = |route: &(IpAddr, u8)| *route == (RESOLVER.into(), 32);
        interface.tunnel && interface.routes.iter().any(is_route)
    };
    let report = |interface: &Interface| SourceReport {
        link: LinkNaming::Index(interface.index),
        settings: DnsSettings {
            resolvers: vec![SocketAddr::from((RESOLVER, PORT)).into()],
            routing_domains: vec![DOMAIN.to_owned()],
            takes_other_names: Some(false),
            ..DnsSettings::of(FactSource::Tailscale)
        },
    };
    interfaces.iter().filter(leads_there).map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_with_a_route_to_the_resolver_has_its_domain() {
        let route = |to: [u8; 4]| vec![(IpAddr::from(to), 32)];
        let tunnel =
            |index, routes| Interface { index, tunnel: true, routes, ..Interface::default() };
        let found = reports(&[
            tunnel(3, route([100, 64, 0, 9])),
            tunnel(4, route(RESOLVER.octets())),
            Interface { tunnel: false, ..tunnel(5, route(RESOLVER.octets())) },
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].link, LinkNaming::Index(4));
        assert_eq!(found[0].settings.routing_domains, ["ts.net"]);
        assert!(!found[0].settings.serves_other_names());
    }
}
