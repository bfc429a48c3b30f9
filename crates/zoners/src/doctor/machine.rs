//! The machine: links, DNS settings, port 53, and the folder with the state.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use zoners_api::DaemonStatus;
use zoners_doctor::{
    DescriptorObservation, IpFamily, LinkSummary, PortObservation, PortSocketUse, ProbeTransport,
    SettingsObservation, StateObservation,
};
use zoners_host::interfaces::interfaces;
use zoners_host::{descriptors, disk, paths, ports, resolvers};
use zoners_server::Config;

use crate::dns_server::PORT;
use crate::machine_dns::MachineDns;

/// Where programs look up host names (nsswitch.conf(5)).
const NSSWITCH: &str = "/etc/nsswitch.conf";
/// The name of our process.
const OWN_NAME: &str = "zoners";
/// Files of an installed service.
const SERVICES: [&str; 4] = [
    "/etc/systemd/system/zoners.service",
    "/lib/systemd/system/zoners.service",
    "/etc/init.d/zoners",
    "/Library/LaunchDaemons/org.zoners.zoners.plist",
];

/// The links that are up.
pub(super) fn links() -> Vec<LinkSummary> {
    let is_link_local = |ip: &IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let links = interfaces().unwrap_or_default().into_iter().filter(|link| !link.loopback);
    links
        .map(|link| {
            let addresses = link.addresses.iter().filter(|(ip, _)| !is_link_local(ip));
            let addresses = addresses.map(|(ip, bits)| format!("{ip}/{bits}")).collect();
            LinkSummary { name: link.name, addresses }
        })
        .collect()
}

/// The DNS settings.
pub(super) fn settings(status: Option<&DaemonStatus>) -> SettingsObservation {
    let servers = resolvers::nameservers().unwrap_or_default();
    let served = |server: &SocketAddr| match status {
        Some(status) => is_served(server, &status.listen),
        None => server.ip().is_loopback(),
    };
    let first_is_ours = servers.first().is_some_and(served);
    let foreign = servers.iter().filter(|server| first_is_ours && !served(server));
    SettingsObservation {
        asks_zoners: first_is_ours || MachineDns::look(status).asks_zoners,
        names_this_machine: servers.first().is_some_and(|server| server.ip().is_loopback()),
        foreign: foreign.map(|server| server.ip().to_string()).collect(),
        servers: servers.iter().map(|server| server.ip().to_string()).collect(),
        nss_hosts: nss_hosts(&std::fs::read_to_string(NSSWITCH).unwrap_or_default()),
        author: None,
    }
}

/// Resolvers of the network: those of the settings that are not this machine.
pub(super) fn network_resolvers(settings: &SettingsObservation) -> Vec<SocketAddr> {
    let parsed = settings.servers.iter().filter_map(|server| server.parse::<IpAddr>().ok());
    parsed.filter(|ip| !ip.is_loopback()).map(|ip| SocketAddr::new(ip, PORT)).collect()
}

/// Whether a daemon with these listeners gets a query to `server`.
fn is_served(server: &SocketAddr, listen: &[String]) -> bool {
    let mut listen = listen.iter().filter_map(|text| text.parse::<SocketAddr>().ok());
    listen.any(|own| {
        let any = own.ip().is_unspecified() && (own.is_ipv6() || server.is_ipv4());
        own == *server || (own.port() == server.port() && any && server.ip().is_loopback())
    })
}

/// The sources of host names, without the conditions in brackets; `None` without a line.
fn nss_hosts(text: &str) -> Option<Vec<String>> {
    let lines = text.lines().filter_map(|line| line.split('#').next());
    let mut hosts = lines.filter_map(|line| line.trim().strip_prefix("hosts:"));
    let sources = hosts.next()?.split_whitespace().filter(|word| !word.starts_with(['[', '!']));
    Some(sources.map(str::to_owned).collect())
}

/// The sockets at port 53.
pub(super) fn port(status: Option<&DaemonStatus>) -> PortObservation {
    let process = status.map(|status| status.process.to_string());
    let sockets = ports::open(PORT).into_iter().map(|open| {
        let family = if open.address.is_ipv4() { IpFamily::Ipv4 } else { IpFamily::Ipv6 };
        let at_loopback = [[127, 0, 0, 1].into(), IpAddr::from(std::net::Ipv6Addr::LOCALHOST)];
        let owner = open.owner.as_ref();
        let is_daemon = owner.is_some_and(|owner| match &process {
            Some(process) => owner.process == *process,
            None => owner.name == OWN_NAME,
        });
        // The system names programs of other users to root alone: an address that the daemon tells is the daemon's.
        let told = SocketAddr::new(open.address, PORT).to_string();
        let is_told = status.is_some_and(|status| status.listen.contains(&told));
        PortSocketUse {
            family,
            transport: if open.is_stream { ProbeTransport::Tcp } else { ProbeTransport::Udp },
            address: open.address.to_string(),
            owner: owner.map(ToString::to_string),
            is_daemon: is_daemon || (owner.is_none() && is_told),
            serves_loopback: open.address.is_unspecified() || at_loopback.contains(&open.address),
        }
    });
    PortObservation { sockets: sockets.collect() }
}

/// Whether a process of our name has port 53.
pub(super) fn has_own_process(port: &PortObservation) -> bool {
    port.sockets.iter().any(|socket| socket.is_daemon)
}

/// Whether a service is installed.
pub(super) fn is_installed() -> bool {
    SERVICES.iter().any(|file| Path::new(file).exists())
}

/// Restarts after failures, as systemd counts them.
pub(super) fn crashes() -> Vec<String> {
    if !Path::new("/run/systemd/system").exists() {
        return Vec::new();
    }
    let show = ["show", "zoners", "--property=NRestarts", "--value"];
    let shown = std::process::Command::new("systemctl").args(show).output();
    let text = shown.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    match text.unwrap_or_default().parse::<u64>() {
        Ok(times @ 1..) => {
            vec![format!("systemd has restarted the daemon after {times} failures.")]
        }
        _ => Vec::new(),
    }
}

/// The folder with the state of a daemon with this configuration.
pub(super) fn state(config: &Config) -> Option<StateObservation> {
    let configured = config.server.state.as_deref();
    let usual = || paths::state::of_daemon(config.server.user.is_some());
    let service = || Some(PathBuf::from("/var/lib/zoners")).filter(|folder| folder.exists());
    let folder = paths::state::given(configured).or_else(service).or_else(usual)?;
    let found = disk::condition(&folder)?;
    Some(StateObservation {
        folder: folder.display().to_string(),
        is_read_only: found.is_read_only,
        free_octets: Some(found.free_octets),
        is_locked: found.is_locked,
    })
}

/// The descriptors of the daemon.
pub(super) fn descriptors_of(status: &DaemonStatus) -> Option<DescriptorObservation> {
    let (limit, open) = descriptors::of_process(status.process)?;
    Some(DescriptorObservation { limit, open })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_host_names_are_read() {
        let hosts = |text: &str| nss_hosts(text).map(|sources| sources.join(" "));
        let text = "passwd: files\nhosts:  files mdns4_minimal [NOTFOUND=return] dns # all\n";
        assert_eq!(hosts(text).as_deref(), Some("files mdns4_minimal dns"));
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
}
