//! systemd-resolved: settings of links that programs made over D-Bus, as VPNs and NetworkManager do.
//!
//! The daemon keeps such settings in a file for each link, for its own restart (`link_save_user` in its source), and
//! removes the file with the link. Settings of systemd-networkd are not in there.

use std::path::Path;

use super::fields::Fields;
use super::{below, texts_by_index};
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport, resolver};

const FOLDER: &str = "/run/systemd/resolve/netif";

pub(super) fn reports(root: &Path) -> Vec<SourceReport> {
    let texts = texts_by_index(&below(root, FOLDER));
    let report = |(index, text): &(u32, String)| SourceReport {
        link: LinkNaming::Index(*index),
        settings: settings(text),
    };
    texts.iter().map(report).collect()
}

fn settings(text: &str) -> DnsSettings {
    let fields = Fields::of(text);
    let mut settings = DnsSettings {
        resolvers: fields.words("SERVERS").filter_map(resolver).collect(),
        takes_other_names: fields.truth("DEFAULT_ROUTE"),
        ..DnsSettings::of(FactSource::Resolved)
    };
    settings.add_domains(fields.words("DOMAINS"));
    settings
}
