//! dhcpcd: the records of its hook for resolv.conf, as `eth0.dhcp` and `eth0.ra`.

use std::path::Path;

use super::{below, files, interface_in, read, resolv_conf};
use crate::interfaces::Interface;
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport};

/// The records since version 10, and before.
const FOLDERS: [&str; 2] = ["/run/dhcpcd/hook-state/resolv.conf", "/run/dhcpcd/resolv.conf"];

pub(super) fn reports(root: &Path, interfaces: &[Interface]) -> Vec<SourceReport> {
    let mut reports: Vec<SourceReport> = Vec::new();
    for (name, path) in FOLDERS.iter().flat_map(|folder| files(&below(root, folder))) {
        let Some((interface, text)) = interface_in(&name, interfaces).zip(read(&path)) else {
            continue;
        };
        let settings = settings(&text);
        let link = LinkNaming::Index(interface.index);
        match reports.iter_mut().find(|report| report.link == link) {
            // DHCP and router advertisements have a file each.
            Some(known) => add(&mut known.settings, settings),
            None => reports.push(SourceReport { link, settings }),
        }
    }
    reports
}

fn settings(text: &str) -> DnsSettings {
    let mut settings = resolv_conf::settings(text, FactSource::Dhcpcd);
    let domain = text.lines().find_map(|line| line.trim().strip_prefix("domain "));
    settings.dhcp_domain = domain.map(|it| it.trim().trim_end_matches('.').to_ascii_lowercase());
    settings
}

fn add(known: &mut DnsSettings, more: DnsSettings) {
    known.resolvers.extend(more.resolvers);
    known.add_domains(more.search_domains.iter().map(String::as_str));
    known.dhcp_domain = known.dhcp_domain.take().or(more.dhcp_domain);
}
