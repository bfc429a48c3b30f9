//! The condition of the guard in the words that every system shares, with the culprit where the system says.

use std::net::IpAddr;

use crate::dns_switch::{DnsAuthor, SwitchCondition};
use crate::guard::{DnsCondition, StoreView};

/// Addresses that belong to one product, by its documentation.
const KNOWN_SERVERS: [(&str, &str); 2] =
    [("100.100.100.100", "Tailscale"), ("fd7a:115c:a1e0::53", "Tailscale")];

/// The condition of all.
pub(super) fn of(condition: Option<&DnsCondition>, view: &StoreView) -> SwitchCondition {
    match condition {
        None => SwitchCondition::NotReady,
        Some(DnsCondition::Ours) => SwitchCondition::Ours,
        Some(DnsCondition::DaemonSilent) => SwitchCondition::DaemonFailed,
        Some(DnsCondition::Vpn(servers)) => SwitchCondition::Left {
            author: DnsAuthor::Vpn(vpn(servers, view)),
            servers: texts(servers),
        },
        Some(DnsCondition::ByHand { servers, .. }) => {
            SwitchCondition::Left { author: DnsAuthor::Unknown, servers: texts(servers) }
        }
        Some(DnsCondition::Contested(servers)) => {
            SwitchCondition::Contested { author: author(servers, view) }
        }
    }
}

/// The program that outranks our entry: an interface alone is known.
fn author(servers: &[IpAddr], view: &StoreView) -> DnsAuthor {
    match interface(servers, view) {
        Some(interface) => DnsAuthor::Network(format!("a program behind {interface}")),
        None => DnsAuthor::Unknown,
    }
}

fn vpn(servers: &[IpAddr], view: &StoreView) -> String {
    let is_known = |text: &str| servers.iter().any(|server| server.to_string() == text);
    match KNOWN_SERVERS.into_iter().find(|(address, _)| is_known(address)) {
        Some((_, name)) => name.to_owned(),
        None => match interface(servers, view) {
            Some(interface) => format!("a VPN ({interface})"),
            None => "a VPN".to_owned(),
        },
    }
}

/// The interface behind which the servers are named.
fn interface<'a>(servers: &[IpAddr], view: &'a StoreView) -> Option<&'a str> {
    let mut resolvers = view.resolvers.iter().filter(|resolver| !resolver.servers.is_empty());
    let resolver = resolvers
        .find(|resolver| resolver.servers.iter().all(|server| servers.contains(&server.ip())))?;
    resolver.interface.as_deref()
}

fn texts(servers: &[IpAddr]) -> Vec<String> {
    servers.iter().map(ToString::to_string).collect()
}
