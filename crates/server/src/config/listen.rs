//! The addresses for clients, by the configuration or by default.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Config;

/// Where clients are served unless the configuration says otherwise: this machine alone.
const HERE: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// The port of DNS.
pub(crate) const PORT: u16 = 53;

/// Addresses to be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) addresses: Vec<SocketAddr>,
    /// The configuration names the addresses: each must be bound, unless absent from the machine.
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

    /// The ports of the addresses, in order.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.listens().addresses.iter().map(SocketAddr::port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}
