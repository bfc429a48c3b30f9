//! Ports, from the files of `/proc`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::ports::{OpenPort, PortListener, PortOwner};

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
        .flat_map(|table| waiting_sockets(&table, port))
        .map(|socket| socket.inode)
        .collect();
    owner_of(&inodes)
}

pub(crate) fn open(port: u16) -> Vec<OpenPort> {
    let tables = ["udp", "udp6", "tcp", "tcp6"];
    let sockets = tables.into_iter().flat_map(|table| {
        let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        let is_stream = table.starts_with("tcp");
        waiting_sockets(&text, port).into_iter().map(move |socket| (socket, is_stream))
    });
    let open = |(socket, is_stream): (WaitingSocket, bool)| {
        let owner = owner_of(&[socket.inode]);
        Some(OpenPort { address: socket.address?, is_stream, owner })
    };
    sockets.filter_map(open).collect()
}

/// The program with one of these sockets.
fn owner_of(inodes: &[String]) -> Option<PortOwner> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
        .find(|process| has_socket(&process.path(), inodes))
        .map(|process| {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let process = process.file_name().to_string_lossy().into_owned();
            PortOwner { name: name.trim().to_owned(), process }
        })
}

pub(crate) fn listeners(_: u16) -> Vec<PortListener> {
    Vec::new()
}

/// A socket bound to a port, without a peer.
struct WaitingSocket {
    address: Option<IpAddr>,
    inode: String,
}

/// Sockets in a table of `/proc/net`, bound to `port` and without a peer.
fn waiting_sockets(table: &str, port: u16) -> Vec<WaitingSocket> {
    let suffix = format!(":{port:04X}");
    let read_line = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (local, remote) = (columns.get(1)?, columns.get(2)?);
        let address = local.strip_suffix(suffix.as_str()).filter(|_| remote.ends_with(":0000"))?;
        let inode = (*columns.get(9)?).to_owned();
        Some(WaitingSocket { address: read_address(address), inode })
    };
    table.lines().skip(1).filter_map(read_line).collect()
}

/// An address in hexadecimal digits: words of 32 bits in the byte order of the machine.
fn read_address(digits: &str) -> Option<IpAddr> {
    let words = digits.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let octets: Vec<u8> = words.collect::<Option<Vec<_>>>()?.concat();
    match octets.len() {
        4 => octets.first_chunk::<4>().map(|ip| Ipv4Addr::from(*ip).into()),
        16 => octets.first_chunk::<16>().map(|ip| Ipv6Addr::from(*ip).into()),
        _ => None,
    }
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
