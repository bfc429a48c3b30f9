//! Address prefixes, for access lists of clients and for servers that must not be queried.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address and the number of leading bits that count, such as `192.0.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

impl Prefix {
    /// The first `bits` bits of `address`; more bits than the family has count as all.
    #[must_use]
    pub fn of(address: IpAddr, bits: u8) -> Self {
        let max_bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = Prefix { address, bits: bits.min(max_bits) };
        Prefix { address: prefix.first(), ..prefix }
    }

    /// The number of leading bits that count.
    #[must_use]
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether the prefix contains every address of `other`.
    #[must_use]
    pub fn includes(&self, other: &Prefix) -> bool {
        self.bits <= other.bits
            && self.address.is_ipv4() == other.address.is_ipv4()
            && self.contains(other.address)
    }

    /// Whether the prefix contains `address`. An IPv4-mapped IPv6 address counts as the IPv4
    /// address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(prefix), IpAddr::V4(address)) => {
                let differ = u32::from(prefix) ^ u32::from(address);
                differ.checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(prefix), IpAddr::V6(address)) => {
                let differ = u128::from(prefix) ^ u128::from(address);
                differ.checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// The first address of the prefix.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.with_rest(0)
    }

    /// The last address of the prefix.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.with_rest(u128::MAX)
    }

    /// The address with the bits of `rest` after the prefix.
    fn with_rest(&self, rest: u128) -> IpAddr {
        let bits = u32::from(self.bits);
        match self.address {
            IpAddr::V4(address) => {
                let after = u32::MAX.checked_shr(bits).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & !after | rest as u32 & after).into()
            }
            IpAddr::V6(address) => {
                let after = u128::MAX.checked_shr(bits).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & !after | rest & after).into()
            }
        }
    }
}

/// The prefix with all bits of one address.
impl From<IpAddr> for Prefix {
    fn from(address: IpAddr) -> Self {
        Prefix { address, bits: if address.is_ipv4() { 32 } else { 128 } }
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address or prefix such as 192.0.2.0/24");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let max_bits = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(max_bits);
        if bits > max_bits { Err(wrong()) } else { Ok(Prefix { address, bits }) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(prefix: &str, address: &str) -> bool {
        prefix.parse::<Prefix>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_prefix_of_an_address_has_no_more_bits_than_asked_for() {
        let of = |text: &str, bits| Prefix::of(text.parse().unwrap(), bits).to_string();
        assert_eq!(of("192.0.2.77", 26), "192.0.2.64/26");
        assert_eq!(of("192.0.2.77", 99), "192.0.2.77/32");
        assert_eq!(of("192.0.2.77", 0), "0.0.0.0/0");
        assert_eq!(of("2001:db8:1:2:3::", 64), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8::1", 200), "2001:db8::1/128");
        assert_eq!(of("2001:db8::1", 0), "::/0");
    }

    #[test]
    fn a_prefix_includes_itself_and_longer_ones_of_its_family() {
        let includes = |outer: &str, inner: &str| {
            outer.parse::<Prefix>().unwrap().includes(&inner.parse().unwrap())
        };
        assert!(includes("10.0.0.0/8", "10.0.0.0/8") && includes("10.0.0.0/8", "10.1.2.3"));
        assert!(!includes("10.1.0.0/16", "10.0.0.0/8") && !includes("10.0.0.0/8", "11.0.0.0/9"));
        assert!(!includes("0.0.0.0/0", "::/0") && !includes("::/0", "10.0.0.0/8"));
        assert!(!includes("127.0.0.0/8", "::ffff:127.0.0.1"), "mapped, and so of another length");
    }

    #[test]
    fn a_prefix_goes_from_its_first_address_to_its_last() {
        let ends = |text: &str| {
            let prefix: Prefix = text.parse().unwrap();
            format!("{} {}", prefix.first(), prefix.last())
        };
        assert_eq!(ends("10.1.2.3/8"), "10.0.0.0 10.255.255.255");
        assert_eq!(ends("0.0.0.0/0"), "0.0.0.0 255.255.255.255");
        assert_eq!(ends("192.0.2.1"), "192.0.2.1 192.0.2.1");
        assert_eq!(ends("fe80::1/10"), "fe80:: febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert_eq!(ends("::/0"), ":: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert_eq!(ends("::1"), "::1 ::1");
    }

    #[test]
    fn a_prefix_contains_addresses_with_its_bits() {
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("192.0.2.1", "192.0.2.1") && !contains("192.0.2.1", "192.0.2.2"));
        assert!(contains("fe80::/10", "febf::1") && !contains("fe80::/10", "fec0::1"));
        assert!(contains("127.0.0.0/8", "::ffff:127.0.0.1"), "mapped");
        assert!("10.0.0.0/33".parse::<Prefix>().is_err() && "x/8".parse::<Prefix>().is_err());
    }
}
