//! Links of the kernel and settings of the sources, put together.

use std::net::{IpAddr, SocketAddr};

use super::facts::{DefaultRoute, LinkFacts, NetworkFacts};
use super::settings::DnsSettings;
use crate::interfaces::Interface;

/// Settings of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceReport {
    pub(crate) link: LinkNaming,
    pub(crate) settings: DnsSettings,
}

/// How a source names the link of its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkNaming {
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        allow(dead_code, reason = "sources of Linux alone name a link by its index")
    )]
    Index(u32),
    Name(String),
    /// The settings are of the machine as a whole.
    Machine,
}

/// The facts of these interfaces. Settings of an absent link are left out: a VPN that is down has no resolvers.
pub(crate) fn assemble(interfaces: &[Interface], reports: Vec<SourceReport>) -> NetworkFacts {
    let mut links: Vec<LinkFacts> = interfaces.iter().map(link).collect();
    let mut unassigned = Vec::new();
    for SourceReport { link, mut settings } in reports {
        if settings.is_empty() {
            continue;
        }
        let is_of = |facts: &&mut LinkFacts| match &link {
            LinkNaming::Index(index) => facts.index == *index,
            LinkNaming::Name(name) => facts.name == *name,
            LinkNaming::Machine => false,
        };
        if let Some(facts) = links.iter_mut().find(is_of) {
            settings.resolvers.iter_mut().for_each(|it| scope(&mut it.address, facts.index));
            facts.settings.push(settings);
        } else if link == LinkNaming::Machine {
            unassigned.push(settings);
        }
    }
    links.iter_mut().for_each(|link| link.settings.sort_by_key(|settings| settings.source));
    unassigned.sort_by_key(|settings| settings.source);
    links.sort_by_key(|link| link.index);
    NetworkFacts { links, default_routes: default_routes(interfaces), unassigned }
}

fn link(interface: &Interface) -> LinkFacts {
    let mut gateways: Vec<IpAddr> = Vec::new();
    for gateway in interface.gateways.iter().filter_map(|(gateway, _)| *gateway) {
        if !gateways.contains(&gateway) {
            gateways.push(gateway);
        }
    }
    LinkFacts {
        name: interface.name.clone(),
        index: interface.index,
        kind: interface.kind,
        addresses: interface.addresses.clone(),
        prefixes: interface.routes.clone(),
        gateways,
        settings: Vec::new(),
    }
}

/// A link-local resolver is reached over the link that names the resolver.
fn scope(address: &mut SocketAddr, index: u32) {
    if let SocketAddr::V6(at) = address
        && at.ip().is_unicast_link_local()
        && at.scope_id() == 0
    {
        at.set_scope_id(index);
    }
}

fn default_routes(interfaces: &[Interface]) -> Vec<DefaultRoute> {
    let route = |interface: &Interface, gateway: Option<IpAddr>, metric| DefaultRoute {
        link: interface.name.clone(),
        gateway,
        metric,
        hardware_address: None,
    };
    let all = interfaces.iter().flat_map(|interface| {
        interface.gateways.iter().map(move |(gateway, metric)| route(interface, *gateway, *metric))
    });
    let mut all: Vec<DefaultRoute> = all.collect();
    // IPv4 before IPv6: metrics of the two families do not compare.
    all.sort_by_key(|route| (route.gateway.is_some_and(|ip| ip.is_ipv6()), route.metric));
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::LinkKind;
    use crate::networks::FactSource;

    fn interface(name: &str, index: u32, kind: LinkKind) -> Interface {
        Interface { name: name.to_owned(), index, kind, ..Interface::default() }
    }

    fn report(link: LinkNaming, source: FactSource, resolver: &str) -> SourceReport {
        let resolvers = super::super::resolver(resolver).into_iter().collect();
        SourceReport { link, settings: DnsSettings { resolvers, ..DnsSettings::of(source) } }
    }

    #[test]
    fn settings_go_to_their_link_best_source_first_and_vanish_with_the_link() {
        let eth = interface("eth0", 2, LinkKind::Ethernet);
        let name = || LinkNaming::Name("eth0".to_owned());
        let reports = vec![
            report(name(), FactSource::Dhclient, "192.0.2.1"),
            report(LinkNaming::Index(2), FactSource::Resolved, "192.0.2.2"),
            report(LinkNaming::Name("tun0".to_owned()), FactSource::Resolvconf, "192.0.2.3"),
            report(LinkNaming::Machine, FactSource::ResolvConf, "192.0.2.4"),
            report(name(), FactSource::Networkd, "nothing"),
        ];
        let facts = assemble(&[eth], reports);
        let eth = facts.link("eth0").unwrap();
        assert_eq!(eth.settings.len(), 2);
        assert_eq!(eth.resolvers()[0].address, "192.0.2.2:53".parse().unwrap());
        assert_eq!(facts.unassigned.len(), 1);
    }

    #[test]
    fn a_link_local_resolver_gets_the_number_of_the_link() {
        let reports = vec![report(LinkNaming::Index(7), FactSource::Networkd, "fe80::1")];
        let facts = assemble(&[interface("wlan0", 7, LinkKind::Wireless)], reports);
        let expected = "[fe80::1%7]:53".parse().unwrap();
        assert_eq!(facts.links[0].resolvers()[0].address, expected);
    }

    #[test]
    fn the_route_of_the_network_is_preferred_to_that_of_a_vpn() {
        let gateway = |text: &str, metric| (Some(text.parse().unwrap()), metric);
        let interfaces = [
            Interface { gateways: vec![(None, 50)], ..interface("tun0", 9, LinkKind::Tunnel) },
            Interface {
                gateways: vec![gateway("fe80::1", 0), gateway("192.0.2.1", 600)],
                ..interface("wlan0", 3, LinkKind::Wireless)
            },
        ];
        let facts = assemble(&interfaces, Vec::new());
        let order: Vec<&str> = facts.default_routes.iter().map(|route| &*route.link).collect();
        assert_eq!(order, ["tun0", "wlan0", "wlan0"]);
        assert_eq!(facts.default_route(), Some(&facts.default_routes[1]));
        assert!(facts.default_route().unwrap().gateway.unwrap().is_ipv4());
    }
}
