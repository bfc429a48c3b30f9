//! Reports of network changes, and the default route, by Linux.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

/// `RTMGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR` and `_IPV6_ROUTE`.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// A socket for reports: readable when links, addresses or routes change.
pub(crate) fn event_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    Ok(socket)
}

pub(crate) fn gateway() -> Option<Ipv4Addr> {
    fs::read_to_string("/proc/net/route").ok().and_then(|table| read_gateway(&table))
}

/// The table has addresses in hexadecimal digits, in the byte order of the machine.
fn read_gateway(table: &str) -> Option<Ipv4Addr> {
    let mut routes = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let route = routes.find(|words| words.get(1) == Some(&"00000000"))?;
    let octets = u32::from_str_radix(route.get(2)?, 16).ok()?;
    (octets != 0).then(|| Ipv4Addr::from(octets.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_is_found() {
        let table = "Iface\tDestination\tGateway\tFlags\n\
                     eth0\t000200C0\t00000000\t0001\n\
                     eth0\t00000000\t010200C0\t0003\n";
        let expected = Ipv4Addr::from(0x0102_00C0_u32.to_ne_bytes());
        assert_eq!(read_gateway(table), Some(expected));
        assert_eq!(read_gateway("Iface\tDestination\tGateway\n"), None);
        assert_eq!(read_gateway("x\neth0\t00000000\tnonsense\n"), None);
    }
}
