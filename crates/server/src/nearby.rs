//! Which clients are nearby: those that are served unless the configuration says otherwise.
//!
//! A home's computers have addresses of the whole Internet (IPv6), and so have a rented server's
//! neighbours, which are strangers. The link that they are on tells them apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::Prefix;
use zoners_host::interfaces::Interface;

/// Prefixes that no router brings from afar: loopback, private, link-local and unique local ones.
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
/// Addresses that providers put their customers behind, and that makers of tunnels use (RFC 6598).
const SHARED: (IpAddr, u8) = (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10);
/// Leading bits of a site (RFC 6177): what is said to be on a link and is larger is none.
const SITE_BITS: u8 = 48;
/// Prefixes beside those that always count: every packet from afar is held against all of them.
const MOST: usize = 256;

/// The prefixes of the clients nearby.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearby {
    /// The prefixes; those of which most clients are come first.
    pub prefixes: Vec<Prefix>,
    /// How many more there would be, if there were room for them.
    pub left_out: usize,
}

impl Nearby {
    /// Those that count on any machine.
    #[must_use]
    pub fn anywhere() -> Self {
        Nearby::of(&[])
    }

    /// Those of a machine that has these interfaces: beside what counts on any machine
    ///
    /// - the IPv6 prefixes of its links, if an interface on the link has a private address too;
    /// - what its tunnels lead to of 100.64.0.0/10, but for one that leads to everywhere;
    /// - its own addresses.
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
            match prefixes.len() < ALWAYS.len() + MOST {
                true => prefixes.push(prefix),
                false => left_out += 1,
            }
        }
        Nearby { prefixes, left_out }
    }
}

/// IPv6 prefixes of the link that an interface is on, where it is one of a home or an office. What lies at
/// the other end of a way to everywhere is no home.
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

/// What a tunnel leads to of the addresses that are shared.
fn tunnels(interface: &Interface) -> impl Iterator<Item = Prefix> {
    let shared = Prefix::of(SHARED.0, SHARED.1);
    let counts = interface.tunnel && !interface.default_route;
    routes(interface).filter(move |prefix| counts && shared.includes(prefix))
}

/// The prefixes that are reached through an interface.
fn routes(interface: &Interface) -> impl Iterator<Item = Prefix> {
    interface.routes.iter().map(|(address, bits)| Prefix::of(*address, *bits))
}

/// Whether an address is one of RFC 1918 or RFC 4193.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

#[cfg(test)]
mod tests;
