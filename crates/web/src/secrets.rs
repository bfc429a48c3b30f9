//! Secrets of links and sessions.

use std::fmt::Write;

/// A secret of 256 bits in hexadecimal digits.
pub(crate) type SessionSecret = String;

/// The secret of these octets.
pub(crate) fn secret(octets: [u8; 32]) -> SessionSecret {
    octets.iter().fold(String::with_capacity(64), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Whether two secrets are the same. The time of the comparison says nothing about the first difference.
pub(crate) fn is_same(known: &str, given: &str) -> bool {
    let differs = |(a, b): (u8, u8)| a ^ b;
    known.len() == given.len()
        && known.bytes().zip(given.bytes()).map(differs).fold(0, |all, one| all | one) == 0
}
