//! The resolvers of the present network.

use std::net::SocketAddr;

use zoners_host::networks::{FactSource, LinkFacts, NetworkFacts, ResolverAddress};

/// Resolvers that are asked, at most.
const MAX_RESOLVERS: usize = 3;
/// The port of resolvers without TLS, which the sandbox lets pass.
const PORT: u16 = 53;

/// The resolvers of the link with the default route, else those of the machine as a whole. An address of this machine is
/// none of them: the question would come back here.
pub(super) fn resolvers(facts: &NetworkFacts, (ipv4, ipv6): (bool, bool)) -> Vec<SocketAddr> {
    let mut found = usable(facts, link(facts).into_iter().flat_map(LinkFacts::resolvers));
    if found.is_empty() {
        found = usable(facts, facts.unassigned.iter().flat_map(|settings| &settings.resolvers));
    }
    found.retain(|address| if address.is_ipv4() { ipv4 } else { ipv6 });
    found.truncate(MAX_RESOLVERS);
    found
}

/// Whether the network itself names a resolver, as by DHCP. NetworkManager tells resolvers of the machine as a whole where
/// its settings of links cannot be read.
pub(super) fn has_own_settings(facts: &NetworkFacts) -> bool {
    let of_manager = facts.unassigned.iter();
    let of_manager = of_manager.filter(|settings| settings.source == FactSource::NetworkManager);
    let of_manager = of_manager.flat_map(|settings| &settings.resolvers);
    let of_link = link(facts).into_iter().flat_map(LinkFacts::resolvers);
    !usable(facts, of_link.chain(of_manager)).is_empty()
}

fn link(facts: &NetworkFacts) -> Option<&LinkFacts> {
    facts.link(&facts.default_route()?.link)
}

fn usable<'a>(
    facts: &NetworkFacts,
    resolvers: impl Iterator<Item = &'a ResolverAddress>,
) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for address in resolvers.map(|resolver| resolver.address) {
        if address.port() == PORT && !facts.is_own(address.ip()) && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_host::networks::{DefaultRoute, DnsSettings, LinkKind};

    fn settings(resolvers: &[&str]) -> DnsSettings {
        let address = |text: &&str| SocketAddr::new(text.parse().unwrap(), PORT).into();
        let resolvers = resolvers.iter().map(address).collect();
        DnsSettings { resolvers, ..DnsSettings::of(FactSource::Dhclient) }
    }

    fn facts(of_link: &[&str], of_machine: &[&str]) -> NetworkFacts {
        let link = LinkFacts {
            name: "wlan0".to_owned(),
            kind: LinkKind::Wireless,
            addresses: vec![("192.0.2.7".parse().unwrap(), 24)],
            settings: vec![settings(of_link)],
            ..LinkFacts::default()
        };
        let route = DefaultRoute {
            link: "wlan0".to_owned(),
            gateway: None,
            metric: 0,
            hardware_address: None,
        };
        NetworkFacts {
            links: vec![link],
            default_routes: vec![route],
            unassigned: vec![settings(of_machine)],
        }
    }

    fn found(of_link: &[&str], of_machine: &[&str]) -> Vec<String> {
        let all = resolvers(&facts(of_link, of_machine), (true, true));
        all.iter().map(|address| address.ip().to_string()).collect()
    }

    #[test]
    fn the_link_comes_before_the_machine_and_no_address_is_our_own() {
        assert_eq!(found(&["192.0.2.1", "192.0.2.1"], &["192.0.2.9"]), ["192.0.2.1"]);
        assert_eq!(found(&["127.0.0.1", "192.0.2.7", "::1"], &["192.0.2.9"]), ["192.0.2.9"]);
        assert_eq!(found(&["0.0.0.0"], &["127.0.0.53"]), [""; 0]);
        let many = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
        assert_eq!(found(&many, &[]).len(), MAX_RESOLVERS);
        assert!(has_own_settings(&facts(&["192.0.2.1"], &[])));
        assert!(!has_own_settings(&facts(&["127.0.0.1"], &["192.0.2.1"])));
        let mut managed = facts(&[], &["192.0.2.1"]);
        managed.unassigned[0].source = FactSource::NetworkManager;
        assert!(has_own_settings(&managed), "NetworkManager has them of DHCP");
    }

    #[test]
    fn a_family_that_is_not_in_use_is_left_out() {
        let both = facts(&["192.0.2.1", "2001:db8::1"], &[]);
        assert_eq!(resolvers(&both, (false, true)), ["[2001:db8::1]:53".parse().unwrap()]);
        assert_eq!(resolvers(&both, (true, false)), ["192.0.2.1:53".parse().unwrap()]);
    }
}
