//! IPv4 addresses inside IPv6 addresses, as a NAT64 translates them (RFC 6052).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::Prefix;

/// The name whose addresses tell the NAT64 prefix of a network (RFC 7050).
pub const DISCOVERY_NAME: &str = "ipv4only.arpa";
/// The addresses of [`DISCOVERY_NAME`].
pub const DISCOVERY_ADDRESSES: [Ipv4Addr; 2] =
    [Ipv4Addr::new(192, 0, 0, 170), Ipv4Addr::new(192, 0, 0, 171)];
/// The lengths that a prefix may have, in bits, the longest first (RFC 6052 section 2.2).
const LENGTHS: [u8; 6] = [96, 64, 56, 48, 40, 32];
/// The octet that stays zero, whatever the length (RFC 6052 section 2.2).
const RESERVED_OCTET: usize = 8;

/// The prefix of a NAT64: packets to an address of the prefix go on to the IPv4 address inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nat64Prefix {
    address: Ipv6Addr,
    bits: u8,
}

impl Nat64Prefix {
    /// The well-known prefix, `64:ff9b::/96` (RFC 6052 section 2.1).
    pub const WELL_KNOWN: Nat64Prefix =
        Nat64Prefix { address: Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), bits: 96 };

    /// The prefix, if its length is one of RFC 6052 and the reserved octet is zero.
    #[must_use]
    pub fn new(prefix: Prefix) -> Option<Self> {
        let (IpAddr::V6(address), bits) = (prefix.first(), prefix.bits()) else { return None };
        let is_legal = LENGTHS.contains(&bits) && address.octets()[RESERVED_OCTET] == 0;
        is_legal.then_some(Nat64Prefix { address, bits })
    }

    /// The prefix that a network shows by the addresses of [`DISCOVERY_NAME`] (RFC 7050 section 3). An address in
    /// which no prefix can be told shows nothing.
    #[must_use]
    pub fn discovered(addresses: impl IntoIterator<Item = Ipv6Addr>) -> Option<Self> {
        addresses.into_iter().find_map(|address| {
            LENGTHS.into_iter().find_map(|bits| {
                let prefix = Nat64Prefix::new(Prefix::of(address.into(), bits))?;
                prefix.extract(address).filter(|inside| DISCOVERY_ADDRESSES.contains(inside))?;
                Some(prefix)
            })
        })
    }

    /// The IPv6 address that stands for an IPv4 address.
    #[must_use]
    pub fn embed(&self, inside: Ipv4Addr) -> Ipv6Addr {
        let mut octets = self.address.octets();
        self.places().zip(inside.octets()).for_each(|(place, octet)| octets[place] = octet);
        octets.into()
    }

    /// The IPv4 address inside an address of the prefix; `None` for other addresses.
    #[must_use]
    pub fn extract(&self, address: Ipv6Addr) -> Option<Ipv4Addr> {
        let (octets, mut inside) = (address.octets(), [0; 4]);
        self.places().zip(&mut inside).for_each(|(place, octet)| *octet = octets[place]);
        let inside = Ipv4Addr::from(inside);
        // The octets after the IPv4 address are zero (RFC 6052 section 2.2).
        (self.embed(inside) == address).then_some(inside)
    }

    /// Where the octets of the IPv4 address lie.
    fn places(&self) -> impl Iterator<Item = usize> {
        let first = usize::from(self.bits / 8);
        (first..16).filter(|place| *place != RESERVED_OCTET).take(4)
    }
}

impl fmt::Display for Nat64Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Nat64Prefix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().and_then(Nat64Prefix::new).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The table of RFC 6052 section 2.4.
    const EMBEDDED: [(&str, &str); 7] = [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
    ];

    #[test]
    fn the_examples_of_the_rfc_hold() {
        for (prefix, address) in EMBEDDED {
            let prefix: Nat64Prefix = prefix.parse().unwrap();
            let (inside, address) = (Ipv4Addr::new(192, 0, 2, 33), address.parse().unwrap());
            assert_eq!(prefix.embed(inside), address, "{prefix}");
            assert_eq!(prefix.extract(address), Some(inside), "{prefix}");
        }
        assert_eq!(Nat64Prefix::WELL_KNOWN.to_string(), "64:ff9b::/96");
    }

    #[test]
    fn other_lengths_and_a_filled_reserved_octet_are_refused() {
        for text in ["2001:db8::/33", "2001:db8::/0", "192.0.2.0/24", "2001:db8::", "x"] {
            assert_eq!(text.parse::<Nat64Prefix>(), Err(()), "{text}");
        }
        assert_eq!("2001:db8:0:0:100::/96".parse::<Nat64Prefix>(), Err(()));
    }

    #[test]
    fn the_prefix_of_a_network_is_told_from_the_discovery_name() {
        for (prefix, _) in EMBEDDED {
            let prefix: Nat64Prefix = prefix.parse().unwrap();
            let shown = prefix.embed(DISCOVERY_ADDRESSES[1]);
            let foreign = "2001:db8::1".parse().unwrap();
            assert_eq!(Nat64Prefix::discovered([foreign, shown]), Some(prefix));
            assert_eq!(Nat64Prefix::discovered([foreign]), None);
        }
    }

    proptest! {
        #[test]
        fn an_embedded_address_comes_out_again(inside: u32, network: u128, length in 0..6_usize) {
            let network = network & !(0xff << 56);
            let prefix = Prefix::of(Ipv6Addr::from_bits(network).into(), LENGTHS[length]);
            let (prefix, inside) = (Nat64Prefix::new(prefix).unwrap(), inside.into());
            prop_assert_eq!(prefix.extract(prefix.embed(inside)), Some(inside));
        }
    }
}
