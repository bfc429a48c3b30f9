//! Addresses at which no server of the public tree can be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::{Delegation, Prefix};

/// Addresses that no public nameserver has: those that IANA's special-purpose address registries
/// (RFC 6890) call not globally reachable, and multicast.
pub const NEVER_ASK: &[&str] = &[
    // This network, private addresses, those of access providers (RFC 6598), loopback, link-local.
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    // IETF protocols, documentation, benchmarks, multicast, reserved.
    "192.0.0.0/24",
    "192.0.2.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    // Unspecified, loopback, IPv4-mapped, local NAT64, discard-only and dummy prefixes.
    "::/127",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    // Benchmarks, ORCHID, documentation, segment routing.
    "2001:2::/48",
    "2001:10::/28",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    // Unique local, link-local, multicast.
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// Prefixes for documentation and benchmarks, which stand for public addresses in labs.
const LAB: &[&str] = &[
    "192.0.2.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:2::/48",
    "2001:db8::/32",
    "3fff::/20",
];

/// A set of addresses, as ranges in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeverAsk {
    ipv4: Vec<(u32, u32)>,
    ipv6: Vec<(u128, u128)>,
}

/// The prefixes that are not asked by default: [`NEVER_ASK`]. If the servers of `root` have
/// addresses of a lab, the whole tree is a lab's, and such addresses are asked.
#[must_use]
pub fn never_ask(root: &Delegation) -> Vec<Prefix> {
    let of = |texts: &[&str]| texts.iter().filter_map(|text| text.parse().ok()).collect();
    let (mut all, lab): (Vec<Prefix>, Vec<Prefix>) = (of(NEVER_ASK), of(LAB));
    let mut roots = root.servers.iter().flat_map(|server| &server.addresses);
    if roots.any(|root| lab.iter().any(|prefix| prefix.contains(root.ip()))) {
        all.retain(|prefix| !lab.contains(prefix));
    }
    all
}

impl NeverAsk {
    /// Whether the address is in a prefix, or leads to one by translation (RFC 6052 section 2.1) or
    /// by a tunnel (RFC 3056 section 2).
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.has_ipv4(address),
            IpAddr::V6(address) => {
                within(&self.ipv6, address.to_bits())
                    || embedded(address).is_some_and(|address| self.has_ipv4(address))
            }
        }
    }

    fn has_ipv4(&self, address: Ipv4Addr) -> bool {
        within(&self.ipv4, address.to_bits())
    }
}

impl FromIterator<Prefix> for NeverAsk {
    fn from_iter<I: IntoIterator<Item = Prefix>>(prefixes: I) -> Self {
        let mut never = NeverAsk::default();
        for prefix in prefixes {
            match (prefix.first(), prefix.last()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    never.ipv4.push((first.to_bits(), last.to_bits()));
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    never.ipv6.push((first.to_bits(), last.to_bits()));
                }
                _ => {}
            }
        }
        never.ipv4 = in_order(never.ipv4);
        never.ipv6 = in_order(never.ipv6);
        never
    }
}

/// Sorts ranges and removes nested ranges; prefixes overlap in no other way.
fn in_order<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable_by_key(|(first, last)| (*first, std::cmp::Reverse(*last)));
    let mut reached = None;
    ranges.retain(|(_, last)| {
        let is_new = reached.is_none_or(|reached| *last > reached);
        reached = reached.max(Some(*last));
        is_new
    });
    ranges
}

fn within<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    let before = after.checked_sub(1).and_then(|at| ranges.get(at));
    before.is_some_and(|(_, last)| address <= *last)
}

/// The IPv4 address within a mapped, translated (well-known prefix) or 6to4 address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        [0x2002, high, low, ..] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::zonefile;

    fn below(address: &str) -> NeverAsk {
        let hints = zonefile::root_hints(&format!(". NS a.root.\na.root. A {address}\n")).unwrap();
        never_ask(&Delegation::from_hints(&hints).unwrap()).into_iter().collect()
    }

    fn has(never: &NeverAsk, address: &str) -> bool {
        never.contains(address.parse().unwrap())
    }

    /// The ends of each range that IANA's registries call not globally reachable, and of multicast.
    const SPECIAL: &[&str] = &[
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.0.1",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.0.170",
        "192.0.2.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.255",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:8.8.8.8",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "100:0:0:1::1",
        "2001:2::1",
        "2001:10::1",
        "2001:1f::1",
        "2001:db8::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
        // Embedded in IPv6 addresses.
        "64:ff9b::10.0.0.1",
        "64:ff9b::192.0.2.1",
        "2002:a00:1::1",
        "2002:7f00:1::",
    ];

    /// Their neighbours, and reachable addresses of the registries.
    const PUBLIC: &[&str] = &[
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.167.255.255",
        "192.169.0.0",
        "192.175.48.1",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "64:ff9b::8.8.8.8",
        "2001:1::1",
        "2001:3::1",
        "2001:4:112::1",
        "2001:20::1",
        "2001:30::1",
        "2001:500::1",
        "2001:db7:ffff::1",
        "2001:db9::",
        "2002:808:808::1",
        "2620:4f:8000::1",
        "2a00::1",
        "3ffe::1",
        "3fff:1000::1",
    ];

    #[test]
    fn no_server_of_the_public_tree_is_at_a_special_address() {
        let never = below("198.41.0.4");
        for address in SPECIAL {
            assert!(has(&never, address), "{address}");
        }
        for address in PUBLIC {
            assert!(!has(&never, address), "{address}");
        }
    }

    #[test]
    fn a_lab_with_a_root_at_a_documentation_address_may_ask_such_addresses() {
        for root in ["198.18.0.1", "192.0.2.1", "203.0.113.1", "198.51.100.1"] {
            let never = below(root);
            for address in ["192.0.2.1", "198.19.0.1", "203.0.113.1", "2001:db8::1", "3fff::1"] {
                assert!(!has(&never, address), "{address}");
            }
            for address in ["10.0.0.1", "127.0.0.1", "100.64.0.1", "fd00::1", "::1"] {
                assert!(has(&never, address), "{address}");
            }
        }
        // A copy of the root zone on this machine or in the house is no lab.
        for root in ["127.12.12.12", "192.168.1.1", "100.100.100.100"] {
            assert!(has(&below(root), root) && has(&below(root), "192.0.2.1"));
        }
    }

    #[test]
    fn nested_and_adjacent_prefixes_are_found() {
        let prefixes =
            ["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "0.0.0.0/32", "255.255.255.255/32"];
        let never: NeverAsk = prefixes.iter().map(|text| text.parse().unwrap()).collect();
        for address in ["10.0.0.0", "10.200.0.1", "11.255.255.255", "0.0.0.0", "255.255.255.255"] {
            assert!(has(&never, address), "{address}");
        }
        for address in ["9.255.255.255", "12.0.0.0", "0.0.0.1", "255.255.255.254"] {
            assert!(!has(&never, address), "{address}");
        }
        assert!(has(&never, "::ffff:10.0.0.1"), "mapped");
        assert!(!has(&NeverAsk::default(), "127.0.0.1"));
    }
}
