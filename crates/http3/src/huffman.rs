//! The Huffman code of fields (RFC 7541 appendix B).
//!
//! Codes of one length count up by symbol, and shorter codes come first: the lengths alone make the whole code.

use crate::Http3Fault;

/// Bits of the code of each octet, and of the end of a string.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/// Bits of the longest code.
const LONGEST: usize = 30;

/// The symbol that is never written (RFC 7541 section 5.2).
const END: usize = 256;

/// The codes of each length: the first code, the number of codes, the place of their symbols.
const RANGES: [(u32, u32, usize); LONGEST + 1] = ranges();

/// The symbols by length, then by value.
const SYMBOLS: [u16; 257] = symbols();

/// Appends the octets that `encoded` stands for.
///
/// # Errors
///
/// [`Http3Fault::Compression`] for the end symbol and for padding that is not the start of the end's code.
pub(crate) fn append(encoded: &[u8], out: &mut Vec<u8>) -> Result<(), Http3Fault> {
    let (mut code, mut length) = (0u32, 0usize);
    for octet in encoded {
        for bit in (0..8).rev() {
            code = (code << 1) | u32::from(octet >> bit & 1);
            length += 1;
            let Some((first, number, place)) = RANGES.get(length) else {
                return Err(Http3Fault::Compression);
            };
            let index = code.wrapping_sub(*first);
            if index >= *number {
                continue;
            }
            let symbol = SYMBOLS.get(place + index as usize).copied().map(u8::try_from);
            let Some(Ok(octet)) = symbol else { return Err(Http3Fault::Compression) };
            out.push(octet);
            (code, length) = (0, 0);
        }
    }
    if length < 8 && code == (1 << length) - 1 { Ok(()) } else { Err(Http3Fault::Compression) }
}

const fn ranges() -> [(u32, u32, usize); LONGEST + 1] {
    let mut ranges = [(0, 0, 0); LONGEST + 1];
    let (mut symbol, mut length, mut code, mut place) = (0, 1, 0, 0);
    while symbol <= END {
        ranges[LENGTHS[symbol] as usize].1 += 1;
        symbol += 1;
    }
    while length <= LONGEST {
        code <<= 1;
        ranges[length].0 = code;
        ranges[length].2 = place;
        code += ranges[length].1;
        place += ranges[length].1 as usize;
        length += 1;
    }
    ranges
}

const fn symbols() -> [u16; 257] {
    let mut symbols = [0; 257];
    let mut taken = [0; LONGEST + 1];
    let mut symbol = 0;
    while symbol <= END {
        let length = LENGTHS[symbol] as usize;
        symbols[RANGES[length].2 + taken[length]] = symbol as u16;
        taken[length] += 1;
        symbol += 1;
    }
    symbols
}
