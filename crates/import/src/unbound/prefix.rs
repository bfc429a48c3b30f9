//! Prefixes of addresses, as far as needed to see which one contains another.

use std::net::IpAddr;

/// An address and the number of bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    bits: u128,
    length: u8,
    is_v4: bool,
}

impl Prefix {
    /// From `ADDRESS` or `ADDRESS/LENGTH`; none from anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let (bits, longest, is_v4) = match address.parse().ok()? {
            IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32, true),
            IpAddr::V6(address) => (u128::from(address), 128, false),
        };
        let length = length.unwrap_or(longest);
        (length <= longest).then_some(Prefix { bits, length, is_v4 })
    }

    /// Whether each address of the other prefix is one of this prefix.
    pub(super) fn contains(self, other: Prefix) -> bool {
        let unlike = self.bits ^ other.bits;
        let counted = unlike.checked_shr(128 - u32::from(self.length)).unwrap_or(0);
        self.is_v4 == other.is_v4 && self.length <= other.length && counted == 0
    }
}
