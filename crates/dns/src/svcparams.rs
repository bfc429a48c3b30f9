//! SvcParams in presentation format (RFC 9460 section 2.1), with the names of all keys in the IANA
//! registry. The `domain` crate knows fewer keys, and other names for some keys.

use std::fmt::{self, Display, Formatter, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use domain::base::iana::SvcParamKey;
use domain::utils::base64;

/// The SvcParams of an SVCB or HTTPS record, on the wire.
pub(crate) struct SvcParams<'a>(pub(crate) &'a [u8]);

/// Each parameter follows a space.
impl Display for SvcParams<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((key, value, after)) = split_first(rest) {
            write!(f, " {}", ParamKey(key))?;
            if !value.is_empty() {
                f.write_char('=')?;
                write_value(f, key, value)?;
            }
            rest = after;
        }
        Ok(())
    }
}

/// Splits off the first parameter.
fn split_first(params: &[u8]) -> Option<(SvcParamKey, &[u8], &[u8])> {
    let (&[k0, k1, l0, l1], rest) = params.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
    Some((SvcParamKey::from_int(u16::from_be_bytes([k0, k1])), value, rest))
}

/// A key, displayed by its name, or by its number if the registry has no name.
struct ParamKey(SvcParamKey);

impl Display for ParamKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.to_mnemonic_str() {
            Some(name) => f.write_str(name),
            None => write!(f, "key{}", self.0.to_int()),
        }
    }
}

/// Writes a value in the format of its key. A value of an unknown or wrong format is written as
/// octets.
fn write_value(f: &mut Formatter<'_>, key: SvcParamKey, value: &[u8]) -> fmt::Result {
    let numbers = value.as_chunks::<2>();
    match (key, numbers) {
        (SvcParamKey::MANDATORY, (keys, [])) => {
            let key =
                |octets: &[u8; 2]| ParamKey(SvcParamKey::from_int(u16::from_be_bytes(*octets)));
            write_list(f, keys.iter().map(key))
        }
        (SvcParamKey::PORT, ([port], [])) => u16::from_be_bytes(*port).fmt(f),
        (SvcParamKey::TLS_SUPPORTED_GROUPS, (groups, [])) => {
            write_list(f, groups.iter().map(|octets| u16::from_be_bytes(*octets)))
        }
        (SvcParamKey::IPV4HINT, _) if value.len().is_multiple_of(4) => {
            write_list(f, value.as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets)))
        }
        (SvcParamKey::IPV6HINT, _) if value.len().is_multiple_of(16) => {
            write_list(f, value.as_chunks::<16>().0.iter().map(|octets| Ipv6Addr::from(*octets)))
        }
        (SvcParamKey::ECH, _) => base64::display(value, f),
        // Lists of strings (RFC 9460 section 7.1.1, RFC 9953 section 3.2).
        (SvcParamKey::ALPN | SvcParamKey::DOCPATH, _) => match strings(value) {
            Some(list) => CharacterString(&list).fmt(f),
            None => CharacterString(value).fmt(f),
        },
        _ => CharacterString(value).fmt(f),
    }
}

fn write_list(f: &mut Formatter<'_>, items: impl Iterator<Item = impl Display>) -> fmt::Result {
    for (index, item) in items.enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

/// A comma-separated list of length-prefixed strings. Commas and backslashes within a string are
/// escaped (RFC 9460 appendix A.1). `None` if a length is wrong.
fn strings(mut value: &[u8]) -> Option<Vec<u8>> {
    let (mut list, whole) = (Vec::with_capacity(value.len()), value.len());
    while let Some((length, rest)) = value.split_first() {
        // The first string may be empty.
        if value.len() < whole {
            list.push(b',');
        }
        let (string, rest) = rest.split_at_checked(usize::from(*length))?;
        for octet in string {
            if matches!(octet, b',' | b'\\') {
                list.push(b'\\');
            }
            list.push(*octet);
        }
        value = rest;
    }
    Some(list)
}

/// A character string (RFC 1035 section 5.1), in quotes if needed.
struct CharacterString<'a>(&'a [u8]);

impl Display for CharacterString<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let quotes = self.0.iter().any(|octet| matches!(octet, b' ' | b';' | b'(' | b')'));
        let quote = if quotes { "\"" } else { "" };
        f.write_str(quote)?;
        for octet in self.0 {
            match octet {
                b'"' | b'\\' => write!(f, "\\{}", char::from(*octet))?,
                b' '..=b'~' => f.write_char(char::from(*octet))?,
                _ => write!(f, "\\{octet:03}")?,
            }
        }
        f.write_str(quote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(params: &[(u16, &[u8])]) -> String {
        let mut wire = Vec::new();
        for (key, value) in params {
            wire.extend(key.to_be_bytes());
            wire.extend((value.len() as u16).to_be_bytes());
            wire.extend(*value);
        }
        SvcParams(&wire).to_string()
    }

    #[test]
    fn every_key_of_the_registry_has_its_name() {
        for (key, value, expected) in [
            (0, &[0, 1, 0, 12, 2, 154][..], "mandatory=alpn,oots,key666"),
            (1, b"\x02h2\x02h3", "alpn=h2,h3"),
            (1, b"\x00\x02h3\x00", "alpn=,h3,"),
            (2, b"", "no-default-alpn"),
            (3, &[1, 187], "port=443"),
            (4, &[192, 0, 2, 1, 192, 0, 2, 2], "ipv4hint=192.0.2.1,192.0.2.2"),
            (5, &[0, 4, 254, 13], "ech=AAT+DQ=="),
            (6, &[32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "ipv6hint=2001:db8::1"),
            (7, b"/dns-query{?dns}", "dohpath=/dns-query{?dns}"),
            (8, b"", "ohttp"),
            (9, &[0, 29, 17, 236], "tls-supported-groups=29,4588"),
            (10, b"\x03dns\x01q", "docpath=dns,q"),
            (10, b"", "docpath"),
            (11, b"", "pvd"),
            (12, b"100", "oots=100"),
            (13, b"x", "key13=x"),
            (65_535, b"", "key65535"),
        ] {
            assert_eq!(shown(&[(key, value)]), format!(" {expected}"));
        }
        assert_eq!(shown(&[(3, &[1, 187]), (11, b""), (13, b"y")]), " port=443 pvd key13=y");
    }

    #[test]
    fn special_characters_are_escaped() {
        assert_eq!(shown(&[(1, b"\x08f\\oo,bar\x02h2")]), " alpn=f\\\\\\\\oo\\\\,bar,h2");
        assert_eq!(shown(&[(7, b"a b;(\"\\\x00\xFF")]), " dohpath=\"a b;(\\\"\\\\\\000\\255\"");
    }

    #[test]
    fn malformed_values_are_shown_as_octets() {
        assert_eq!(shown(&[(3, &[1])]), " port=\\001");
        assert_eq!(shown(&[(4, b"abc")]), " ipv4hint=abc");
        assert_eq!(shown(&[(1, b"\x09h2")]), " alpn=\\009h2");
    }

    proptest! {
        #[test]
        fn displaying_never_panics(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = SvcParams(&octets).to_string();
        }
    }
}
