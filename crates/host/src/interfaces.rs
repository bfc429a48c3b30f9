//! The network interfaces of this machine: addresses, and prefixes reached without a gateway.

use std::io;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::system;

/// The kind of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// Ethernet, or a link that looks like Ethernet.
    Ethernet,
    /// Wi-Fi.
    Wireless,
    /// A modem of a mobile network.
    Mobile,
    /// A tunnel or a line to one machine, as of a VPN.
    Tunnel,
    /// A bridge of this machine, as of containers.
    Bridge,
    /// This machine alone.
    Loopback,
    /// Any further kind.
    #[default]
    #[serde(other)]
    Unknown,
}

/// An interface, up and running.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The name of the interface in the system.
    pub name: String,
    /// The number of the interface in the system.
    pub index: u32,
    /// The kind of the link, as far as the system tells.
    pub kind: LinkKind,
    /// The interface leads to this machine alone.
    pub loopback: bool,
    /// The interface is a tunnel or a line to one machine, and no link with neighbours.
    pub tunnel: bool,
    /// Packets to everywhere may leave through the interface, even if a different interface is preferred.
    pub default_route: bool,
    /// The routers of these routes, each with the metric; no router on a line to one machine. Linux alone tells.
    pub gateways: Vec<(Option<IpAddr>, u32)>,
    /// The addresses of the interface, each with the bits of the prefix.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Prefixes reached through the interface without a gateway: an address and the leading bits that count.
    pub routes: Vec<(IpAddr, u8)>,
}

/// The interfaces in use. Linux tells their routes; macOS and the BSDs do not without `unsafe`, so there the prefix of
/// each address counts as a route.
///
/// # Errors
/// The system does not tell.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    system::interfaces::interfaces()
}

/// The number of the interface of this name, which the zone of a link-local address may be.
#[must_use]
pub fn index(name: &str) -> Option<u32> {
    system::interfaces::index(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_loopback_interface() {
        let interfaces = interfaces().unwrap();
        let own = interfaces.iter().find(|interface| interface.loopback).unwrap();
        assert!(!own.name.is_empty() && !own.tunnel && !own.default_route, "{own:?}");
        assert!(own.addresses.contains(&([127, 0, 0, 1].into(), 8)), "{own:?}");
        assert!(index(&own.name).is_some_and(|number| number > 0));
        assert_eq!(index("../net/lo"), None);
    }
}
