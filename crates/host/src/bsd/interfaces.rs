//! Interfaces of macOS and the BSDs, with probable prefixes: these systems do not tell routes without `unsafe`.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::SockaddrStorage;

use crate::interfaces::{Interface, LinkKind};
use crate::network::source_addresses;

/// The shared address space (RFC 6598): a tunnel with such an address leads to the whole space.
const SHARED_SPACE: (IpAddr, u8) = (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10);

pub(crate) fn interfaces() -> io::Result<Vec<Interface>> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for entry in getifaddrs()?.filter(|entry| entry.flags.contains(InterfaceFlags::IFF_UP)) {
        match interfaces.iter_mut().find(|known| known.name == entry.interface_name) {
            Some(known) => known.addresses.extend(own_address(&entry)),
            None => interfaces.push(Interface {
                name: entry.interface_name.clone(),
                index: index(&entry.interface_name).unwrap_or_default(),
                kind: kind(entry.flags),
                loopback: entry.flags.contains(InterfaceFlags::IFF_LOOPBACK),
                tunnel: entry.flags.contains(InterfaceFlags::IFF_POINTOPOINT),
                addresses: own_address(&entry).into_iter().collect(),
                ..Interface::default()
            }),
        }
    }
    guess_routes(&mut interfaces);
    Ok(interfaces)
}

pub(crate) fn index(name: &str) -> Option<u32> {
    if_nametoindex(name).ok()
}

/// Wi-Fi and Ethernet look the same here.
fn kind(flags: InterfaceFlags) -> LinkKind {
    match flags {
        _ if flags.contains(InterfaceFlags::IFF_LOOPBACK) => LinkKind::Loopback,
        _ if flags.contains(InterfaceFlags::IFF_POINTOPOINT) => LinkKind::Tunnel,
        _ if flags.contains(InterfaceFlags::IFF_BROADCAST) => LinkKind::Ethernet,
        _ => LinkKind::Unknown,
    }
}

fn own_address(entry: &InterfaceAddress) -> Option<(IpAddr, u8)> {
    let address = ip(entry.address.as_ref()?)?;
    let bits = match entry.netmask.as_ref().and_then(ip) {
        Some(IpAddr::V4(mask)) => u32::from(mask).leading_ones(),
        Some(IpAddr::V6(mask)) => u128::from(mask).leading_ones(),
        None => u32::MAX,
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    Some((address, bits.min(longest) as u8))
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

/// Gives each interface the prefixes of the addresses, and marks the interface of packets to far away.
fn guess_routes(interfaces: &mut [Interface]) {
    let sources = source_addresses();
    for interface in interfaces {
        let addresses = || interface.addresses.iter();
        interface.default_route = addresses().any(|(own, _)| sources.contains(&Some(*own)));
        let links = addresses().map(|(own, bits)| match interface.tunnel && is_shared(*own) {
            true => SHARED_SPACE,
            false => (*own, *bits),
        });
        interface.routes = links.collect();
    }
}

fn is_shared(address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let [first, second, ..] = address.octets();
    first == 100 && second & 0xc0 == 64
}
