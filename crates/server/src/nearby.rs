//! Clients nearby: served unless the configuration says otherwise.
//!
//! The computers of a home have addresses of the whole Internet (IPv6), and so have the neighbours of a rented server,
//! which are strangers. The link of the machine tells homes from data centres.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::Prefix;
use zoners_host::interfaces::Interface;

/// Prefixes without routes from afar: loopback, private, link-local and unique local ones.
const ALWAYS: [(IpAddr, u8); 8] = [
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];
/// The shared address space of carriers, which makers of tunnels use as well (RFC 6598).
const SHARED_SPACE: (IpAddr, u8) = (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10);
/// Leading bits of a site (RFC 6177): a larger prefix is no link, whatever the system says.
const SITE_BITS: u8 = 48;
/// Prefixes beside [`ALWAYS`]: every packet from afar is compared with each.
const MAX_PREFIXES: usize = 256;

/// The prefixes of the clients nearby.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearby {
    /// The prefixes; prefixes of many clients come first.
    pub prefixes: Vec<Prefix>,
    /// The number of prefixes left out for want of room.
    pub left_out: usize,
}

impl Nearby {
    /// The prefixes of any machine.
    #[must_use]
    pub fn anywhere() -> Self {
        Nearby::of(&[])
    }

    /// The prefixes of a machine with these interfaces. Beside the prefixes of any machine:
    ///
    /// - the IPv6 prefixes of links, if an interface on the link has a private address too;
    /// - the routes of tunnels within 100.64.0.0/10, except tunnels with a route to everywhere;
    /// - the addresses of the machine itself.
    #[must_use]
    pub fn of(interfaces: &[Interface]) -> Self {
        let links = interfaces.iter().flat_map(links);
        let tunnels = interfaces.iter().flat_map(tunnels);
        let own = interfaces.iter().flat_map(|interface| &interface.addresses);
        let own = own.map(|(address, _)| Prefix::from(*address));
        let mut prefixes: Vec<Prefix> =
            ALWAYS.map(|(address, bits)| Prefix::of(address, bits)).into();
        let mut left_out = 0;
        for prefix in links.chain(tunnels).chain(own) {
            if prefixes.iter().any(|known| known.includes(&prefix)) {
                continue;
            }
            match prefixes.len() < ALWAYS.len() + MAX_PREFIXES {
                true => prefixes.push(prefix),
                false => left_out += 1,
            }
        }
        Nearby { prefixes, left_out }
    }
}

/// IPv6 prefixes of the link of an interface, in a home or an office. The far end of a tunnel to everywhere is no
/// home.
fn links(interface: &Interface) -> impl Iterator<Item = Prefix> {
    let is_provider = interface.tunnel && interface.default_route;
    let is_private = interface.addresses.iter().any(|(address, _)| is_private(*address));
    let is_home = is_private && !is_provider && !interface.loopback;
    let is_own = |prefix: &Prefix| {
        let has = |(address, _): &(IpAddr, u8)| address.is_ipv6() && prefix.contains(*address);
        prefix.bits() >= SITE_BITS && interface.addresses.iter().any(has)
    };
    routes(interface).filter(move |prefix| is_home && is_own(prefix))
}

/// The routes of a tunnel within the shared address space.
fn tunnels(interface: &Interface) -> impl Iterator<Item = Prefix> {
    let shared = Prefix::of(SHARED_SPACE.0, SHARED_SPACE.1);
    let counts = interface.tunnel && !interface.default_route;
    routes(interface).filter(move |prefix| counts && shared.includes(prefix))
}

/// The prefixes reached through an interface.
fn routes(interface: &Interface) -> impl Iterator<Item = Prefix> {
    interface.routes.iter().map(|(address, bits)| Prefix::of(*address, *bits))
}

/// Whether an address is private (RFC 1918) or unique local (RFC 4193).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

#[cfg(test)]
mod tests;
