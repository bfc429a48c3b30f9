//! NetworkManager: settings of links, as nmcli(1) prints them.

use std::path::Path;

use super::below;
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport, resolver};
use crate::program::output;

const PROGRAM: &str = "/usr/bin/nmcli";
/// The folder exists while NetworkManager runs.
const FOLDER: &str = "/run/NetworkManager";
/// A field in each line, without colours and headings.
const ARGUMENTS: [&str; 5] =
    ["--terse", "--fields", "GENERAL.DEVICE,IP4,IP6,DHCP4", "device", "show"];

pub(super) fn ask(root: &Path) -> Vec<SourceReport> {
    if root != Path::new("/") || !below(root, FOLDER).exists() {
        return Vec::new();
    }
    output(PROGRAM, &ARGUMENTS).map(|text| reports(&text)).unwrap_or_default()
}

/// The reports of a text; each device begins with its name.
fn reports(text: &str) -> Vec<SourceReport> {
    let mut reports: Vec<SourceReport> = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.replace("\\:", ":").replace("\\\\", "\\");
        let key = key.split('[').next().unwrap_or_default();
        if key == "GENERAL.DEVICE" {
            let settings = DnsSettings::of(FactSource::NetworkManager);
            reports.push(SourceReport { link: LinkNaming::Name(value), settings });
        } else if let Some(SourceReport { settings, .. }) = reports.last_mut() {
            add(settings, key, &value);
        }
    }
    reports
}

fn add(settings: &mut DnsSettings, key: &str, value: &str) {
    match key {
        "IP4.DNS" | "IP6.DNS" => {
            let new = resolver(value).filter(|new| !settings.resolvers.contains(new));
            settings.resolvers.extend(new);
        }
        "IP4.DOMAIN" | "IP6.DOMAIN" | "IP4.SEARCHES" | "IP6.SEARCHES" => {
            settings.add_domains([value]);
        }
        "DHCP4.OPTION" => add_option(settings, value),
        _ => {}
    }
}

/// An option of DHCP, as `domain_name = lan`.
fn add_option(settings: &mut DnsSettings, text: &str) {
    let Some((option, value)) = text.split_once(" = ") else { return };
    match option {
        "domain_name" => {
            settings.dhcp_domain = Some(value.trim_end_matches('.').to_ascii_lowercase());
        }
        "dhcp_server_identifier" => settings.dhcp_server = value.parse().ok(),
        "captive_portal" | "default_url" | "unknown_114" => {
            settings.portal_api = Some(value.to_owned());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After nmcli(1) 1.42 with a Wi-Fi and a VPN.
    const TEXT: &str = "\
GENERAL.DEVICE:wlan0
IP4.ADDRESS[1]:192.168.1.5/24
IP4.GATEWAY:192.168.1.1
IP4.ROUTE[1]:dst = 192.168.1.0/24, nh = 0.0.0.0, mt = 600
IP4.DNS[1]:192.168.1.1
IP4.DOMAIN[1]:fritz.box
DHCP4.OPTION[1]:dhcp_server_identifier = 192.168.1.1
DHCP4.OPTION[2]:domain_name = fritz.box
DHCP4.OPTION[3]:domain_name_servers = 192.168.1.1
IP6.DNS[1]:fd00\\:\\:1

GENERAL.DEVICE:tun0
IP4.DNS[1]:10.0.0.53
IP4.SEARCHES[1]:~corp.example

GENERAL.DEVICE:lo
";

    #[test]
    fn each_device_has_its_own_settings() {
        let reports = reports(TEXT);
        assert_eq!(reports.len(), 3);
        assert_eq!(reports[0].link, LinkNaming::Name("wlan0".to_owned()));
        let wlan = &reports[0].settings;
        let resolvers: Vec<String> =
            wlan.resolvers.iter().map(|resolver| resolver.address.to_string()).collect();
        assert_eq!(resolvers, ["192.168.1.1:53", "[fd00::1]:53"]);
        assert_eq!(wlan.dhcp_domain.as_deref(), Some("fritz.box"));
        assert_eq!(wlan.dhcp_server, Some([192, 168, 1, 1].into()));
        assert_eq!(reports[1].settings.routing_domains, ["corp.example"]);
        assert!(reports[2].settings.is_empty());
    }
}
