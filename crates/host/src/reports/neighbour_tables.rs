//! `arp -an` and `ndp -an` (macOS and the BSDs): machines on the links, with hardware addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::networks::{HardwareNeighbour, LinkNeighbour};

/// A neighbour, and the name of the interface behind which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedNeighbour {
    pub(crate) interface: String,
    pub(crate) neighbour: HardwareNeighbour,
}

impl NamedNeighbour {
    /// The neighbour on its link, whose number `index` knows.
    pub(crate) fn on_link(self, index: impl Fn(&str) -> Option<u32>) -> Option<LinkNeighbour> {
        let HardwareNeighbour { address, hardware_address } = self.neighbour;
        Some(LinkNeighbour { index: index(&self.interface)?, address, hardware_address })
    }
}

/// The neighbours of `arp -an`, as in `? (192.168.1.1) at 0:11:22:33:44:55 on en0 ifscope [ethernet]`.
pub(crate) fn of_arp(text: &str) -> Vec<NamedNeighbour> {
    let neighbour = |line: &str| {
        let (_, rest) = line.split_once('(')?;
        let (address, rest) = rest.split_once(')')?;
        let address: Ipv4Addr = address.parse().ok()?;
        let hardware_address = hardware_address(rest.trim().strip_prefix("at ")?)?;
        let interface = rest.split_once(" on ")?.1.split_whitespace().next()?.to_owned();
        let neighbour = HardwareNeighbour { address: IpAddr::V4(address), hardware_address };
        Some(NamedNeighbour { interface, neighbour })
    };
    text.lines().filter_map(neighbour).collect()
}

/// The neighbours of `ndp -an`, as in `2001:db8::1  0:11:22:33:44:55  en0 23h59m58s S R`. The zone of a link-local address
/// is left out.
pub(crate) fn of_ndp(text: &str) -> Vec<NamedNeighbour> {
    let neighbour = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next()?;
        let address = address.split_once('%').map_or(address, |(address, _)| address);
        let address: Ipv6Addr = address.parse().ok()?;
        let hardware_address = hardware_address(words.next()?)?;
        let interface = words.next()?.to_owned();
        let neighbour = HardwareNeighbour { address: IpAddr::V6(address), hardware_address };
        Some(NamedNeighbour { interface, neighbour })
    };
    text.lines().filter_map(neighbour).collect()
}

/// Six numbers of one or two hexadecimal digits, before a blank or the end.
fn hardware_address(text: &str) -> Option<[u8; 6]> {
    let word = text.split_whitespace().next()?;
    let mut octets = [0; 6];
    let mut parts = word.split(':');
    for octet in &mut octets {
        let part = parts.next().filter(|part| (1..=2).contains(&part.len()))?;
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(neighbours: &[NamedNeighbour]) -> Vec<String> {
        let one = |NamedNeighbour { interface, neighbour }: &NamedNeighbour| {
            format!("{} {:02x?} {interface}", neighbour.address, neighbour.hardware_address)
        };
        neighbours.iter().map(one).collect()
    }

    #[test]
    fn arp_of_macos_and_freebsd_is_read() {
        let text = "? (192.168.1.1) at 0:11:22:aa:b:55 on en0 ifscope [ethernet]\n\
                    ? (192.168.1.7) at (incomplete) on en0 ifscope [ethernet]\n\
                    router.lan (10.0.0.1) at 00:11:22:33:44:55 on em0 expires in 1193 seconds [ethernet]\n\
                    ? (224.0.0.251) at 1:0:5e:0:0:fb on en0 ifscope permanent [ethernet]\nnonsense\n";
        let expected = [
            "192.168.1.1 [00, 11, 22, aa, 0b, 55] en0",
            "10.0.0.1 [00, 11, 22, 33, 44, 55] em0",
            "224.0.0.251 [01, 00, 5e, 00, 00, fb] en0",
        ];
        assert_eq!(shown(&of_arp(text)), expected);
    }

    #[test]
    fn ndp_is_read_without_zones() {
        let text = "Neighbor                                Linklayer Address  Netif Expire    St Flgs Prbs\n\
                    2001:db8::7                             0:11:22:33:44:55     en0 23h59m58s S\n\
                    fe80::1%lo0                             (incomplete)         lo0 permanent R\n\
                    fe80::211:22ff:fe33:4455%en0            0:11:22:33:44:55     en0 23h59m58s S  R\n";
        let of = "[00, 11, 22, 33, 44, 55] en0";
        let expected = [format!("2001:db8::7 {of}"), format!("fe80::211:22ff:fe33:4455 {of}")];
        assert_eq!(shown(&of_ndp(text)), expected);
    }
}
