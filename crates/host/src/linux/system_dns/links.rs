//! Servers of links in systemd-resolved, which are asked beside ours or in the place of ours.
//!
//! systemd-resolved sends a query to the servers with the longest matching domain (systemd-resolved.service(8)). Our
//! drop-in has the domain `~.`; a link of a VPN may have a longer domain, or `~.` too, and then both are asked. D-Bus is
//! not needed: settings given by programs lie in `/run/systemd/resolve/netif` (`link_save_user` in systemd's
//! `resolved-link.c`), settings of systemd-networkd in `/run/systemd/netif/links` (`networkd-state-file.c`). The first
//! folder is open to root alone, and so the service reads, and reports in a file for every user.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::condition_file::FOLDER;
use super::resolved::DROP_IN;
use crate::plan::SystemRoot;

/// Folders with a file for each link, named by the index, and the keys for servers and domains.
const FOLDERS: [(&str, &str, &[&str]); 2] = [
    ("/run/systemd/resolve/netif", "SERVERS", &["DOMAINS"]),
    ("/run/systemd/netif/links", "DNS", &["DOMAINS", "ROUTE_DOMAINS"]),
];
const INTERFACES: &str = "/sys/class/net";
const FILE: &str = "links.json";

/// The servers of a link, with domains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkServers {
    /// The interface.
    pub interface: String,
    /// The servers, as written by systemd.
    pub servers: Vec<String>,
    /// The domains without `~`, and `.` for all names.
    pub domains: Vec<String>,
}

/// The links with servers for names that programs ask of systemd-resolved; none where systemd-resolved does not ask
/// our server.
#[must_use]
pub fn read_links(root: &SystemRoot) -> Vec<LinkServers> {
    let asks_us = root.locate(Path::new(DROP_IN)).is_ok_and(|drop_in| drop_in.is_file());
    if !asks_us {
        return Vec::new();
    }
    let mut links: Vec<LinkServers> = Vec::new();
    for (interface, index) in interfaces(root) {
        for (folder, servers, domains) in FOLDERS {
            let Some(text) = text(root, &Path::new(folder).join(&index)) else { continue };
            let words = |key: &str| value(&text, key).split_whitespace().map(str::to_owned);
            let domains = domains.iter().flat_map(|key| words(key)).map(|domain| plain(&domain));
            let (servers, domains): (Vec<_>, Vec<_>) =
                (words(servers).collect(), domains.collect());
            if !servers.is_empty() && !domains.is_empty() {
                links.push(LinkServers { interface, servers, domains });
                break;
            }
        }
    }
    links
}

/// Writes the report beside the condition.
///
/// # Errors
/// The file cannot be written.
pub fn write_links(root: &SystemRoot, links: &[LinkServers]) -> io::Result<()> {
    let place = root.locate(&Path::new(FOLDER).join(FILE))?;
    let text = serde_json::to_vec(links)?;
    zoners_files::replace(&place, 0o644, |file| file.write_all(&text))
}

/// The links in the report of the service; none without a report.
#[must_use]
pub fn reported_links(root: &SystemRoot) -> Vec<LinkServers> {
    let text = text(root, &Path::new(FOLDER).join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Names and indexes, sorted by name.
fn interfaces(root: &SystemRoot) -> Vec<(String, String)> {
    let folder = root.follow(Path::new(INTERFACES)).and_then(fs::read_dir);
    let names = folder.into_iter().flatten().flatten().map(|entry| entry.file_name());
    let index = |name: &str| text(root, &Path::new(INTERFACES).join(name).join("ifindex"));
    let with_index = |name: String| index(&name).map(|index| (name, index.trim().to_owned()));
    let mut interfaces: Vec<_> =
        names.filter_map(|name| with_index(name.to_string_lossy().into_owned())).collect();
    interfaces.sort_unstable();
    interfaces
}

fn text(root: &SystemRoot, path: &Path) -> Option<String> {
    let octets = root.follow(path).and_then(fs::read).ok()?;
    Some(String::from_utf8_lossy(&octets).into_owned())
}

/// The value of a key, without quotes (os-release(5) has the same format).
fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let mut values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.next_back().unwrap_or_default().trim_matches('"')
}

/// A domain without the marks of systemd: `~corp.example` is `corp.example`, and `~.` is `.`.
fn plain(domain: &str) -> String {
    match domain.trim_start_matches('~').trim_end_matches('.') {
        "" => ".".to_owned(),
        domain => domain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::world::World;

    #[test]
    fn links_of_both_programs_are_found_by_index_and_reported() {
        let world = World::new();
        world.write("sys/class/net/tun0/ifindex", "7\n");
        world.write("sys/class/net/eth0/ifindex", "2\n");
        world.write("sys/class/net/lo/ifindex", "1\n");
        world.write("sys/class/net/wg0/ifindex", "9\n");
        world.write(
            "run/systemd/resolve/netif/7",
            "# This is private data. Do not parse.\nLLMNR=yes\nSERVERS=10.8.0.1 10.8.0.2\n\
             DOMAINS=~. corp.example\n",
        );
        world.write(
            "run/systemd/netif/links/2",
            "# This is private data. Do not parse.\nOPER_STATE=routable\nDNS=192.0.2.1\n\
             DOMAINS=lan\nROUTE_DOMAINS=2.0.192.in-addr.arpa\n",
        );
        // Servers without a domain are not asked, since ours have one.
        world.write("run/systemd/resolve/netif/9", "SERVERS=10.9.0.1\nDEFAULT_ROUTE=yes\n");
        assert_eq!(read_links(&world.root), [], "systemd-resolved does not ask us");
        world.write("run/systemd/resolved.conf.d/zoners.conf", "");
        let link = |interface: &str, servers: &[&str], domains: &[&str]| LinkServers {
            interface: interface.to_owned(),
            servers: servers.iter().map(ToString::to_string).collect(),
            domains: domains.iter().map(ToString::to_string).collect(),
        };
        let links = read_links(&world.root);
        let expected = [
            link("eth0", &["192.0.2.1"], &["lan", "2.0.192.in-addr.arpa"]),
            link("tun0", &["10.8.0.1", "10.8.0.2"], &[".", "corp.example"]),
        ];
        assert_eq!(links, expected);
        fs::create_dir(world.at("run/zoners-dns")).unwrap();
        write_links(&world.root, &links).unwrap();
        assert_eq!(reported_links(&world.root), expected);
    }
}
