//! resolvconf(8): a record for each interface and program, as of WireGuard's `wg-quick`.

use std::path::{Path, PathBuf};

use super::{below, files, interface_in, read, resolv_conf};
use crate::interfaces::Interface;
use crate::networks::{FactSource, LinkNaming, SourceReport};

/// The records of Debian's resolvconf, and of openresolv before and since version 3.13.
const FOLDERS: [&str; 3] =
    ["/run/resolvconf/interface", "/run/resolvconf/interfaces", "/run/resolvconf/keys"];

pub(super) fn reports(root: &Path, interfaces: &[Interface]) -> Vec<SourceReport> {
    let records = FOLDERS.iter().flat_map(|folder| files(&below(root, folder)));
    let report = |(name, path): (String, PathBuf)| {
        let interface = interface_in(&name, interfaces)?;
        let settings = resolv_conf::settings(&read(&path)?, FactSource::Resolvconf);
        Some(SourceReport { link: LinkNaming::Index(interface.index), settings })
    };
    records.filter_map(report).collect()
}
