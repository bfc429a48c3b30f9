//! Where clients are served, by the configuration or the lack of one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;

use super::Config;

/// Where clients are served unless the configuration says otherwise: this machine alone.
const HERE: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// The port of DNS.
pub(crate) const PORT: u16 = 53;
/// Ports below this one take a privilege, unless the system says otherwise.
const UNPRIVILEGED: u16 = 1024;

/// Addresses to be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) addresses: Vec<SocketAddr>,
    /// The configuration names them, so that all must be had, if they are there.
    pub(crate) configured: bool,
}

impl Wanted {
    /// A port of this machine.
    pub(crate) fn here(port: u16) -> Self {
        let addresses = HERE.map(|address| SocketAddr::new(address, port)).into();
        Wanted { addresses, configured: false }
    }
}

impl Config {
    /// Where clients shall be served.
    pub(crate) fn listens(&self) -> Wanted {
        match &self.server.listen {
            Some(addresses) => Wanted { addresses: addresses.clone(), configured: true },
            None => Wanted::here(PORT),
        }
    }

    /// The ports of these addresses, in order.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.listens().addresses.iter().map(SocketAddr::port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

/// Whether to bind `port` takes a privilege.
pub(crate) fn is_privileged(port: u16) -> bool {
    static FIRST: OnceLock<u16> = OnceLock::new();
    let first = *FIRST.get_or_init(|| {
        // Read once, as a sandbox may hide it later (ip-sysctl).
        let told = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
        told.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(UNPRIVILEGED)
    });
    port != 0 && port < first
}
