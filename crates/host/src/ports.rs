//! Ports: privileges to bind, and owners.

pub mod system_proxy;

use std::fmt;
use std::net::IpAddr;
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

/// A socket of a program, waiting for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortListener {
    /// The program.
    pub owner: PortOwner,
    /// The address of the socket; the wildcard for every address of the family.
    pub address: IpAddr,
    /// TCP; else UDP.
    pub is_stream: bool,
}

impl fmt::Display for PortOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.process)
    }
}

/// Whether binding `port` takes a privilege: below 1024, or below the number set by an administrator of Linux
/// (`net.ipv4.ip_unprivileged_port_start`) or FreeBSD (`net.inet.ip.portrange.reservedhigh`). macOS asks for no
/// privilege at the wildcard addresses. The setting is read once per process: call this before a sandbox closes the way
/// to the file.
#[must_use]
pub fn is_privileged(port: u16) -> bool {
    static FIRST_UNPRIVILEGED: OnceLock<u16> = OnceLock::new();
    let first = *FIRST_UNPRIVILEGED
        .get_or_init(|| system::ports::first_unprivileged().unwrap_or(USUAL_FIRST_UNPRIVILEGED));
    port != 0 && port < first
}

/// The program that listens on `port` over UDP or TCP. The systems name programs of other users to root alone.
#[must_use]
pub fn owner(port: u16) -> Option<PortOwner> {
    system::ports::owner(port)
}

/// The sockets that wait for clients on `port`, told by programs of macOS (`lsof`) and the BSDs (`sockstat`, `fstat`).
/// Empty on Linux, where [`owner`] is enough.
#[must_use]
pub fn listeners(port: u16) -> Vec<PortListener> {
    system::ports::listeners(port)
}

/// A socket that waits for clients, with the program if the system tells this user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPort {
    /// The address of the socket; the wildcard for every address of the family.
    pub address: IpAddr,
    /// TCP; else UDP.
    pub is_stream: bool,
    /// The program.
    pub owner: Option<PortOwner>,
}

/// Every socket that waits for clients on `port`, on every system.
#[must_use]
pub fn open(port: u16) -> Vec<OpenPort> {
    system::ports::open(port)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Listeners as texts.
    pub(crate) fn shown(listeners: &[PortListener]) -> Vec<String> {
        let protocol = |listener: &PortListener| if listener.is_stream { "TCP" } else { "UDP" };
        let show = |listener: &PortListener| {
            format!("{} {} {}", listener.owner, protocol(listener), listener.address)
        };
        listeners.iter().map(show).collect()
    }

    #[test]
    fn the_owner_of_a_port_is_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let owner = owner(socket.local_addr().unwrap().port());
        assert_eq!(owner.map(|owner| owner.process), Some(std::process::id().to_string()));
    }

    #[test]
    fn open_ports_have_family_and_transport() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let found = open(port);
        let own = found.iter().find(|open| open.is_stream).unwrap();
        assert_eq!(own.address, IpAddr::from([127, 0, 0, 1]));
        let process = own.owner.as_ref().map(|owner| owner.process.clone());
        assert_eq!(process, Some(std::process::id().to_string()));
    }
}
