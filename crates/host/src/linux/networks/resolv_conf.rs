//! `/etc/resolv.conf` and files of that form.

use std::path::Path;

use super::{below, read};
use crate::networks::{DnsSettings, FactSource, LinkNaming, SourceReport};
use crate::resolvers::parse;

/// The file of the machine, and the servers behind the stub of systemd-resolved.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

pub(super) fn reports(root: &Path) -> Vec<SourceReport> {
    let texts = FILES.iter().filter_map(|file| read(&below(root, file)));
    let settings = texts.map(|text| settings(&text, FactSource::ResolvConf));
    settings.map(|settings| SourceReport { link: LinkNaming::Machine, settings }).collect()
}

/// The settings in a text of this form; none of a text that is malformed.
pub(super) fn settings(text: &str, source: FactSource) -> DnsSettings {
    let mut settings = DnsSettings::of(source);
    for resolver in parse(text.as_bytes()).unwrap_or_default() {
        settings.resolvers.extend(resolver.servers.into_iter().map(Into::into));
        settings.add_domains(resolver.search.iter().map(String::as_str));
    }
    settings
}
