//! The resolvers that macOS and the BSDs tell, as settings of links.

use super::assemble::{LinkNaming, SourceReport};
use super::settings::{DnsSettings, FactSource};
use crate::resolvers::SystemResolver;

/// The report of a resolver; a resolver of an interface is of that link. Resolvers of multicast DNS have none.
pub(crate) fn report(resolver: SystemResolver, source: FactSource) -> Option<SourceReport> {
    if resolver.is_multicast {
        return None;
    }
    let resolvers = resolver.servers.into_iter().map(Into::into).collect();
    let mut settings = DnsSettings { resolvers, ..DnsSettings::of(source) };
    settings.add_domains(resolver.search.iter().map(String::as_str));
    if !resolver.domain.is_empty() {
        settings.takes_other_names = Some(false);
        settings.add_domains([format!("~{}", resolver.domain).as_str()]);
    }
    let link = resolver.interface.map_or(LinkNaming::Machine, LinkNaming::Name);
    Some(SourceReport { link, settings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::{Interface, LinkKind};
    use crate::networks::{LinkNeighbour, NetworkFacts, NetworkSecret, assemble};
    use crate::reports::{neighbour_tables, route, scutil_dns};

    /// A home with a VPN for one domain: `scutil --dns`, `route -n get`, `arp -an` and `ndp -an` in the forms of
    /// github.com/eduvpn/apple/issues/250, github.com/dylanaraps/neofetch/pull/2361 and of the manuals.
    const SCUTIL: &str = "DNS configuration\n\nresolver #1\n  search domain[0] : fritz.box\n  \
        nameserver[0] : 192.0.2.1\n  if_index : 4 (en0)\n\nresolver #2\n  domain   : corp.example\n  \
        nameserver[0] : 10.8.0.53\n  if_index : 13 (utun2)\n\nresolver #3\n  domain   : local\n  options  : mdns\n";
    const ROUTES: [&str; 2] = [
        "   route to: default\n    gateway: 192.0.2.1\n  interface: en0\n",
        "   route to: default\n    gateway: fe80::1%en0\n  interface: en0\n",
    ];
    const ARP: &str = "? (192.0.2.1) at 0:11:22:aa:b:55 on en0 ifscope [ethernet]\n";
    const NDP: &str = "fe80::1%en0   0:11:22:aa:b:55   en0 23h59m58s R  R\n";

    fn facts(arp: &str, ndp: &str) -> NetworkFacts {
        let interface = |name: &str, index, kind| Interface {
            name: name.to_owned(),
            index,
            kind,
            addresses: vec![([192, 0, 2, 7].into(), 24)],
            ..Interface::default()
        };
        let mut interfaces =
            [interface("en0", 4, LinkKind::Ethernet), interface("utun2", 13, LinkKind::Tunnel)];
        let routes = ROUTES.iter().filter_map(|text| route::far_route(text));
        routes.for_each(|route| route.note_in(&mut interfaces));
        let resolvers = scutil_dns::resolvers(SCUTIL).into_iter();
        let reports = resolvers.filter_map(|it| report(it, FactSource::Scutil)).collect();
        let mut facts = assemble(&interfaces, reports);
        let tables = [neighbour_tables::of_arp(arp), neighbour_tables::of_ndp(ndp)].concat();
        let index = |name: &str| facts.link(name).map(|link| link.index);
        let neighbours: Vec<LinkNeighbour> =
            tables.into_iter().filter_map(|named| named.on_link(index)).collect();
        facts.add_hardware_addresses(&neighbours);
        facts
    }

    #[test]
    fn a_mac_knows_its_network_by_its_router_and_the_resolvers_of_each_link() {
        let secret = NetworkSecret::from([7; 16]);
        let home = facts(ARP, "");
        assert_eq!(home.default_route().unwrap().gateway, Some([192, 0, 2, 1].into()));
        let resolvers = |link: &str| {
            let settings = &home.link(link).unwrap().settings;
            let address = |it: &DnsSettings| it.resolvers[0].address.to_string();
            settings.iter().map(address).collect::<Vec<_>>()
        };
        assert_eq!(
            (resolvers("en0"), resolvers("utun2")),
            (vec!["192.0.2.1:53".to_owned()], vec!["10.8.0.53:53".to_owned()])
        );
        assert_eq!(home.link("utun2").unwrap().settings[0].routing_domains, ["corp.example"]);
        assert!(home.id(&secret).is_some());
        assert_eq!(facts("", NDP).id(&secret), home.id(&secret), "the router by IPv6");
        assert_eq!(facts("", "").id(&secret), None, "before the first packet");
    }
}
