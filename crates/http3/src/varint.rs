//! Integers of QUIC (RFC 9000 section 16): two bits of the first octet tell the length.

/// Reads an integer and takes its octets away; `None` while octets are missing.
pub(crate) fn read(octets: &mut &[u8]) -> Option<u64> {
    let first = *octets.first()?;
    let (encoded, rest) = octets.split_at_checked(1 << (first >> 6))?;
    *octets = rest;
    let start = u64::from(first & 0x3F);
    Some(encoded.iter().skip(1).fold(start, |value, octet| (value << 8) | u64::from(*octet)))
}
