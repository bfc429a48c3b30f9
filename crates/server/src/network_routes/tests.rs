use super::*;
use zoners_host::networks::FactSource;

fn settings(resolver: &str, search: &[&str], routing: &[&str]) -> DnsSettings {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    DnsSettings {
        resolvers: vec![resolver.parse::<SocketAddr>().unwrap().into()],
        search_domains: texts(search),
        routing_domains: texts(routing),
        ..DnsSettings::of(FactSource::Resolved)
    }
}

fn link(name: &str, index: u32, kind: LinkKind, address: &str, dns: Vec<DnsSettings>) -> LinkFacts {
    let prefix: (IpAddr, u8) = address
        .split_once('/')
        .map(|(ip, bits)| (ip.parse().unwrap(), bits.parse().unwrap()))
        .unwrap();
    LinkFacts {
        name: name.to_owned(),
        index,
        kind,
        addresses: vec![prefix],
        settings: dns,
        ..LinkFacts::default()
    }
}

fn home(dns: DnsSettings) -> LinkFacts {
    let dns = DnsSettings { dhcp_domain: Some("fritz.box".to_owned()), ..dns };
    link("wlan0", 3, LinkKind::Wireless, "192.168.178.20/24", vec![dns])
}

fn vpn() -> LinkFacts {
    let dns = settings("10.8.0.1:53", &["corp.example"], &["internal.example"]);
    link("tun0", 9, LinkKind::Tunnel, "10.8.0.2/24", vec![dns])
}

fn facts(links: Vec<LinkFacts>) -> NetworkFacts {
    NetworkFacts { links, ..NetworkFacts::default() }
}

/// Zones with the first server, the link, and whether they are validated.
fn routes(facts: &NetworkFacts, config: &str) -> Vec<String> {
    let config = Config::parse(config, "zoners.toml").unwrap();
    let all = network_routes(facts, &config);
    let shown = |route: &NetworkRoute| {
        let validated = if route.validate { " validated" } else { "" };
        format!("{} {} {}{validated}", route.zone, route.servers[0], route.link.0)
    };
    all.iter().map(shown).collect()
}

const NO_HOMES: &str = "[network]\nhome-domains = [\"fritz.box\"]\n";

#[test]
fn a_vpn_has_its_domains_and_its_addresses() {
    let found = routes(&facts(vec![vpn()]), NO_HOMES);
    let expected = [
        "internal.example 10.8.0.1:53 tun0",
        "corp.example 10.8.0.1:53 tun0",
        "0.8.10.in-addr.arpa 10.8.0.1:53 tun0",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_home_has_the_domain_of_dhcp_and_its_private_addresses() {
    let home = home(settings("192.168.178.1:53", &["example.com"], &[]));
    let found = routes(&facts(vec![home]), NO_HOMES);
    let expected = [
        "fritz.box 192.168.178.1:53 wlan0",
        "example.com 192.168.178.1:53 wlan0 validated",
        "178.168.192.in-addr.arpa 192.168.178.1:53 wlan0",
    ];
    assert_eq!(found, expected);
}

#[test]
fn domains_of_homes_are_for_the_resolver_of_the_network_by_default() {
    let found = routes(&facts(vec![home(settings("192.168.178.1:53", &[], &[]))]), "");
    for zone in ["lan", "home.arpa", "internal", "fritz.box"] {
        let count = found.iter().filter(|route| route.starts_with(&format!("{zone} "))).count();
        assert_eq!(count, 1, "{zone}: {found:?}");
    }
}

#[test]
fn a_vpn_comes_before_the_network_and_the_file_before_both() {
    let home = home(settings("192.168.178.1:53", &["corp.example"], &[]));
    let both = facts(vec![home, vpn()]);
    let corp = |config: &str| -> Vec<String> {
        let all = routes(&both, config).into_iter();
        all.filter(|route| route.starts_with("corp.example ")).collect()
    };
    assert_eq!(corp(NO_HOMES), ["corp.example 10.8.0.1:53 tun0"]);
    let file = "[[forward]]\nzone = \"example\"\nservers = [\"192.0.2.1\"]\n";
    assert!(corp(file).is_empty());
    let root = file.replace("\"example\"", "\".\"");
    assert_eq!(corp(&root).len(), 1, "a forwarder of everything knows no VPN");
    let off = "[network]\nuse-domains = false\n";
    assert!(routes(&both, off).is_empty());
}

#[test]
fn neither_this_machine_nor_a_resolver_of_the_internet_gets_names_of_the_home() {
    for resolver in ["192.168.178.20:53", "127.0.0.1:53", "8.8.8.8:53", "[2001:4860:4860::8888]:53"]
    {
        let found = routes(&facts(vec![home(settings(resolver, &["lan"], &[]))]), "");
        assert!(found.is_empty(), "{resolver}: {found:?}");
    }
    let on_link = home(settings("203.0.113.9:53", &["lan"], &[]));
    let public = LinkFacts { prefixes: vec![([203, 0, 113, 0].into(), 24)], ..on_link };
    assert!(!routes(&facts(vec![public]), "").is_empty());
}

#[test]
fn the_domain_of_leases_belongs_to_this_machine() {
    let search = ["lan", "guests.lan", "fritz.box"];
    let home = home(settings("192.168.178.1:53", &search, &[]));
    let leases = "[network]\nhome-domains = []\nleases = [\"/no/such/file\"]\n";
    let found = routes(&facts(vec![home.clone()]), leases);
    assert!(!found.iter().any(|route| route.contains("lan.")), "{found:?}");
    let without = routes(&facts(vec![home]), "[network]\nhome-domains = []\n");
    assert_eq!(without.len(), found.len() + 2, "{without:?}");
}

#[test]
fn special_names_belong_to_no_network() {
    let search = ["local", "printers.local", "localhost", "arpa", "test", "in-addr.arpa"];
    let home = home(settings("192.168.178.1:53", &search, &["", "onion"]));
    let found = routes(&facts(vec![home]), "[network]\nhome-domains = []\n");
    assert_eq!(found.len(), 2, "fritz.box and the reverse zone: {found:?}");
}

#[test]
fn settings_of_the_machine_count_for_the_link_of_their_resolver() {
    let bare = link("eth0", 2, LinkKind::Ethernet, "192.168.1.5/24", Vec::new());
    let mut facts = facts(vec![bare]);
    facts.unassigned = vec![settings("192.168.1.1:53", &["lan"], &[])];
    assert!(routes(&facts, NO_HOMES).contains(&"lan 192.168.1.1:53 eth0 validated".to_owned()));
    facts.unassigned = vec![settings("10.9.9.9:53", &["lan"], &[])];
    assert!(routes(&facts, NO_HOMES).is_empty(), "behind no link");
}

#[test]
fn reverse_zones_cover_a_prefix() {
    let zones = |text: &str| -> Vec<String> {
        let (ip, bits) = text.split_once('/').unwrap();
        let zones = reverse_zones((ip.parse().unwrap(), bits.parse().unwrap()));
        zones.iter().map(ToString::to_string).collect()
    };
    assert_eq!(zones("10.0.0.0/8"), ["10.in-addr.arpa"]);
    assert_eq!(zones("192.168.7.77/24"), ["7.168.192.in-addr.arpa"]);
    assert_eq!(zones("10.1.6.0/23"), ["6.1.10.in-addr.arpa", "7.1.10.in-addr.arpa"]);
    assert_eq!(zones("172.16.0.0/12").len(), 16);
    assert_eq!(zones("10.8.0.2/32"), ["2.0.8.10.in-addr.arpa"]);
    assert_eq!(zones("fd00:1234::1/32"), ["4.3.2.1.0.0.d.f.ip6.arpa"]);
    assert_eq!(zones("fd00:1230::/30").len(), 4);
    for none in ["0.0.0.0/0", "10.0.0.0/10", "fe80::1/64", "224.0.0.0/8", "127.0.0.1/8"] {
        assert!(zones(none).is_empty(), "{none}");
    }
}

#[test]
fn merged_settings_of_several_links_give_their_domains_to_none() {
    let bare = |link: LinkFacts| LinkFacts { settings: Vec::new(), ..link };
    let mut merged = settings("192.168.178.1:53", &["fritz.box", "corp.example"], &[]);
    merged.resolvers.push("10.8.0.1:53".parse::<SocketAddr>().unwrap().into());
    let both = NetworkFacts {
        unassigned: vec![merged.clone()],
        ..facts(vec![bare(home(merged.clone())), bare(vpn())])
    };
    let found = routes(&both, "[network]\nhome-domains = []\n");
    let expected =
        ["0.8.10.in-addr.arpa 10.8.0.1:53 tun0", "178.168.192.in-addr.arpa 192.168.178.1:53 wlan0"];
    assert_eq!(found, expected);
    let alone = NetworkFacts {
        unassigned: vec![settings("192.168.178.1:53", &["fritz.box"], &[])],
        ..facts(vec![bare(home(merged))])
    };
    let found = routes(&alone, NO_HOMES);
    assert!(found.contains(&"fritz.box 192.168.178.1:53 wlan0".to_owned()), "{found:?}");
}
