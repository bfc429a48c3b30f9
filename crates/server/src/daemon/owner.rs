//! Who has a port: for the person who wonders why it is taken.

use std::fs;
use std::path::Path;

/// The program that listens on `port` over UDP or TCP, as `name (process 123)`, where the system
/// tells us: on Linux, and of other users' programs only if we may look.
pub(super) fn of_port(port: u16) -> Option<String> {
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
            format!("{} (process {})", name.trim(), process.file_name().to_string_lossy())
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
            assert!(owner.unwrap().contains(&process));
        }
    }
}
