//! Integers of QUIC (RFC 9000 section 16): two bits of the first octet tell the length.

/// Reads an integer and takes its octets away; `None` while octets are missing.
pub(crate) fn read(octets: &mut &[u8]) -> Option<u64> {
    let first = *octets.first()?;
    let (encoded, rest) = octets.split_at_checked(1 << (first >> 6))?;
    *octets = rest;
    let start = u64::from(first & 0x3F);
    Some(encoded.iter().skip(1).fold(start, |value, octet| (value << 8) | u64::from(*octet)))
}

/// Appends an integer in the fewest octets; 62 bits have room.
pub(crate) fn append(value: u64, out: &mut Vec<u8>) {
    debug_assert!(value < 1 << 62);
    let octets = value.to_be_bytes();
    let (log, length) = match value {
        0..0x40 => (0, 1),
        0x40..0x4000 => (1, 2),
        0x4000..0x4000_0000 => (2, 4),
        _ => (3, 8),
    };
    let start = out.len();
    out.extend(octets.iter().skip(octets.len() - length));
    if let Some(first) = out.get_mut(start) {
        *first |= log << 6;
    }
}
