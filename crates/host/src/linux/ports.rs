//! Ports, from the files of `/proc`.

use std::fs;
use std::path::Path;

use crate::ports::{PortListener, PortOwner};

/// The setting of the administrator (ip-sysctl).
pub(crate) fn first_unprivileged() -> Option<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").ok()?;
    text.trim().parse().ok()
}

pub(crate) fn owner(port: u16) -> Option<PortOwner> {
    let tables = ["udp", "udp6", "tcp", "tcp6"].map(|table| format!("/proc/net/{table}"));
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
        .find(|process| has_socket(&process.path(), &inodes))
        .map(|process| {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let process = process.file_name().to_string_lossy().into_owned();
            PortOwner { name: name.trim().to_owned(), process }
        })
}

pub(crate) fn listeners(_: u16) -> Vec<PortListener> {
    Vec::new()
}

/// Inodes of sockets in a table of `/proc/net`, bound to `port` and without a peer.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let read_line = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (local, remote) = (columns.get(1)?, columns.get(2)?);
        let listens = local.ends_with(&suffix) && remote.ends_with(":0000");
        listens.then(|| columns.get(9).map(|inode| (*inode).to_owned())).flatten()
    };
    table.lines().skip(1).filter_map(read_line).collect()
}

/// Whether a process has any of the sockets open.
fn has_socket(process: &Path, inodes: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors.flatten().any(|descriptor| {
        let target = fs::read_link(descriptor.path()).unwrap_or_default();
        let target = target.to_string_lossy();
        let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        inode.is_some_and(|inode| inodes.iter().any(|wanted| wanted == inode))
    })
}
