//! Interfaces of macOS and the BSDs, and what most likely is reached through them: these systems do not
//! tell their routes without `unsafe`.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;
use zoners_dns::Prefix;

use super::Interface;
use crate::changes;

/// Addresses that carriers and tunnels share (RFC 6598): a tunnel has one, and leads to all the others.
const SHARED: (IpAddr, u8) = (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10);

pub(super) fn interfaces() -> io::Result<Vec<Interface>> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for told in getifaddrs()?.filter(|told| told.flags.contains(InterfaceFlags::IFF_UP)) {
        match interfaces.iter_mut().find(|known| known.name == told.interface_name) {
            Some(known) => known.addresses.extend(own_address(&told)),
            None => interfaces.push(Interface {
                name: told.interface_name.clone(),
                loopback: told.flags.contains(InterfaceFlags::IFF_LOOPBACK),
                tunnel: told.flags.contains(InterfaceFlags::IFF_POINTOPOINT),
                addresses: own_address(&told).into_iter().collect(),
                ..Interface::default()
            }),
        }
    }
    guess_routes(&mut interfaces);
    Ok(interfaces)
}

fn own_address(told: &InterfaceAddress) -> Option<(IpAddr, u8)> {
    let address = ip(told.address.as_ref()?)?;
    let bits = match told.netmask.as_ref().and_then(ip) {
        Some(IpAddr::V4(mask)) => u32::from(mask).leading_ones(),
        Some(IpAddr::V6(mask)) => u128::from(mask).leading_ones(),
        None => u32::MAX,
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    Some((address, bits.min(most) as u8))
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

/// Notes of each interface the prefixes of its addresses, and by which one packets to far away leave.
fn guess_routes(interfaces: &mut [Interface]) {
    let sources = changes::sources();
    let shared = Prefix::of(SHARED.0, SHARED.1);
    for interface in interfaces {
        let addresses = || interface.addresses.iter();
        interface.default_route = addresses().any(|(own, _)| sources.contains(&Some(*own)));
        let links =
            addresses().map(|(own, bits)| match interface.tunnel && shared.contains(*own) {
                true => shared,
                false => Prefix::of(*own, *bits),
            });
        interface.routes = links.collect();
    }
}
