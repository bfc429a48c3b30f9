//! Interfaces of Linux, from rtnetlink(7).

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::IpAddr;

use super::netlink::{address, ask, attributes, number, short_length, split};
use crate::interfaces::{Interface, LinkKind};

/// The highest number of interfaces, addresses, and routes of a family; a machine with more is no machine of a home.
const MAX_ENTRIES: usize = 16_384;
/// The address families, and the number of leading bits up to which a route leads to everywhere: VPN programs split
/// the default route into two halves, or make one route to the whole of the assigned IPv6 space.
const FAMILIES: [(u8, u8); 2] = [(libc::AF_INET as u8, 1), (libc::AF_INET6 as u8, 3)];

/// A router of the other address family (rtnetlink.h); musl has no name for the number.
const RTA_VIA: u16 = 18;
/// A modem that carries packets without frames (if_arp.h); libc has no name for the number.
const ARPHRD_RAWIP: u16 = 519;
/// Octets of `struct ifinfomsg`, `struct ifaddrmsg`, `struct rtmsg` and `struct rtnexthop`.
const LINK_HEAD: usize = 16;
const ADDRESS_HEAD: usize = 8;
const ROUTE_HEAD: usize = 12;
const HOP_HEAD: usize = 8;

/// Interfaces by number, as addresses and routes name them.
type ByNumber = HashMap<u32, Interface>;

pub(crate) fn index(name: &str) -> Option<u32> {
    let is_name = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    let text =
        is_name.then(|| fs::read_to_string(format!("/sys/class/net/{name}/ifindex")))?.ok()?;
    text.trim().parse().ok()
}

pub(crate) fn interfaces() -> io::Result<Vec<Interface>> {
    let mut known = ByNumber::new();
    ask(libc::RTM_GETLINK, libc::AF_UNSPEC as u8, MAX_ENTRIES, |link| {
        known.extend(read_link(link))
    })?;
    ask(libc::RTM_GETADDR, libc::AF_UNSPEC as u8, MAX_ENTRIES, |own| add_address(&mut known, own))?;
    for (family, _) in FAMILIES {
        let add = |route: &[u8]| add_route(&mut known, route);
        if !ask(libc::RTM_GETROUTE, family, MAX_ENTRIES, add)? {
            // A route beyond the limit may lead to everywhere, through any interface.
            known.values_mut().for_each(|interface| interface.default_route = true);
        }
    }
    let mut numbers: Vec<u32> = known.keys().copied().collect();
    numbers.sort_unstable();
    Ok(numbers.iter().filter_map(|number| known.remove(number)).collect())
}

/// Reads an interface with the number; none if the interface is down.
fn read_link(link: &[u8]) -> Option<(u32, Interface)> {
    let (head, rest) = link.split_first_chunk::<LINK_HEAD>()?;
    let (kind, flags) = (u16::from_ne_bytes([head[2], head[3]]), number(&head[8..])?);
    let has = |flag: libc::c_int| flags & flag.cast_unsigned() != 0;
    let name = attributes(rest).find(|(which, _)| *which == libc::IFLA_IFNAME);
    let name =
        name.map(|(_, name)| String::from_utf8_lossy(name).trim_end_matches('\0').to_owned());
    let (name, index) = (name.unwrap_or_default(), number(&head[4..])?);
    let loopback = has(libc::IFF_LOOPBACK);
    // Some tunnels carry packets without frames, and lack the point-to-point flag.
    let tunnel = has(libc::IFF_POINTOPOINT) || kind == libc::ARPHRD_NONE;
    let kind = match kind {
        _ if loopback => LinkKind::Loopback,
        _ if tunnel => LinkKind::Tunnel,
        ARPHRD_RAWIP => LinkKind::Mobile,
        _ if is_bridge(rest) => LinkKind::Bridge,
        // Wi-Fi looks like Ethernet here. Names begin so by systemd.net-naming-scheme(7), and by the kernel's drivers.
        libc::ARPHRD_ETHER if name.starts_with("wl") => LinkKind::Wireless,
        libc::ARPHRD_ETHER if name.starts_with("ww") => LinkKind::Mobile,
        libc::ARPHRD_ETHER => LinkKind::Ethernet,
        _ => LinkKind::Unknown,
    };
    let interface = Interface { name, index, kind, loopback, tunnel, ..Interface::default() };
    has(libc::IFF_UP).then_some((index, interface))
}

/// Whether the kernel names the driver of bridges.
fn is_bridge(link: &[u8]) -> bool {
    let find = |list, wanted: u16| {
        attributes(list).find(|(which, _)| *which == wanted).map(|(_, value)| value)
    };
    let driver = find(link, libc::IFLA_LINKINFO).and_then(|info| find(info, libc::IFLA_INFO_KIND));
    driver.is_some_and(|driver| driver.strip_suffix(b"\0").unwrap_or(driver) == b"bridge")
}

/// Adds an address to an interface: the near end, where the kernel also names the far end of a line.
fn add_address(known: &mut ByNumber, message: &[u8]) {
    let Some((head, rest)) = message.split_first_chunk::<ADDRESS_HEAD>() else { return };
    let interface = number(&head[4..]).and_then(|number| known.get_mut(&number));
    let find = |wanted: u16| attributes(rest).find(|(which, _)| *which == wanted);
    let own = find(libc::IFA_LOCAL).or_else(|| find(libc::IFA_ADDRESS));
    if let (Some(interface), Some(own)) = (interface, own.and_then(|(_, own)| address(own))) {
        interface.addresses.push((own, head[1]));
    }
}

/// Adds a route to each interface of the route.
fn add_route(known: &mut ByNumber, route: &[u8]) {
    let Some(route) = KernelRoute::read(route) else { return };
    for (number, gateway) in &route.hops {
        if let Some(interface) = known.get_mut(number) {
            interface.default_route |= route.is_everywhere;
            interface.routes.extend(route.on_link());
            if route.is_everywhere {
                interface.gateways.push((*gateway, route.metric));
            }
        }
    }
}

/// A route of unicast packets.
#[derive(Debug, Default, PartialEq, Eq)]
struct KernelRoute {
    /// The route leads to everywhere, or to a large part of the address space.
    is_everywhere: bool,
    /// The destination prefix.
    to: Option<(IpAddr, u8)>,
    /// A router is on the way.
    has_gateway: bool,
    /// The metric; the lowest is preferred.
    metric: u32,
    /// Numbers of the interfaces through which packets leave, each with the router.
    hops: Vec<(u32, Option<IpAddr>)>,
}

impl KernelRoute {
    /// Reads `struct rtmsg` and the attributes; none if the route carries no packets.
    fn read(route: &[u8]) -> Option<Self> {
        let (head, rest) = route.split_first_chunk::<ROUTE_HEAD>()?;
        let [family, bits, .., kind, _, _, _, _] = *head;
        if kind != libc::RTN_UNICAST {
            return None;
        }
        let is_everywhere = FAMILIES.iter().any(|known| known.0 == family && bits <= known.1);
        let mut route = KernelRoute { is_everywhere, ..KernelRoute::default() };
        let (mut interface, mut gateway) = (None, None);
        for (which, value) in attributes(rest) {
            match which {
                libc::RTA_DST => route.to = address(value).map(|ip| (ip, bits)),
                libc::RTA_OIF => interface = number(value),
                libc::RTA_PRIORITY => route.metric = number(value).unwrap_or_default(),
                libc::RTA_GATEWAY => gateway = address(value),
                // The family of the address comes first.
                RTA_VIA => gateway = value.get(2..).and_then(address),
                libc::RTA_MULTIPATH => route.add_hops(value),
                _ => {}
            }
        }
        route.has_gateway |= gateway.is_some();
        route.hops.extend(interface.map(|interface| (interface, gateway)));
        Some(route)
    }

    /// Adds the next hops of a route with several, most likely with a router at each.
    fn add_hops(&mut self, mut hops: &[u8]) {
        while let Some((hop, more)) = split(hops, HOP_HEAD, short_length) {
            hops = more;
            let list = attributes(hop.get(HOP_HEAD..).unwrap_or_default());
            let gateway = list.filter(|(which, _)| *which == libc::RTA_GATEWAY);
            let gateway = gateway.filter_map(|(_, value)| address(value)).next();
            let interface = hop.get(4..).and_then(number);
            self.hops.extend(interface.map(|interface| (interface, gateway)));
        }
        self.has_gateway = true;
    }

    /// The destination, if on the link.
    fn on_link(&self) -> Option<(IpAddr, u8)> {
        self.to.filter(|_| !self.has_gateway && !self.is_everywhere)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETH: u32 = 3;

    fn with(head: &[u8], list: &[(u16, &[u8])]) -> Vec<u8> {
        let mut message = head.to_vec();
        for (which, value) in list {
            message.extend(((4 + value.len()) as u16).to_ne_bytes());
            message.extend(which.to_ne_bytes());
            message.extend(*value);
            message.resize(message.len().next_multiple_of(4), 0);
        }
        message
    }

    fn route(family: i32, bits: u8, kind: u8, list: &[(u16, &[u8])]) -> Vec<u8> {
        with(&[family as u8, bits, 0, 0, 254, 0, 0, kind, 0, 0, 0, 0], list)
    }

    fn link(kind: u16, flags: i32) -> Option<(u32, Interface)> {
        named_link("eth0", kind, flags)
    }

    fn named_link(name: &str, kind: u16, flags: i32) -> Option<(u32, Interface)> {
        let numbers = [ETH, flags as u32, 0].map(u32::to_ne_bytes).concat();
        let head = [&[0, 0], &kind.to_ne_bytes()[..], &numbers].concat();
        let info = with(&[], &[(libc::IFLA_INFO_KIND, b"bridge\0")]);
        let info = [(libc::IFLA_IFNAME, name.as_bytes()), (libc::IFLA_LINKINFO, &info)];
        read_link(&with(&head, &info[..if name.starts_with("br") { 2 } else { 1 }]))
    }

    #[test]
    fn links_that_are_up_are_read_with_their_kind() {
        let up = libc::IFF_UP;
        assert_eq!(link(libc::ARPHRD_ETHER, 0), None);
        let (number, ethernet) = link(libc::ARPHRD_ETHER, up).unwrap();
        assert_eq!((number, &*ethernet.name), (ETH, "eth0"));
        assert!(!ethernet.tunnel && !ethernet.loopback);
        assert!(link(libc::ARPHRD_ETHER, up | libc::IFF_POINTOPOINT).unwrap().1.tunnel);
        assert!(link(libc::ARPHRD_NONE, up).unwrap().1.tunnel);
        assert!(link(libc::ARPHRD_LOOPBACK, up | libc::IFF_LOOPBACK).unwrap().1.loopback);
    }

    #[test]
    fn links_have_the_kind_that_driver_and_name_tell() {
        for (name, kind, expected) in [
            ("eth0", libc::ARPHRD_ETHER, LinkKind::Ethernet),
            ("wlp3s0", libc::ARPHRD_ETHER, LinkKind::Wireless),
            ("wwan0", libc::ARPHRD_ETHER, LinkKind::Mobile),
            ("rmnet0", ARPHRD_RAWIP, LinkKind::Mobile),
            ("br0", libc::ARPHRD_ETHER, LinkKind::Bridge),
            ("wg0", libc::ARPHRD_NONE, LinkKind::Tunnel),
            ("can0", 280, LinkKind::Unknown),
        ] {
            assert_eq!(named_link(name, kind, libc::IFF_UP).unwrap().1.kind, expected, "{name}");
        }
    }

    #[test]
    fn an_address_of_a_line_is_that_of_the_near_end() {
        let mut known = ByNumber::from([(ETH, Interface::default())]);
        let head = [&[libc::AF_INET as u8, 32, 0, 0][..], &ETH.to_ne_bytes()].concat();
        let (own, other) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let both = [(libc::IFA_ADDRESS, &other[..]), (libc::IFA_LOCAL, &own)];
        add_address(&mut known, &with(&head, &both));
        add_address(&mut known, &with(&head, &both[..1]));
        let addresses = &known[&ETH].addresses;
        assert_eq!(addresses[..], [(own.into(), 32), (other.into(), 32)]);
    }

    #[test]
    fn routes_on_a_link_differ_from_routes_by_a_router_and_to_everywhere() {
        let (eth, far) = (ETH.to_ne_bytes(), [192, 0, 2, 1]);
        let unicast = libc::RTN_UNICAST;
        let prefix = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];
        let home = [(libc::RTA_DST, &prefix[..]), (libc::RTA_OIF, &eth)];
        let home = KernelRoute::read(&route(libc::AF_INET6, 64, unicast, &home)).unwrap();
        assert_eq!(home.on_link(), Some(("2001:db8:0:7::".parse().unwrap(), 64)));
        assert_eq!(home.hops, [(ETH, None)]);
        let beyond = [(libc::RTA_DST, &[10, 9, 0, 0][..]), (libc::RTA_GATEWAY, &far)];
        let beyond = KernelRoute::read(&route(libc::AF_INET, 16, unicast, &beyond)).unwrap();
        assert!(beyond.on_link().is_none() && !beyond.is_everywhere && beyond.has_gateway);
        let everywhere = [(libc::RTA_GATEWAY, &far[..]), (libc::RTA_OIF, &eth)];
        let metric = [(libc::RTA_PRIORITY, &600_u32.to_ne_bytes()[..])];
        let everywhere = [&everywhere[..], &metric].concat();
        let mut known = ByNumber::from([(ETH, Interface::default())]);
        add_route(&mut known, &route(libc::AF_INET, 0, unicast, &everywhere));
        assert_eq!(known[&ETH].gateways, [(Some(far.into()), 600)]);
        for (family, bits, all) in [
            (libc::AF_INET, 0, true),
            (libc::AF_INET, 1, true),
            (libc::AF_INET, 2, false),
            (libc::AF_INET6, 3, true),
            (libc::AF_INET6, 4, false),
        ] {
            let route = route(family, bits, unicast, &[(libc::RTA_OIF, &eth)]);
            assert_eq!(KernelRoute::read(&route).unwrap().is_everywhere, all, "{bits}");
        }
        assert_eq!(KernelRoute::read(&route(libc::AF_INET, 0, libc::RTN_UNREACHABLE, &[])), None);
    }

    #[test]
    fn a_route_with_several_next_hops_has_all_their_interfaces() {
        let hop = |index: u32| {
            let gateway = [8, 0, 5, 0, 192, 0, 2, 1];
            [&[16, 0, 0, 0], &index.to_ne_bytes()[..], &gateway].concat()
        };
        let hops = [hop(4), hop(7)].concat();
        let route = route(libc::AF_INET, 0, libc::RTN_UNICAST, &[(libc::RTA_MULTIPATH, &hops)]);
        let route = KernelRoute::read(&route).unwrap();
        let gateway = Some([192, 0, 2, 1].into());
        assert_eq!((route.hops, route.is_everywhere), (vec![(4, gateway), (7, gateway)], true));
    }
}
