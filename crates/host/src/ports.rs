//! Ports: privileges to bind, and owners.

use std::fmt;
use std::sync::OnceLock;

use crate::system;

/// The first port without privilege, unless the system says otherwise.
const USUAL_FIRST_UNPRIVILEGED: u16 = 1024;

/// A program with an open port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortOwner {
    /// The name of the program in the system.
    pub name: String,
    /// The number of the process.
    pub process: String,
}

impl fmt::Display for PortOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.process)
    }
}

/// Whether binding `port` takes a privilege: below 1024, or below the number set by an administrator of Linux
/// (`net.ipv4.ip_unprivileged_port_start`). macOS asks for no privilege at the wildcard addresses. The setting is read
/// once per process: call this before a sandbox closes the way to the file.
#[must_use]
pub fn is_privileged(port: u16) -> bool {
    static FIRST_UNPRIVILEGED: OnceLock<u16> = OnceLock::new();
    let first = *FIRST_UNPRIVILEGED
        .get_or_init(|| system::ports::first_unprivileged().unwrap_or(USUAL_FIRST_UNPRIVILEGED));
    port != 0 && port < first
}

/// The program that listens on `port` over UDP or TCP. Linux tells, and names programs of other users to root alone;
/// macOS and the BSDs tell nothing.
#[must_use]
pub fn owner(port: u16) -> Option<PortOwner> {
    system::ports::owner(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_finds_the_owner_of_a_port() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let owner = owner(socket.local_addr().unwrap().port());
        let own = std::process::id().to_string();
        assert_eq!(owner.is_some_and(|owner| owner.process == own), cfg!(target_os = "linux"));
    }
}
