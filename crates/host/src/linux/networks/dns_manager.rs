//! NetworkManager: the DNS settings of each link, VPNs of plugins among them, by the property `Configuration` of its
//! `DnsManager` over D-Bus.
//!
//! busctl(1) of systemd asks. A D-Bus crate would be dear, and nmcli(1) has no line for the settings of a VPN's link.

use std::path::Path;

use serde::Deserialize;

use super::below;
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport, resolver};
use crate::program::output;

const PROGRAM: &str = "/usr/bin/busctl";
const ARGUMENTS: [&str; 6] = [
    "--json=short",
    "get-property",
    "org.freedesktop.NetworkManager",
    "/org/freedesktop/NetworkManager/DnsManager",
    "org.freedesktop.NetworkManager.DnsManager",
    "Configuration",
];
/// The folder exists while NetworkManager runs: D-Bus shall not start the program.
const FOLDER: &str = "/run/NetworkManager";

/// The property, of type `aa{sv}`.
#[derive(Deserialize)]
struct Configuration {
    data: Vec<DnsManagerEntry>,
}

/// Settings of one address family; without an interface, they are of the whole machine.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DnsManagerEntry {
    nameservers: Variant<Vec<String>>,
    domains: Variant<Vec<String>>,
    interface: Option<Variant<String>>,
}

#[derive(Default, Deserialize)]
struct Variant<T> {
    data: T,
}

/// The reports of [`super::nmcli`], completed by the answer of NetworkManager.
pub(super) fn complete(root: &Path, reports: Vec<SourceReport>) -> Vec<SourceReport> {
    if root != Path::new("/") || !below(root, FOLDER).exists() {
        return reports;
    }
    let text = output(PROGRAM, &ARGUMENTS).unwrap_or_default();
    complete_by(&text, reports)
}

fn complete_by(text: &str, mut reports: Vec<SourceReport>) -> Vec<SourceReport> {
    let Ok(configuration) = serde_json::from_str::<Configuration>(text) else { return reports };
    for entry in configuration.data {
        let link = entry.interface.map_or(LinkNaming::Machine, |name| LinkNaming::Name(name.data));
        let at = reports.iter().position(|report| report.link == link).unwrap_or_else(|| {
            let settings = DnsSettings::of(FactSource::NetworkManager);
            reports.push(SourceReport { link, settings });
            reports.len() - 1
        });
        let Some(SourceReport { settings, .. }) = reports.get_mut(at) else { continue };
        for server in entry.nameservers.data.iter().filter_map(|text| resolver(text)) {
            if !settings.resolvers.contains(&server) {
                settings.resolvers.push(server);
            }
        }
        settings.add_domains(entry.domains.data.iter().map(String::as_str));
    }
    reports
}

#[cfg(test)]
mod tests {
    use super::*;

    /// busctl(1) of systemd 252 with NetworkManager 1.42.4, and a VPN as `_get_config_variant` of NetworkManager's
    /// `nm-dns-manager.c` writes it.
    const TEXT: &str = r#"{"type":"aa{sv}","data":[
        {"nameservers":{"type":"as","data":["192.168.1.1"]},"domains":{"type":"as","data":["fritz.box"]},
         "interface":{"type":"s","data":"wlan0"},"priority":{"type":"i","data":100},"vpn":{"type":"b","data":false}},
        {"nameservers":{"type":"as","data":["10.8.0.53"]},
         "domains":{"type":"as","data":["corp.example","~intern.example"]},
         "interface":{"type":"s","data":"tun0"},"priority":{"type":"i","data":50},"vpn":{"type":"b","data":true}},
        {"nameservers":{"type":"as","data":["fd00::53"]},
         "interface":{"type":"s","data":"tun0"},"priority":{"type":"i","data":50},"vpn":{"type":"b","data":true}}]}"#;

    #[test]
    fn a_vpn_has_its_resolvers_and_domains_and_known_links_stay() {
        let known = DnsSettings {
            dhcp_domain: Some("fritz.box".to_owned()),
            resolvers: resolver("192.168.1.1").into_iter().collect(),
            ..DnsSettings::of(FactSource::NetworkManager)
        };
        let known = SourceReport { link: LinkNaming::Name("wlan0".to_owned()), settings: known };
        let reports = complete_by(TEXT, vec![known]);
        assert_eq!(reports.len(), 2);
        assert_eq!(reports[0].settings.resolvers.len(), 1, "told twice");
        assert_eq!(reports[0].settings.dhcp_domain.as_deref(), Some("fritz.box"));
        let SourceReport { link, settings } = &reports[1];
        assert_eq!(*link, LinkNaming::Name("tun0".to_owned()));
        let resolvers: Vec<String> =
            settings.resolvers.iter().map(|resolver| resolver.address.to_string()).collect();
        assert_eq!(resolvers, ["10.8.0.53:53", "[fd00::53]:53"], "of both families");
        assert_eq!(settings.search_domains, ["corp.example"]);
        assert_eq!(settings.routing_domains, ["intern.example"]);
    }

    #[test]
    fn another_answer_changes_nothing() {
        for text in ["", "Failed to get property", "{}", r#"{"data":[7]}"#, r#"{"data":[]}"#] {
            assert!(complete_by(text, Vec::new()).is_empty(), "{text}");
        }
    }
}
