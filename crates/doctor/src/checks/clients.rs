//! Clients that are refused.

use std::net::{IpAddr, Ipv6Addr};

use zoners_api::{RefusedClient, Severity};

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::LinkSummary;

/// A smaller share of refused queries hints at a scanner, not at a client in need.
const WORTH_TELLING: f64 = 0.01;
/// Clients in the evidence.
const SHOWN: usize = 4;

/// A refused device of the own network is a fault of the settings; refused strangers are a notice.
pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let refused =
        input.seen.daemon.status.as_ref().map_or(&[][..], |status| status.refused.as_slice());
    let is_near = |client: &&RefusedClient| is_near(&client.address, &input.seen.links);
    let near: Vec<&RefusedClient> = refused.iter().filter(is_near).collect();
    if !near.is_empty() {
        let sentence = "Devices of your network ask Zoners, and are refused.";
        let finding =
            DoctorFinding::new("device-refused", Culprit::Settings, Severity::Warning, sentence);
        output.find(told(finding, near.into_iter()).advise(
            "Add their addresses to server.allow, or \"nearby\" for all private ones; then: zoners reload.",
            "grep -n allow /etc/zoners/zoners.toml",
        ));
        return;
    }
    let Some(clients) = input.seen.clients else { return };
    let share = clients.refused as f64 / clients.queries.max(1) as f64;
    if clients.refused > 0 && share >= WORTH_TELLING {
        let sentence = format!("{} of {} queries were refused.", clients.refused, clients.queries);
        let finding =
            DoctorFinding::new("clients-refused", Culprit::Settings, Severity::Notice, sentence);
        output.find(told(finding, refused.iter()).advise(
            "See which clients are refused; server.allow lists the prefixes to serve.",
            "zoners watch --failed",
        ));
    }
}

fn told<'a>(
    finding: DoctorFinding,
    clients: impl Iterator<Item = &'a RefusedClient>,
) -> DoctorFinding {
    let line = |client: &RefusedClient| {
        let RefusedClient { address, queries, ago_s } = client;
        let times = if *queries == 1 { "once".to_owned() } else { format!("{queries} times") };
        format!("{address} was refused {times}, the last time {} ago.", super::span(*ago_s))
    };
    clients.take(SHOWN).map(line).fold(finding, DoctorFinding::because)
}

/// Whether an address belongs to a device nearby: private, of a tunnel as of Tailscale (RFC 6598), or of a link.
fn is_near(address: &str, links: &[LinkSummary]) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let is_private = match address {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            ip.is_private() || ip.is_link_local() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    is_private || links.iter().flat_map(|link| &link.addresses).any(|own| is_on(own, address))
}

/// Whether an address is on the link of an own address such as `2001:db8::5/64`.
fn is_on(own: &str, address: IpAddr) -> bool {
    let Some((ip, bits)) = own.split_once('/') else { return false };
    let (Ok(own), Ok(bits)) = (ip.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let wide = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let bits = if own.is_ipv4() { bits + 96 } else { bits };
    let kept = |ip: Ipv6Addr| u128::from(ip).checked_shr(128 - bits.min(128)).unwrap_or(0);
    own.is_ipv4() == address.is_ipv4() && kept(wide(own)) == kept(wide(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_nearby_are_told_from_strangers() {
        let addresses = ["203.0.113.5/28".to_owned(), "2001:db8:1::5/64".to_owned()];
        let links = [LinkSummary { name: "eth0".into(), addresses: addresses.into() }];
        for (address, expected) in [
            ("192.168.1.9", true),
            ("100.100.1.2", true),
            ("203.0.113.14", true),
            ("203.0.113.16", false),
            ("100.200.1.2", false),
            ("2001:db8:1::9", true),
            ("2001:db8:2::9", false),
            ("fe80::1", true),
            ("nonsense", false),
        ] {
            assert_eq!(is_near(address, &links), expected, "{address}");
        }
    }
}
