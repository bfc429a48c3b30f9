//! The owner of a port: for the person who wonders why it is taken.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use crate::config::Config;
use crate::{control, runtime};

/// What the system calls Zoners.
const OURS: &str = "zoners";

/// A program that runs.
#[derive(Debug)]
pub(super) struct Owner {
    name: String,
    process: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.process)
    }
}

/// The process of another Zoners that serves where `config` wants to, if there is one, as the control socket
/// or the system tells.
pub(super) fn running(config: &Config) -> Option<String> {
    let wanted = config.listens().addresses;
    let status = control::status(&runtime::sockets(config.server.control.as_deref()));
    let listens = status.iter().flat_map(|status| status["listen"].as_array()).flatten();
    let mut listens = listens.filter_map(|address| address.as_str()?.parse::<SocketAddr>().ok());
    if listens.any(|other| wanted.iter().any(|own| collide(*own, other))) {
        return status.map(|status| status["process"].to_string());
    }
    let owner = wanted.iter().find_map(|address| of_port(address.port()))?;
    Some(owner).filter(|owner| owner.name == OURS).map(|owner| owner.process)
}

/// Whether two addresses cannot be bound by different processes.
pub(super) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let either_is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip() == other.ip() || either_is_any)
}

/// The program that listens on `port` over UDP or TCP, where the system tells: on Linux, and of programs of
/// other users only to root.
pub(super) fn of_port(port: u16) -> Option<Owner> {
    let tables = ["udp", "udp6", "tcp", "tcp6"].map(|table| format!("/proc/net/{table}"));
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| inodes(&table, port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
        .find(|process| holds(&process.path(), &inodes))
        .map(|process| {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let process = process.file_name().to_string_lossy().into_owned();
            Owner { name: name.trim().to_owned(), process }
        })
}

/// Inodes of the sockets in a table of /proc/net that are bound to `port` and wait for anyone.
fn inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (local, remote) = (columns.get(1)?, columns.get(2)?);
        let waits = local.ends_with(&suffix) && remote.ends_with(":0000");
        waits.then(|| columns.get(9).map(|inode| (*inode).to_owned())).flatten()
    };
    table.lines().skip(1).filter_map(of_line).collect()
}

fn holds(process: &Path, inodes: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors.flatten().any(|descriptor| {
        let target = fs::read_link(descriptor.path()).unwrap_or_default();
        let target = target.to_string_lossy();
        let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        inode.is_some_and(|inode| inodes.iter().any(|wanted| wanted == inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_our_own_is_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let owner = of_port(socket.local_addr().unwrap().port());
        if cfg!(target_os = "linux") {
            let process = std::process::id().to_string();
            assert_eq!(owner.unwrap().process, process);
        }
    }

    #[test]
    fn addresses_collide_if_one_is_the_other_or_any() {
        let collide =
            |one: &str, other: &str| collide(one.parse().unwrap(), other.parse().unwrap());
        assert!(collide("127.0.0.1:53", "127.0.0.1:53") && collide("0.0.0.0:53", "127.0.0.1:53"));
        assert!(collide("[::1]:53", "[::]:53"));
        assert!(!collide("127.0.0.1:53", "127.0.0.2:53") && !collide("0.0.0.0:53", "127.0.0.1:54"));
        assert!(!collide("0.0.0.0:53", "[::1]:53"));
    }
}
