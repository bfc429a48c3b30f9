//! systemd-networkd: prefixes of a NAT64 in router advertisements (RFC 8781), as networkctl(1) tells since version 255.

use std::net::Ipv6Addr;
use std::path::Path;

use serde::Deserialize;

use super::below;
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport};
use crate::program::output;

const PROGRAM: &str = "/usr/bin/networkctl";
const ARGUMENTS: [&str; 2] = ["--json=short", "list"];
/// The folder exists while systemd-networkd runs.
const FOLDER: &str = "/run/systemd/netif/links";

#[derive(Deserialize)]
struct Description {
    #[serde(rename = "Interfaces")]
    interfaces: Vec<InterfaceDescription>,
}

#[derive(Deserialize)]
struct InterfaceDescription {
    #[serde(rename = "Index")]
    index: u32,
    #[serde(rename = "NDisc", default)]
    discovery: Discovery,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Discovery {
    #[serde(rename = "PREF64")]
    prefixes: Vec<DescribedPrefix>,
}

#[derive(Deserialize)]
struct DescribedPrefix {
    #[serde(rename = "Prefix")]
    prefix: [u8; 16],
    #[serde(rename = "PrefixLength")]
    bits: u8,
}

pub(super) fn ask(root: &Path) -> Vec<SourceReport> {
    if root != Path::new("/") || !below(root, FOLDER).exists() {
        return Vec::new();
    }
    output(PROGRAM, &ARGUMENTS).map(|text| reports(&text)).unwrap_or_default()
}

fn reports(text: &str) -> Vec<SourceReport> {
    let Ok(description) = serde_json::from_str::<Description>(text) else { return Vec::new() };
    let report = |interface: InterfaceDescription| {
        let prefixes = interface.discovery.prefixes.into_iter();
        let nat64_prefixes: Vec<(Ipv6Addr, u8)> =
            prefixes.map(|it| (it.prefix.into(), it.bits)).collect();
        (!nat64_prefixes.is_empty()).then(|| SourceReport {
            link: LinkNaming::Index(interface.index),
            settings: DnsSettings {
                nat64_prefixes,
                ..DnsSettings::of(FactSource::RouterAdvertisement)
            },
        })
    };
    description.interfaces.into_iter().filter_map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of `ndisc_append_json` in systemd's `networkd-json.c`.
    const TEXT: &str = r#"{"Interfaces":[
        {"Index":1,"Name":"lo","Type":"loopback"},
        {"Index":3,"Name":"wlan0","NDisc":{"PREF64":[{"Prefix":[0,100,255,155,0,0,0,0,0,0,0,0,0,0,0,0],
            "PrefixString":"64:ff9b::","PrefixLength":96,"LifetimeUSec":12345}]}},
        {"Index":4,"Name":"eth0","NDisc":{}}]}"#;

    #[test]
    fn a_link_has_the_prefixes_of_its_router() {
        let reports = reports(TEXT);
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0].link, LinkNaming::Index(3));
        assert_eq!(reports[0].settings.nat64_prefixes, [("64:ff9b::".parse().unwrap(), 96)]);
        assert!(super::reports("not understood").is_empty());
    }
}
