//! Records of VPNs in resolvconf: servers that a VPN has named by resolvconf(8), as every program may.
//!
//! Debian's resolvconf keeps records in `/run/resolvconf/interface`, openresolv in `/run/resolvconf/interfaces`, and
//! openresolv from version 3.14 on in `/run/resolvconf/keys`. While our server is first in the list, these servers are
//! not asked, unlike servers that a VPN writes to `/etc/resolv.conf`.

use std::fs;
use std::path::Path;

use super::nameservers;
use crate::plan::SystemRoot;

const FOLDERS: [&str; 3] =
    ["/run/resolvconf/interface", "/run/resolvconf/interfaces", "/run/resolvconf/keys"];

/// Beginnings of names of tunnels. wg-quick(8) names a record `tun.wg0` where Debian's interface-order(5) exists.
/// strongSwan writes `lo.ipsec` and the server (`resolve_handler.c`). `ppp` is missing: such a link may be the uplink.
const TUNNELS: [&str; 10] =
    ["lo.ipsec", "tun", "tap", "wg", "vpn", "nordlynx", "proton", "tailscale", "ipsec", "gpd"];

/// The servers of a VPN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VpnRecord {
    /// The record, named by the interface.
    pub(super) name: String,
    pub(super) servers: Vec<String>,
}

/// The records with servers, by name.
pub(super) fn vpn_records(root: &SystemRoot) -> Vec<VpnRecord> {
    let mut records = Vec::new();
    for folder in FOLDERS {
        let entries = root.follow(Path::new(folder)).and_then(fs::read_dir);
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !TUNNELS.iter().any(|start| name.starts_with(start)) {
                continue;
            }
            let octets = fs::read(entry.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&octets).into_owned();
            let servers: Vec<String> = nameservers(&text).map(str::to_owned).collect();
            if !servers.is_empty() {
                records.push(VpnRecord { name, servers });
            }
        }
    }
    records.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    records
}
