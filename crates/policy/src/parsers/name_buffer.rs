//! A name from a word of a list: on the wire, in lower case.

use std::net::IpAddr;

use super::SkipReason;

/// Octets of the longest name (RFC 1035 section 3.1).
const MAX_NAME_OCTETS: usize = 255;
const MAX_LABEL_OCTETS: usize = 63;

/// A name, in a buffer for name after name.
#[derive(Clone, Debug)]
pub(crate) struct NameBuffer {
    octets: [u8; MAX_NAME_OCTETS],
    length: usize,
}

impl Default for NameBuffer {
    fn default() -> Self {
        NameBuffer { octets: [0; MAX_NAME_OCTETS], length: 1 }
    }
}

impl NameBuffer {
    /// The name of a word: letters, digits, `-` and `_`; further letters of UTF-8 become A-labels (RFC 5890).
    pub(crate) fn parse(&mut self, word: &[u8]) -> Result<&[u8], SkipReason> {
        let parsed = match word.is_ascii() {
            true => self.parse_ascii(word),
            false => {
                let word = std::str::from_utf8(word).map_err(|_| SkipReason::NotText)?;
                let ascii = idna::domain_to_ascii(word).map_err(|_| SkipReason::NotAName)?;
                self.parse_ascii(ascii.as_bytes())
            }
        };
        match parsed {
            Ok(()) => Ok(&self.octets[..self.length]),
            Err(_) if is_address(word) => Err(SkipReason::AddressAsName),
            Err(reason) => Err(reason),
        }
    }

    fn parse_ascii(&mut self, word: &[u8]) -> Result<(), SkipReason> {
        let word = word.strip_suffix(b".").unwrap_or(word);
        // A length octet before, and the root label behind.
        if word.is_empty() || word.len() + 2 > MAX_NAME_OCTETS {
            return Err(SkipReason::NotAName);
        }
        let mut label = 0;
        for (at, octet) in word.iter().enumerate() {
            match octet {
                b'.' => {
                    self.end_label(label, at)?;
                    label = at + 1;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                    self.octets[at + 1] = octet.to_ascii_lowercase();
                }
                _ => return Err(SkipReason::NotAName),
            }
        }
        self.end_label(label, word.len())?;
        // The top-level domain is no number, as in an address.
        if word[label..].iter().all(u8::is_ascii_digit) {
            return Err(SkipReason::NotAName);
        }
        self.octets[word.len() + 1] = 0;
        self.length = word.len() + 2;
        Ok(())
    }

    /// Writes the length of the label from `start` to `end` of the word.
    fn end_label(&mut self, start: usize, end: usize) -> Result<(), SkipReason> {
        match end - start {
            length @ 1..=MAX_LABEL_OCTETS => {
                self.octets[start] = length as u8;
                Ok(())
            }
            _ => Err(SkipReason::NotAName),
        }
    }
}

fn is_address(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| word.parse::<IpAddr>().is_ok())
}
