//! ISC dhclient: its files of leases (dhclient.leases(5)), which keep old leases until they are written anew.

use std::net::IpAddr;
use std::path::Path;

use super::{below, files, read};
use crate::interfaces::Interface;
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport, resolver};

/// Folders of Debian, of Fedora, and of NetworkManager with this program.
const FOLDERS: [&str; 3] = ["/var/lib/dhcp", "/var/lib/dhclient", "/var/lib/NetworkManager"];

/// The last lease of each interface. A lease counts only if the interface has its address: so neither the clock nor
/// the age of a file matters.
pub(super) fn reports(root: &Path, interfaces: &[Interface]) -> Vec<SourceReport> {
    let files = FOLDERS.iter().flat_map(|folder| files(&below(root, folder)));
    let leases = files.filter(|(name, _)| {
        name.starts_with("dhclient") && (name.ends_with(".leases") || name.ends_with(".lease"))
    });
    let texts: Vec<String> = leases.filter_map(|(_, path)| read(&path)).collect();
    let leases: Vec<Lease> = texts.iter().flat_map(|text| leases_in(text)).collect();
    let report = |interface: &Interface| {
        let is_held = |lease: &&Lease| {
            let holds = |(own, _): &(IpAddr, u8)| Some(*own) == lease.address;
            lease.interface == interface.name && interface.addresses.iter().any(holds)
        };
        let lease = leases.iter().rfind(is_held)?;
        let link = LinkNaming::Index(interface.index);
        Some(SourceReport { link, settings: lease.settings.clone() })
    };
    interfaces.iter().filter_map(report).collect()
}

#[derive(Clone, Debug)]
struct Lease {
    interface: String,
    address: Option<IpAddr>,
    settings: DnsSettings,
}

fn leases_in(text: &str) -> Vec<Lease> {
    let mut leases: Vec<Lease> = Vec::new();
    let mut is_open = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("lease") && line.ends_with('{') {
            let settings = DnsSettings::of(FactSource::Dhclient);
            leases.push(Lease { interface: String::new(), address: None, settings });
            is_open = true;
        } else if line == "}" {
            is_open = false;
        } else if let Some(lease) = leases.last_mut().filter(|_| is_open) {
            add(lease, line.trim_end_matches(';'));
        }
    }
    leases
}

fn add(lease: &mut Lease, line: &str) {
    let line = line.strip_prefix("option ").unwrap_or(line);
    let Some((key, value)) = line.split_once(' ') else { return };
    let unquoted = || value.trim_matches('"');
    let items = value.split(',').map(|item| item.trim().trim_matches('"'));
    let settings = &mut lease.settings;
    match key {
        "interface" => lease.interface = unquoted().to_owned(),
        "fixed-address" => lease.address = value.parse().ok(),
        "domain-name-servers" => settings.resolvers = items.filter_map(resolver).collect(),
        "domain-name" => {
            settings.dhcp_domain = Some(unquoted().trim_end_matches('.').to_ascii_lowercase());
        }
        "domain-search" => settings.add_domains(items),
        "dhcp-server-identifier" => settings.dhcp_server = value.parse().ok(),
        "default-url" | "unknown-114" => settings.portal_api = Some(unquoted().to_owned()),
        _ => {}
    }
}
