//! Systems with the files of each source, as real programs write them.

use std::net::IpAddr;

use super::*;
use crate::networks::{FactSource, LinkFacts, NetworkFacts, assemble};

/// A system with these files, and interfaces `eth0` (2, 192.168.1.5), `wlan0` (3) and `tun0` (9).
fn system(files: &[(&str, &str)]) -> NetworkFacts {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let place = below(folder.path(), path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    let interface = |name: &str, index, address: [u8; 4]| Interface {
        name: name.to_owned(),
        index,
        addresses: vec![(address.into(), 24)],
        ..Interface::default()
    };
    let interfaces = [
        interface("eth0", 2, [192, 168, 1, 5]),
        interface("wlan0", 3, [192, 168, 2, 5]),
        interface("tun0", 9, [10, 8, 0, 2]),
    ];
    assemble(&interfaces, reports(folder.path(), ProgramUse::Forbidden, &interfaces))
}

fn resolvers(link: &LinkFacts) -> Vec<String> {
    link.resolvers().iter().map(|resolver| resolver.address.to_string()).collect()
}

/// After systemd 252: a link configured by DHCP, and the lease.
const NETWORKD_LINK: &str = "\
# This is private data. Do not parse.
ADMIN_STATE=configured
OPER_STATE=routable
CARRIER_STATE=carrier
ADDRESS_STATE=routable
ONLINE_STATE=online
REQUIRED_FOR_ONLINE=yes
ACTIVATION_POLICY=up
NETWORK_FILE=/etc/systemd/network/80-dhcp.network
NETWORK_FILE_DROPINS=\"\"
DNS=192.168.1.1 fe80::1
NTP=
SIP=
DOMAINS=
ROUTE_DOMAINS=corp.example
DNS_DEFAULT_ROUTE=yes
LLMNR=yes
MDNS=no
DHCP_LEASE=/run/systemd/netif/leases/2
";
const NETWORKD_LEASE: &str = "\
# This is private data. Do not parse.
ADDRESS=192.168.1.5
NETMASK=255.255.255.0
ROUTER=192.168.1.1
SERVER_ADDRESS=192.168.1.1
LIFETIME=3600
DNS=192.168.1.1
DOMAINNAME=fritz.box
DOMAIN_SEARCH_LIST=fritz.box
HOSTNAME=laptop
CAPTIVE_PORTAL=https://portal.example/api
CLIENTID=ff0a
";

#[test]
fn networkd_tells_links_and_leases() {
    let facts = system(&[
        ("/run/systemd/netif/links/2", NETWORKD_LINK),
        ("/run/systemd/netif/leases/2", NETWORKD_LEASE),
        ("/run/systemd/netif/links/77", NETWORKD_LINK),
    ]);
    let eth = facts.link("eth0").unwrap();
    assert_eq!(resolvers(eth), ["192.168.1.1:53", "[fe80::1%2]:53"]);
    let in_use = eth.in_use().next().unwrap();
    assert_eq!((in_use.source, in_use.takes_other_names), (FactSource::Networkd, Some(true)));
    assert_eq!(in_use.routing_domains, ["corp.example"]);
    assert_eq!(eth.dhcp_domain(), Some("fritz.box"));
    assert_eq!(eth.dhcp_server(), Some(IpAddr::from([192, 168, 1, 1])));
    assert_eq!(eth.portal_api(), Some("https://portal.example/api"));
    assert!(eth.takes_other_names());
}

/// After systemd 252, with the settings of a VPN by `resolvectl`.
const RESOLVED_LINK: &str = "\
# This is private data. Do not parse.
LLMNR=yes
MDNS=no
DEFAULT_ROUTE=no
SERVERS=10.0.0.53 [fd00::53]:5353#dns.corp.example
DOMAINS=corp.example ~internal.example ~10.in-addr.arpa
";

#[test]
fn resolved_tells_the_settings_of_a_vpn() {
    let facts = system(&[("/run/systemd/resolve/netif/9", RESOLVED_LINK)]);
    let tunnel = facts.link("tun0").unwrap();
    assert_eq!(resolvers(tunnel), ["10.0.0.53:53", "[fd00::53]:5353"]);
    assert_eq!(tunnel.resolvers()[1].tls_name.as_deref(), Some("dns.corp.example"));
    let settings = tunnel.in_use().next().unwrap();
    assert_eq!(settings.search_domains, ["corp.example"]);
    assert_eq!(settings.routing_domains, ["internal.example", "10.in-addr.arpa"]);
    assert!(!tunnel.takes_other_names());
}

/// After dhclient 4.4 of Debian.
const DHCLIENT_LEASES: &str = "\
lease {
  interface \"eth0\";
  fixed-address 192.168.7.5;
  option domain-name-servers 192.168.7.1;
  option domain-name \"old.example\";
  expire 4 2026/11/19 12:00:00;
}
lease {
  interface \"eth0\";
  fixed-address 192.168.1.5;
  option subnet-mask 255.255.255.0;
  option routers 192.168.1.1;
  option dhcp-lease-time 600;
  option domain-name-servers 192.168.1.1,192.168.1.2;
  option dhcp-server-identifier 192.168.1.1;
  option domain-search \"lan.\", \"corp.example.\";
  option domain-name \"lan\";
  renew 4 2026/11/26 12:00:00;
  expire never;
}
lease {
  interface \"wlan0\";
  fixed-address 192.168.9.9;
  option domain-name-servers 192.168.9.1;
}
";

#[test]
fn a_lease_of_dhclient_counts_while_the_interface_has_its_address() {
    let facts = system(&[("/var/lib/dhcp/dhclient.leases", DHCLIENT_LEASES)]);
    let eth = facts.link("eth0").unwrap();
    assert_eq!(resolvers(eth), ["192.168.1.1:53", "192.168.1.2:53"]);
    assert_eq!(eth.dhcp_domain(), Some("lan"));
    assert_eq!(eth.in_use().next().unwrap().search_domains, ["lan", "corp.example"]);
    assert!(facts.link("wlan0").unwrap().settings.is_empty());
}

#[test]
fn resolvconf_and_dhcpcd_have_a_record_for_each_interface() {
    let wireguard = "nameserver 10.8.0.1\nsearch corp.example\n";
    let dhcp = "# Generated by dhcpcd from wlan0.dhcp\ndomain lan\nnameserver 192.168.2.1\n";
    let advertised = "# Generated by dhcpcd from wlan0.ra\nnameserver fe80::1%wlan0\n";
    let facts = system(&[
        ("/run/resolvconf/interface/tun.tun0", wireguard),
        ("/run/resolvconf/interface/eth01.dhclient", wireguard),
        ("/run/dhcpcd/hook-state/resolv.conf/wlan0.dhcp", dhcp),
        ("/run/dhcpcd/hook-state/resolv.conf/wlan0.ra", advertised),
    ]);
    assert_eq!(resolvers(facts.link("tun0").unwrap()), ["10.8.0.1:53"]);
    assert!(facts.link("eth0").unwrap().settings.is_empty(), "a record of eth01");
    let wireless = facts.link("wlan0").unwrap();
    assert_eq!(wireless.resolvers().len(), 2);
    assert_eq!(wireless.dhcp_domain(), Some("lan"));
}

#[test]
fn files_of_the_machine_belong_to_no_link() {
    let facts = system(&[
        ("/etc/resolv.conf", "nameserver 127.0.0.1\nsearch lan\n"),
        ("/run/systemd/resolve/resolv.conf", "nameserver 192.0.2.1\n"),
        ("/run/NetworkManager/resolv.conf", "nameserver 127.0.0.53\n"),
        ("/run/NetworkManager/no-stub-resolv.conf", "nameserver 192.168.1.1\nsearch lan\n"),
    ]);
    let sources: Vec<FactSource> =
        facts.unassigned.iter().map(|settings| settings.source).collect();
    let file = FactSource::ResolvConf;
    assert_eq!(sources, [FactSource::NetworkManager, file, file]);
    assert_eq!(facts.unassigned[0].resolvers[0].address, "192.168.1.1:53".parse().unwrap());
    assert!(facts.links.iter().all(|link| link.settings.is_empty()));
}

#[test]
fn a_system_without_files_has_links_alone() {
    let facts = system(&[]);
    assert_eq!((facts.links.len(), facts.unassigned.len()), (3, 0));
}
