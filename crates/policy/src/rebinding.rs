//! Rebinding protection: a name of the Internet may not lead to an address that is private to a network or a machine.
//!
//! A page of the Internet may send requests to its own name. If the name then leads to a router or a printer, the page
//! controls a device that no firewall shows to the Internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::{Name, Nat64Prefix, Prefix, RRset, Rtype, name, nat64};

use crate::targets::{AnswerPart, parts};

/// IPv4 prefixes without a way from the Internet: this host and network (RFC 1122), private networks (RFC 1918), address
/// space that the customers of a provider or the users of a tunnel share (RFC 6598), loopback, link-local addresses
/// (RFC 3927), and the near end of a translation to IPv6 (RFC 7335).
const PRIVATE_IPV4: [([u8; 4], u8); 8] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 29),
    ([192, 168, 0, 0], 16),
];
/// The same of IPv6: unique local (RFC 4193), link-local and former site-local addresses, and NAT64 prefixes of a network
/// (RFC 8215). Loopback and unspecified addresses are IPv4-compatible ones, see [`embedded`].
const PRIVATE_IPV6: [([u16; 3], u8); 4] =
    [([0xfc00, 0, 0], 7), ([0xfe80, 0, 0], 10), ([0xfec0, 0, 0], 10), ([0x64, 0xff9b, 1], 48)];
/// The labels of an IPv6 address in the name of an entry of a blocklist (RFC 5782 section 2.4).
const NIBBLES: usize = 32;

/// The addresses that names of the Internet may not have, and the zones of private names, which may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebindingProtection {
    /// Zones of private names.
    exempt: Vec<Name>,
    /// The prefixes of this network, beside the ranges that are private everywhere.
    nearby: Vec<Prefix>,
    /// The prefix of the NAT64: an address leads to the IPv4 address inside.
    nat64: Option<Nat64Prefix>,
}

impl RebindingProtection {
    /// A protection without prefixes of the present network.
    #[must_use]
    pub fn new(exempt: Vec<Name>, nat64: Option<Nat64Prefix>) -> Self {
        RebindingProtection { exempt, nearby: Vec::new(), nat64 }
    }

    /// The same protection in a network with the prefixes `nearby`.
    #[must_use]
    pub fn near(&self, nearby: impl IntoIterator<Item = Prefix>) -> Self {
        RebindingProtection { nearby: nearby.into_iter().collect(), ..self.clone() }
    }

    /// The first private address among the addresses and address hints of `sets`, records of an answer to a question
    /// for `asked`. The name in question decides: an alias of a name of the Internet may lead to a private name.
    #[must_use]
    pub fn private_address(&self, asked: &Name, sets: &[RRset]) -> Option<IpAddr> {
        let lists = |address: &IpAddr| {
            matches!(address, IpAddr::V4(address) if address.is_loopback()) && is_list_entry(asked)
        };
        let found = find(sets, |address| self.is_private(*address) && !lists(address));
        found.filter(|_| !self.is_exempt(asked))
    }

    /// The first address of this machine itself. The login page of a network has a private address, and never a loopback
    /// address.
    #[must_use]
    pub fn loopback_address(sets: &[RRset]) -> Option<IpAddr> {
        let is_loopback = |address: Ipv4Addr| address.is_loopback() || address.octets()[0] == 0;
        find(sets, |address| match address {
            IpAddr::V4(address) => is_loopback(*address),
            IpAddr::V6(address) => embedded(*address).is_some_and(is_loopback),
        })
    }

    /// Whether an address is private on every network.
    #[must_use]
    pub fn is_private_everywhere(address: IpAddr) -> bool {
        RebindingProtection::new(Vec::new(), None).is_private(address)
    }

    /// Whether names of the Internet may not have an address.
    fn is_private(&self, address: IpAddr) -> bool {
        let address = match address {
            IpAddr::V4(address) => return is_private_ipv4(address),
            IpAddr::V6(address) => address,
        };
        if let Some(inside) = self.nat64.and_then(|prefix| prefix.extract(address)) {
            return is_private_ipv4(inside);
        }
        embedded(address).is_some_and(is_private_ipv4)
            || is_private_ipv6(address)
            || self.nearby.iter().any(|prefix| prefix.contains(address.into()))
    }

    /// Whether a name is private, or tells the prefix of a NAT64 (RFC 8880).
    #[must_use]
    pub fn is_exempt(&self, asked: &Name) -> bool {
        self.exempt.iter().any(|zone| name::is_within(asked, zone))
            || name::parse(nat64::DISCOVERY_NAME).is_ok_and(|discovery| *asked == discovery)
    }
}

/// The first of the addresses and address hints that is denied.
fn find(sets: &[RRset], is_denied: impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
    sets.iter().find_map(|set| match set.rtype {
        Rtype::A | Rtype::AAAA => set.addresses().find(&is_denied),
        Rtype::HTTPS | Rtype::SVCB => parts(set).into_iter().find_map(|part| match part {
            AnswerPart::Address(address) => Some(address).filter(&is_denied),
            AnswerPart::Name(_) => None,
        }),
        _ => None,
    })
}

/// In bits, since each address of an answer that is put together is looked at.
fn is_private_ipv4(address: Ipv4Addr) -> bool {
    let is_within =
        |&(first, bits)| (address.to_bits() ^ u32::from_be_bytes(first)) >> (32 - bits) == 0;
    PRIVATE_IPV4.iter().any(is_within)
}

fn is_private_ipv6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    let leading = |[a, b, c]: [u16; 3]| u64::from(a) << 32 | u64::from(b) << 16 | u64::from(c);
    let is_within = |&(first, bits)| (leading([a, b, c]) ^ leading(first)) >> (48 - bits) == 0;
    PRIVATE_IPV6.iter().any(is_within)
}

/// The IPv4 address inside an IPv4-compatible or IPv4-mapped address (RFC 4291 section 2.5.5), one of a translator (RFC
/// 2765 section 2.1, RFC 6052) or one of 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

/// Whether a name is that of an entry of a blocklist (RFC 5782): it begins with the octets of an IPv4 address or the
/// digits of an IPv6 address. Such names have addresses of 127.0.0.0/8, to which no client connects.
fn is_list_entry(asked: &Name) -> bool {
    let labels = || asked.iter().map(|label| std::str::from_utf8(label.as_slice()));
    let is_octet = |text: &str| {
        text.bytes().all(|it| it.is_ascii_digit()) && text.len() < 4 && text.parse::<u8>().is_ok()
    };
    let is_nibble = |text: &str| text.len() == 1 && text.bytes().all(|it| it.is_ascii_hexdigit());
    labels().take(4).filter(|text| text.is_ok_and(is_octet)).count() == 4
        || labels().take(NIBBLES).filter(|text| text.is_ok_and(is_nibble)).count() == NIBBLES
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::zonefile;

    fn protection() -> RebindingProtection {
        let exempt = ["corp.example", "fritz.box"].map(|zone| name::parse(zone).unwrap());
        let nat64 = "2001:db8:64::/96".parse().ok();
        let nearby = ["2001:db8:1:2::/64".parse().unwrap()];
        RebindingProtection::new(exempt.into(), nat64).near(nearby)
    }

    fn private(asked: &str, records: &str) -> Option<String> {
        let sets = zonefile::parse(records, &name::root()).unwrap();
        let found = protection().private_address(&name::parse(asked).unwrap(), &sets);
        found.map(|address| address.to_string())
    }

    /// Whether a name of the Internet may have an address.
    fn passes(address: &str) -> bool {
        let rtype = if address.contains(':') { "AAAA" } else { "A" };
        private("www.example.net", &format!("www.example.net. 60 {rtype} {address}\n")).is_none()
    }

    #[test]
    fn names_of_the_internet_have_no_private_addresses() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:192.168.1.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:c0a8:101::1",
            "2001:db8:64::10.0.0.1",
            "2001:db8:1:2::7",
            "fc00::1",
            "fdff:ffff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
        ] {
            assert!(!passes(address), "{address}");
        }
    }

    #[test]
    fn addresses_of_the_internet_pass() {
        for address in [
            "1.0.0.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.0.8",
            "192.0.0.170",
            "192.167.255.255",
            "::ffff:192.0.2.1",
            "64:ff9b::192.0.2.1",
            "64:ff9b:2::1",
            "2001:db8:64::192.0.2.1",
            "2001:db8:1:3::7",
            "2002:c000:201::1",
            "fb00::1",
            "fe00::1",
        ] {
            assert!(passes(address), "{address}");
        }
    }

    #[test]
    fn addresses_of_every_record_count() {
        let of = |records| private("www.example.net", records);
        let hints = "www.example.net. 60 HTTPS 1 . ipv4hint=192.0.2.1,192.168.1.1\n";
        assert_eq!(of(hints).unwrap(), "192.168.1.1");
        let hints = "_dns.www.example.net. 60 SVCB 1 a.example.net. ipv6hint=fd00::1\n";
        assert_eq!(of(hints).unwrap(), "fd00::1");
        let several = "www.example.net. 60 A 192.0.2.1\nwww.example.net. 60 A 10.0.0.1\n";
        assert_eq!(of(several).unwrap(), "10.0.0.1");
        let alias = "www.example.net. 60 CNAME nas.fritz.box.\nnas.fritz.box. 60 A 192.168.1.2\n";
        assert_eq!(of(alias).unwrap(), "192.168.1.2", "the name in question is public");
        let texts = "www.example.net. 60 TXT 192.168.1.1\nwww.example.net. 60 MX 1 nas.lan.\n";
        assert_eq!(of(texts), None);
    }

    #[test]
    fn private_names_may_have_private_addresses() {
        let nas = "nas.example.net. 60 A 192.168.1.2\n";
        for asked in ["fritz.box", "NAS.Fritz.Box", "a.b.corp.example"] {
            assert_eq!(private(asked, nas), None, "{asked}");
        }
        for asked in ["box", "xfritz.box", "fritz.box.example", "example"] {
            assert!(private(asked, nas).is_some(), "{asked}");
        }
        let everything = RebindingProtection::new(vec![name::root()], None);
        let sets = zonefile::parse(nas, &name::root()).unwrap();
        assert_eq!(everything.private_address(&sets[0].owner, &sets), None);
        let discovery = "ipv4only.arpa. 60 AAAA fd00:64::192.0.0.170\n";
        assert_eq!(private("ipv4only.arpa", discovery), None);
        assert!(private("x.ipv4only.arpa", discovery).is_some());
    }

    #[test]
    fn addresses_of_this_machine_are_told_from_those_of_the_network() {
        let of = |records: &str| {
            RebindingProtection::loopback_address(&zonefile::parse(records, &name::root()).unwrap())
        };
        for address in ["127.0.0.1", "127.9.9.9", "0.0.0.0"] {
            assert!(of(&format!("a. 60 A 10.0.0.1\na. 60 A {address}\n")).is_some(), "{address}");
        }
        for address in ["::1", "::", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"] {
            assert!(of(&format!("a. 60 AAAA {address}\n")).is_some(), "{address}");
        }
        assert_eq!(of("a. 60 A 10.0.0.1\na. 60 AAAA fe80::1\na. 60 AAAA 2001:db8::1\n"), None);
    }

    #[test]
    fn entries_of_blocklists_have_loopback_addresses_alone() {
        let nibbles = format!("{}list.example", "f.".repeat(NIBBLES));
        for asked in ["2.0.0.127.list.example", "255.10.9.1.a.b", &nibbles] {
            assert_eq!(private(asked, "a. 60 A 127.0.0.2\n"), None, "{asked}");
            assert!(private(asked, "a. 60 A 10.0.0.2\n").is_some(), "{asked}");
            assert!(private(asked, "a. 60 AAAA ::1\n").is_some(), "{asked}");
            assert!(private(asked, "a. 60 A 127.0.0.2\na. 60 A 192.168.1.1\n").is_some());
        }
        let too_few = format!("{}list.example", "f.".repeat(NIBBLES - 1));
        for asked in ["1.2.3.list.example", "256.1.1.1.a", "a.1.2.3.4.b", "+1.2.3.4.a", &too_few] {
            assert!(private(asked, "a. 60 A 127.0.0.2\n").is_some(), "{asked}");
        }
    }
}
