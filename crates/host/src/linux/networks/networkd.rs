//! systemd-networkd: the state of links, and leases of DHCP.

use std::net::IpAddr;
use std::path::Path;

use super::fields::Fields;
use super::{below, texts_by_index};
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport, resolver};

const LINKS: &str = "/run/systemd/netif/links";
const LEASES: &str = "/run/systemd/netif/leases";

pub(super) fn reports(root: &Path) -> Vec<SourceReport> {
    let read = |folder: &str, settings: fn(&str) -> DnsSettings| -> Vec<SourceReport> {
        let texts = texts_by_index(&below(root, folder));
        let report = |(index, text): &(u32, String)| SourceReport {
            link: LinkNaming::Index(*index),
            settings: settings(text),
        };
        texts.iter().map(report).collect()
    };
    [read(LINKS, of_link), read(LEASES, of_lease)].concat()
}

/// The resolvers that are in use on a link, of DHCP, router advertisements and the configuration.
fn of_link(text: &str) -> DnsSettings {
    let fields = Fields::of(text);
    let mut settings = DnsSettings {
        resolvers: fields.words("DNS").filter_map(resolver).collect(),
        takes_other_names: fields.truth("DNS_DEFAULT_ROUTE"),
        portal_api: fields.value("CAPTIVE_PORTAL").map(str::to_owned),
        ..DnsSettings::of(FactSource::Networkd)
    };
    settings.add_domains(fields.words("DOMAINS"));
    let routing: Vec<String> = fields.words("ROUTE_DOMAINS").map(|it| format!("~{it}")).collect();
    settings.add_domains(routing.iter().map(String::as_str));
    settings
}

/// A lease of DHCP. Whether its resolvers and domains are used is a matter of the configuration: the link tells.
fn of_lease(text: &str) -> DnsSettings {
    let fields = Fields::of(text);
    let domain = fields.value("DOMAINNAME").map(|it| it.trim_end_matches('.').to_ascii_lowercase());
    let mut settings = DnsSettings {
        resolvers: fields.words("DNS").filter_map(resolver).collect(),
        dhcp_domain: domain,
        dhcp_server: fields.value("SERVER_ADDRESS").and_then(|ip| ip.parse::<IpAddr>().ok()),
        portal_api: fields.value("CAPTIVE_PORTAL").map(str::to_owned),
        ..DnsSettings::of(FactSource::NetworkdLease)
    };
    settings.add_domains(fields.words("DOMAIN_SEARCH_LIST"));
    settings
}
