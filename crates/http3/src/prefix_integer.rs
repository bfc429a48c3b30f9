//! Integers of QPACK: the low bits of an octet, and octets of seven bits each after them (RFC 7541 section 5.1).

use crate::Http3Fault;

/// Bits of the longest integer that RFC 9204 section 4.1.1 wants to be read.
const MAX_BITS: u32 = 62;

/// Reads an integer in the lowest `bits` of the first octet, and takes its octets away.
pub(crate) fn read(octets: &mut &[u8], bits: u32) -> Result<u64, Http3Fault> {
    let largest = (1u64 << bits) - 1;
    let mut value = u64::from(next(octets)?) & largest;
    if value < largest {
        return Ok(value);
    }
    let mut shift = 0;
    loop {
        let octet = u64::from(next(octets)?);
        let part = octet & 0x7F;
        if shift + 7 > MAX_BITS {
            return Err(Http3Fault::Compression);
        }
        value += part << shift;
        if octet & 0x80 == 0 {
            return Ok(value);
        }
        shift += 7;
    }
}

/// Appends an integer whose first octet has `pattern` above the lowest `bits`.
pub(crate) fn append(pattern: u8, bits: u32, value: usize, out: &mut Vec<u8>) {
    let largest = (1usize << bits) - 1;
    if value < largest {
        out.push(pattern | value as u8);
        return;
    }
    out.push(pattern | largest as u8);
    let mut rest = value - largest;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn next(octets: &mut &[u8]) -> Result<u8, Http3Fault> {
    let (first, rest) = octets.split_first().ok_or(Http3Fault::Compression)?;
    *octets = rest;
    Ok(*first)
}
