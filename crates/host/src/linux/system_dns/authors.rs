//! The author of `/etc/resolv.conf`, by the lines with which programs sign the file.

use std::collections::BTreeSet;
use std::path::Path;

use crate::dns_switch::DnsAuthor;
use crate::plan::SystemRoot;

/// The kind and the name of an author.
#[derive(Clone, Copy, Debug)]
enum SignatureAuthor {
    Vpn(&'static str),
    Container(&'static str),
    Network(&'static str),
}

use SignatureAuthor::{Container, Network, Vpn};

/// Words of the lines in small letters, each below the program and the file that writes the line (or the document in
/// which the line was seen), and the author. VPNs come first, as a file may have a line of the network below;
/// NetworkManager and DHCP clients come before cloud-init, whose line stays at the top of their files.
const SIGNATURES: [(&str, SignatureAuthor); 20] = [
    // tailscale/tailscale, net/dns/direct.go
    ("tailscale", Vpn("Tailscale")),
    // NordSecurity/nordvpn-linux, daemon/dns/dns_resolvconf_file.go
    ("nordvpn", Vpn("NordVPN")),
    // netbirdio/netbird, client/internal/dns/file_unix.go
    ("netbird", Vpn("NetBird")),
    // vpnc-scripts, vpnc-script
    ("@vpnc_generated@", Vpn("vpnc or OpenConnect")),
    // strongswan/strongswan, src/libcharon/plugins/resolve/resolve_handler.c
    ("by strongswan", Vpn("strongSwan")),
    // documentation of Cloudflare One, troubleshooting of the client
    ("cloudflare-warp", Vpn("Cloudflare WARP")),
    // AirVPN/Eddie, description of DNS management
    ("created by eddie", Vpn("Eddie (AirVPN)")),
    // No program but a VPN writes these two words; so further VPNs are known by their names.
    ("vpn", Vpn("a VPN")),
    ("wireguard", Vpn("WireGuard")),
    // moby/moby, libnetwork/internal/resolvconf
    ("docker engine", Container("Docker")),
    // NetworkManager/NetworkManager, src/core/dns/nm-dns-manager.c
    ("by networkmanager", Network("NetworkManager")),
    // dhclient-script of Fedora and Red Hat
    ("dhclient", Network("dhclient")),
    // NetworkConfiguration/dhcpcd, hooks/20-resolv.conf
    ("by dhcpcd", Network("dhcpcd")),
    // scripts of busybox's udhcpc, as distributions have them
    ("by udhcpc", Network("udhcpc")),
    // Debian's resolvconf, /etc/resolvconf/resolv.conf.d/head; NetworkConfiguration/openresolv, libc.in
    ("by resolvconf", Network("resolvconf")),
    // systemd/systemd, src/resolve/resolved-resolv-conf.c
    ("systemd-resolved", Network("systemd-resolved")),
    // ConnMan, src/resolver.c
    ("by connection manager", Network("ConnMan")),
    // netconfig of SUSE, in reports of users
    ("by netconfig", Network("netconfig")),
    // MicrosoftDocs/WSL, troubleshooting
    ("by wsl", Network("WSL")),
    // canonical/cloud-init, templates/resolv.conf.tmpl and cloudinit/net/sysconfig.py
    ("cloud-init", Network("cloud-init")),
];

/// VPNs that write a file without a comment, by the backup of the former file: Mullvad (mullvad/mullvadvpn-app,
/// talpid-dns/src/linux/static_resolv_conf.rs).
const BACKUPS: [(&str, &str); 1] = [("/etc/resolv.conf.mullvadbackup", "Mullvad VPN")];

/// DHCP clients that write no comment: Debian's dhclient (isc-projects/dhcp, client/scripts/linux), some scripts of
/// udhcpc, and pppd.
const SILENT: [&str; 3] = ["dhclient", "udhcpc", "pppd"];

/// The author by the comments of the file.
pub(super) fn author(text: &str) -> DnsAuthor {
    let comments: Vec<String> = comments(text).collect();
    let is_named = |word: &str| comments.iter().any(|comment| comment.contains(word));
    let signature = SIGNATURES.into_iter().find(|(word, _)| is_named(word));
    match signature.map(|(_, author)| author) {
        Some(Vpn(name)) => DnsAuthor::Vpn(name.to_owned()),
        Some(Container(name)) => DnsAuthor::ContainerEngine(name.to_owned()),
        Some(Network(name)) => DnsAuthor::Network(name.to_owned()),
        None => DnsAuthor::Unknown,
    }
}

/// Comments in small letters: lines, and ends of lines.
pub(super) fn comments(text: &str) -> impl Iterator<Item = String> {
    let comment =
        |line: &str| line.find(['#', ';']).and_then(|at| line.get(at..)).map(str::to_lowercase);
    text.lines().filter_map(comment)
}

/// The author of a file without a comment, by backups of the former file.
pub(super) fn author_by_backup(root: &SystemRoot) -> Option<DnsAuthor> {
    let is_there = |path: &str| root.locate(Path::new(path)).is_ok_and(|place| place.is_file());
    let found = BACKUPS.into_iter().find(|(path, _)| is_there(path));
    found.map(|(_, name)| DnsAuthor::Vpn(name.to_owned()))
}

/// The author of a file without a comment, by the programs that run.
pub(super) fn silent_author(programs: &BTreeSet<String>) -> DnsAuthor {
    let runs = SILENT.into_iter().find(|program| programs.contains(*program));
    runs.map_or(DnsAuthor::Unknown, |name| DnsAuthor::Network(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the programs, in the order of the table.
    const LINES: [&str; SIGNATURES.len()] = [
        "# resolv.conf(5) file generated by tailscale",
        "# Generated by NordVPN",
        "# Generated by NetBird",
        "#@VPNC_GENERATED@ -- this file is generated by vpnc",
        "nameserver 10.0.0.1   # by strongSwan",
        "# This file was generated by cloudflare-warp.",
        "# Created by Eddie. Do not edit.",
        "# by my VPN",
        "# by WireGuard",
        "# Generated by Docker Engine.",
        "# Generated by NetworkManager",
        "; generated by /usr/sbin/dhclient-script",
        "# Generated by dhcpcd from eth0.dhcp",
        "# Generated by udhcpc",
        "# Dynamic resolv.conf(5) file for glibc resolver(3) generated by resolvconf(8)",
        "# This file is managed by man:systemd-resolved(8). Do not edit.",
        "# Generated by Connection Manager",
        "### autogenerated by netconfig!",
        "# This file was automatically generated by WSL. To stop automatic generation of this file, …",
        "# As a result, cloud-init has written this file with configuration data",
    ];

    #[test]
    fn each_program_is_known_by_the_line_that_it_writes() {
        for ((word, own), line) in SIGNATURES.into_iter().zip(LINES) {
            assert!(line.to_lowercase().contains(word), "{word}: {line}");
            let own = match own {
                Vpn(name) => DnsAuthor::Vpn(name.to_owned()),
                Container(name) => DnsAuthor::ContainerEngine(name.to_owned()),
                Network(name) => DnsAuthor::Network(name.to_owned()),
            };
            assert_eq!(author(&format!("{line}\nnameserver 192.0.2.1\n")), own, "{line}");
        }
    }

    #[test]
    fn the_vpn_counts_above_lines_of_the_network_and_an_own_comment_names_no_program() {
        let network = |name: &str| DnsAuthor::Network(name.to_owned());
        for (text, expected) in [
            (
                "#@VPNC_GENERATED@ -- this file is generated by vpnc\n# Generated by dhcpcd\n",
                DnsAuthor::Vpn("vpnc or OpenConnect".to_owned()),
            ),
            (
                "# resolv.conf(5) file generated by tailscale\n\
                 # For more info, see https://tailscale.com/s/resolvconf-overwrite\n",
                DnsAuthor::Vpn("Tailscale".to_owned()),
            ),
            (
                "; Created by cloud-init on instance boot automatically, do not edit.\n\
                 ; generated by /usr/sbin/dhclient-script\n",
                network("dhclient"),
            ),
            ("; Created by cloud-init on instance boot automatically\n", network("cloud-init")),
            ("# Generated by resolvconf\n", network("resolvconf")),
            ("# my own servers\n", DnsAuthor::Unknown),
            ("", DnsAuthor::Unknown),
        ] {
            assert_eq!(author(text), expected, "{text}");
        }
        assert_eq!(silent_author(&BTreeSet::from(["dhclient".to_owned()])), network("dhclient"));
        assert_eq!(silent_author(&BTreeSet::new()), DnsAuthor::Unknown);
    }
}
