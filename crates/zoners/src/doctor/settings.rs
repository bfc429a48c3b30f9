//! The DNS settings of the machine: resolvers, sources of host names, and programs with settings of their own.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use zoners_api::{DaemonStatus, LocalNetworks};
use zoners_doctor::SettingsObservation;
use zoners_host::networks::NetworkFacts;
use zoners_host::resolvers;

use super::browsers;
use crate::dns_server::PORT;
use crate::machine_dns::{MachineDns, servers_beside};

/// Where programs look up host names (nsswitch.conf(5)).
const NSSWITCH: &str = "/etc/nsswitch.conf";
/// The socket of systemd-resolved for nss-resolve, and the file with the servers of systemd-resolved.
const RESOLVED: (&str, &str) =
    ("/run/systemd/resolve/io.systemd.Resolve", "/run/systemd/resolve/resolv.conf");
/// The socket at which nss-mdns asks Avahi.
const AVAHI: &str = "/run/avahi-daemon/socket";

/// The settings. `networks` is the daemon's knowledge of the networks.
pub(super) fn settings(
    status: Option<&DaemonStatus>,
    networks: Option<&LocalNetworks>,
) -> SettingsObservation {
    let servers = resolvers::nameservers().unwrap_or_default();
    let served = |server: &SocketAddr| match status {
        Some(status) => is_served(server, &status.listen),
        None => server.ip().is_loopback(),
    };
    let first_is_ours = servers.first().is_some_and(served);
    let foreign = servers.iter().filter(|server| first_is_ours && !served(server));
    let mut foreign: Vec<String> = foreign.map(|server| server.ip().to_string()).collect();
    let machine = MachineDns::look(status);
    if machine.asks_zoners {
        foreign.extend(
            servers_beside()
                .into_iter()
                .filter(|beside| !foreign.contains(beside))
                .collect::<Vec<_>>(),
        );
    }
    SettingsObservation {
        asks_zoners: first_is_ours || machine.asks_zoners,
        names_this_machine: servers.first().is_some_and(|server| server.ip().is_loopback()),
        origins: networks.map(|networks| origins(&foreign, networks)).unwrap_or_default(),
        foreign,
        servers: servers.iter().map(|server| server.ip().to_string()).collect(),
        reason: (!machine.asks_zoners).then_some(machine.sentence),
        nss_hosts: nss_hosts(&fs::read_to_string(NSSWITCH).unwrap_or_default()),
        resolved_servers: resolved_servers(),
        multicast_responder: multicast_responder(),
        browsers: browsers::look(),
    }
}

/// The resolvers of the network: of DHCP and router advertisements, then foreign servers of the settings.
pub(super) fn network_resolvers(
    settings: &SettingsObservation,
    facts: &NetworkFacts,
) -> Vec<SocketAddr> {
    let told =
        facts.links.iter().flat_map(|link| link.resolvers()).map(|resolver| resolver.address);
    let parsed = settings.servers.iter().filter_map(|server| server.parse::<IpAddr>().ok());
    let mut all: Vec<SocketAddr> = Vec::new();
    for resolver in told.chain(parsed.map(|ip| SocketAddr::new(ip, PORT))) {
        if !facts.is_own(resolver.ip()) && !all.contains(&resolver) {
            all.push(resolver);
        }
    }
    all
}

/// Whether a daemon with these listeners gets a query to `server`.
fn is_served(server: &SocketAddr, listen: &[String]) -> bool {
    let mut listen = listen.iter().filter_map(|text| text.parse::<SocketAddr>().ok());
    listen.any(|own| {
        let any = own.ip().is_unspecified() && (own.is_ipv6() || server.is_ipv4());
        own == *server || (own.port() == server.port() && any && server.ip().is_loopback())
    })
}

/// How servers came to a link, a sentence each.
fn origins(servers: &[String], networks: &LocalNetworks) -> Vec<String> {
    let mut sentences = Vec::new();
    for link in &networks.links {
        for dns in &link.dns {
            let names = |server: &&String| dns.resolvers.iter().any(|told| is_at(told, server));
            for server in servers.iter().filter(names) {
                sentences.push(format!("{server} came by {}, over {}.", dns.source, link.name));
            }
        }
    }
    sentences
}

/// Whether a resolver like `192.0.2.53:53#dns.example` has this address.
fn is_at(resolver: &str, address: &str) -> bool {
    let socket = resolver.split('#').next().unwrap_or_default().parse::<SocketAddr>();
    socket.is_ok_and(|socket| socket.ip().to_string() == address)
}

/// The line for hosts; `None` without one.
fn nss_hosts(text: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split('#').next());
    let mut hosts = lines.filter_map(|line| line.trim().strip_prefix("hosts:"));
    Some(hosts.next()?.trim().to_owned())
}

fn resolved_servers() -> Option<Vec<String>> {
    let (socket, servers) = RESOLVED;
    if !Path::new(socket).exists() {
        return None;
    }
    let text = fs::read_to_string(servers).unwrap_or_default();
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver "));
    Some(named.map(|server| server.trim().to_owned()).collect())
}

fn multicast_responder() -> Option<String> {
    if cfg!(target_os = "macos") {
        return Some("mDNSResponder".to_owned());
    }
    Path::new(AVAHI).exists().then(|| "Avahi".to_owned())
}

#[cfg(test)]
mod tests {
    use zoners_api::{DnsSettingsReport, LinkReport};

    use super::*;

    #[test]
    fn the_line_for_hosts_is_read_without_its_comment() {
        let hosts = |text: &str| nss_hosts(text);
        let text = "passwd: files\nhosts:  files mdns4_minimal [NOTFOUND=return] dns # all\n";
        assert_eq!(hosts(text).as_deref(), Some("files mdns4_minimal [NOTFOUND=return] dns"));
        assert_eq!(hosts("passwd: files\n"), None);
    }

    #[test]
    fn a_wildcard_serves_loopback() {
        let listen =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let own: SocketAddr = "127.0.0.1:53".parse().unwrap();
        for (addresses, served) in [
            (&["127.0.0.1:53"][..], true),
            (&["0.0.0.0:53"], true),
            (&["[::]:53"], true),
            (&["127.0.0.1:5300"], false),
            (&["192.168.1.1:53"], false),
        ] {
            assert_eq!(is_served(&own, &listen(addresses)), served, "{addresses:?}");
        }
    }

    #[test]
    fn a_server_of_an_advertisement_is_told_with_its_origin() {
        let dns = DnsSettingsReport {
            source: "router advertisement".into(),
            resolvers: vec!["[2001:db8::53]:53#dns.example".into()],
            ..DnsSettingsReport::default()
        };
        let link = LinkReport { name: "wlan0".into(), dns: vec![dns], ..LinkReport::default() };
        let networks = LocalNetworks { links: vec![link], ..LocalNetworks::default() };
        let servers = ["2001:db8::53".to_owned(), "192.0.2.53".to_owned()];
        let expected = ["2001:db8::53 came by router advertisement, over wlan0."];
        assert_eq!(origins(&servers, &networks), expected);
    }
}
