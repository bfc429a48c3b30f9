//! NetworkManager: the files that it writes for the machine as a whole. `nmcli` tells of links.

use std::path::Path;

use super::{below, read, resolv_conf};
use crate::networks::{FactSource, LinkNaming, SourceReport};

/// The resolvers themselves, and the same file where a local resolver may stand in their place.
const FILES: [&str; 2] =
    ["/run/NetworkManager/no-stub-resolv.conf", "/run/NetworkManager/resolv.conf"];

pub(super) fn reports(root: &Path) -> Vec<SourceReport> {
    let text = FILES.iter().find_map(|file| read(&below(root, file)));
    let settings = text.map(|text| resolv_conf::settings(&text, FactSource::NetworkManager));
    let report = settings.map(|settings| SourceReport { link: LinkNaming::Machine, settings });
    report.into_iter().collect()
}
