//! Secrets of links, sessions and tokens.

use std::fmt::Write;

/// A secret of 256 bits in hexadecimal digits.
pub(crate) type SessionSecret = String;

/// The secret of these octets.
pub(crate) fn secret(octets: [u8; 32]) -> SessionSecret {
    hexadecimal(&octets)
}

/// Octets in hexadecimal digits.
pub(crate) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The octets of hexadecimal digits; none of another text.
pub(crate) fn octets(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

/// Whether two secrets are the same. The time of the comparison says nothing about the first difference.
pub(crate) fn is_same(known: &str, given: &str) -> bool {
    let differs = |(a, b): (u8, u8)| a ^ b;
    known.len() == given.len()
        && known.bytes().zip(given.bytes()).map(differs).fold(0, |all, one| all | one) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_read_as_written_and_other_texts_are_none() {
        assert_eq!(octets(&hexadecimal(&[0, 9, 255])), Some(vec![0, 9, 255]));
        for text in ["a", "xy", "0g", "ä"] {
            assert_eq!(octets(text), None, "{text}");
        }
        assert!(is_same("ab", "ab") && !is_same("ab", "aB") && !is_same("ab", "abc"));
    }
}
