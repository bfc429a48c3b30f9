//! The sources of DNS settings on Linux.

mod dhclient;
mod dhcpcd;
mod dns_manager;
mod fields;
mod network_manager;
mod networkctl;
mod networkd;
mod nmcli;
pub(crate) mod reported;
mod resolv_conf;
mod resolvconf;
mod resolved;
mod tailscale;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::interfaces::Interface;
use crate::networks::{
    FactSource, HardwareNeighbour, LinkNaming, LinkNeighbour, ProgramUse, SourceReport,
};

/// The longest file that is read, in octets; the rest of a longer file is passed over.
const MAX_FILE: u64 = 1 << 20;
/// Files of a folder that are read, at most.
const MAX_FILES: usize = 1024;

/// Folders of the sources.
pub(crate) const FOLDERS: &[&str] = &[
    "/run/systemd/resolve",
    "/run/systemd/netif",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/dhcpcd",
    "/var/lib/dhcp",
    "/var/lib/dhclient",
    "/var/lib/NetworkManager",
];

/// Folders whose entries change with the settings.
pub(crate) const WRITTEN_FOLDERS: &[&str] = &[
    "/run/systemd/resolve",
    "/run/systemd/resolve/netif",
    "/run/systemd/netif/links",
    "/run/systemd/netif/leases",
    "/run/NetworkManager",
    "/run/resolvconf/interface",
    "/run/resolvconf/interfaces",
    "/run/resolvconf/keys",
    "/run/dhcpcd/hook-state/resolv.conf",
    "/run/dhcpcd/resolv.conf",
    "/var/lib/dhcp",
    "/var/lib/dhclient",
    super::paths::SWITCH_RUNTIME,
];

/// The folder of the settings that root reads for the daemon. The folder comes and goes with a service of root.
pub(crate) const REPORT_FOLDER: Option<&str> = Some(super::paths::SWITCH_RUNTIME);

/// What the sources below `root` tell of these interfaces. Where this process can read a source by itself, the report of
/// root, which may be older, does not count.
pub(crate) fn reports(
    root: &Path,
    programs: ProgramUse,
    interfaces: &[Interface],
) -> Vec<SourceReport> {
    let asked = match programs {
        ProgramUse::Allowed => ask_programs(root),
        ProgramUse::Forbidden => Vec::new(),
    };
    let mut reports = [
        resolved::reports(root),
        networkd::reports(root),
        asked,
        network_manager::reports(root),
        resolvconf::reports(root, interfaces),
        dhcpcd::reports(root, interfaces),
        dhclient::reports(root, interfaces),
        tailscale::reports(interfaces),
        resolv_conf::reports(root),
    ]
    .concat();
    let is_read = |report: &SourceReport, own: &SourceReport| {
        own.settings.source == report.settings.source && own.link == report.link
    };
    let mut reported = reported::reports(root, interfaces);
    reported.retain(|report| !reports.iter().any(|own| is_read(report, own)));
    reports.extend(reported);
    reports
}

/// What sources below `root` tell root alone.
pub(crate) fn hidden_reports(root: &Path, interfaces: &[Interface]) -> Vec<SourceReport> {
    [resolved::reports(root), ask_programs(root), dhclient::reports(root, interfaces)].concat()
}

/// The settings of the machine in the text of `/etc/resolv.conf` from before Zoners.
pub(crate) fn former_resolv_conf(text: &str) -> SourceReport {
    let settings = resolv_conf::settings(text, FactSource::FormerResolvConf);
    SourceReport { link: LinkNaming::Machine, settings }
}

fn ask_programs(root: &Path) -> Vec<SourceReport> {
    [dns_manager::complete(root, nmcli::ask(root)), networkctl::ask(root)].concat()
}

/// Rtnetlink has told the routers with the interfaces.
pub(crate) fn add_gateways(_: &mut [Interface]) {}

pub(crate) fn neighbours() -> Vec<LinkNeighbour> {
    super::neighbours::neighbours().unwrap_or_default()
}

/// The neighbours, of whatever link.
pub(crate) fn hardware_neighbours() -> Vec<HardwareNeighbour> {
    let neighbours = neighbours().into_iter();
    let known = neighbours.map(|LinkNeighbour { address, hardware_address, .. }| {
        HardwareNeighbour { address, hardware_address }
    });
    known.collect()
}

/// The text of a file; none for a missing file.
fn read(path: &Path) -> Option<String> {
    let mut octets = Vec::new();
    fs::File::open(path).ok()?.take(MAX_FILE).read_to_end(&mut octets).ok()?;
    Some(String::from_utf8_lossy(&octets).into_owned())
}

/// The place of an absolute path below `root`.
fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// The files of a folder with their names, in the order of the names; nothing for a missing folder.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.path()));
    let mut files: Vec<(String, PathBuf)> =
        entries.filter_map(named).filter(|(_, path)| path.is_file()).take(MAX_FILES).collect();
    files.sort_unstable();
    files
}

/// Texts of a folder whose files have the numbers of interfaces as names.
fn texts_by_index(folder: &Path) -> Vec<(u32, String)> {
    let text = |(name, path): (String, PathBuf)| Some((name.parse().ok()?, read(&path)?));
    files(folder).into_iter().filter_map(text).collect()
}

/// The interface that a record such as `eth0.dhclient` or `tun.wg0` is about: the longest name that is a part.
fn interface_in<'a>(record: &str, interfaces: &'a [Interface]) -> Option<&'a Interface> {
    let is_part = |interface: &&Interface| {
        let name = interface.name.as_str();
        let ends = |at: usize| record[at..].is_empty() || record[at..].starts_with(['.', ' ', ':']);
        let begins = |at: usize| record[..at].is_empty() || record[..at].ends_with(['.', ' ']);
        !name.is_empty()
            && record.match_indices(name).any(|(at, _)| begins(at) && ends(at + name.len()))
    };
    interfaces.iter().filter(is_part).max_by_key(|interface| interface.name.len())
}

#[cfg(test)]
mod tests;
