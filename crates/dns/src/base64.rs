//! Base64 (RFC 4648 section 4), in which secrets and queries in addresses are written.

use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

/// Bits behind the last octet count nothing: other programs do not look at them either.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
const UNPADDED: GeneralPurposeConfig =
    LENIENT.with_decode_padding_mode(DecodePaddingMode::RequireNone);

static PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
static URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, UNPADDED);

/// The octets of a text; `None` if the text is no base64.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    PLAIN.decode(text).ok()
}

/// The octets of a text in base64url (RFC 4648 section 5), with padding or, as in addresses of DNS over HTTPS, without;
/// `None` if the text is none.
#[must_use]
pub fn decode_url(text: &str) -> Option<Vec<u8>> {
    URL.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_an_alphabet_of_its_own_and_no_padding() {
        // RFC 4648 section 5: without padding, and with two letters of its own.
        for (text, octets) in
            [("", &b""[..]), ("Zg", b"f"), ("YWI", b"ab"), ("YWJj", b"abc"), ("-_8", &[0xFB, 0xFF])]
        {
            assert_eq!(decode_url(text).as_deref(), Some(octets), "{text}");
        }
        for padded in ["Zg==", "Zh", "Zh==="] {
            assert_eq!(decode_url(padded).as_deref(), Some(&b"f"[..]), "{padded}");
        }
        for wrong in ["Z", "Zg=g", "+/8", "Zm9v\n", "Z\u{e9}", "Zm 9v"] {
            assert_eq!(decode_url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_has_the_plain_alphabet_and_padding() {
        for (text, octets) in
            [("", &b""[..]), ("Zg==", b"f"), ("Zh==", b"f"), ("+/8=", &[0xFB, 0xFF])]
        {
            assert_eq!(decode(text).as_deref(), Some(octets), "{text}");
        }
        for wrong in ["Zg", "Zg=", "Zg===", "-_8=", "Zg==Zg==", "Zm9v\n", "=", "Z==="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
