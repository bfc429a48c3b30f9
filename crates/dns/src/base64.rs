//! Base64 (RFC 4648 section 4), in which secrets are written.

use domain::utils::base64;

/// The octets of a text; `None` if the text is no base64.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    base64::decode(text).ok()
}

/// The octets of a text in base64url (RFC 4648 section 5), with padding or, as in addresses of DNS over HTTPS, without;
/// `None` if the text is none.
#[must_use]
pub fn decode_url(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    if text.contains(['+', '/', '=']) {
        return None;
    }
    let mut plain = text.replace('-', "+").replace('_', "/");
    plain.extend(std::iter::repeat_n('=', plain.len().next_multiple_of(4) - plain.len()));
    decode(&plain)
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
        assert_eq!(decode_url("Zg==").as_deref(), Some(&b"f"[..]));
        for wrong in ["Z", "Zg=g", "+/8", "Zm9v\n", "Z\u{e9}", "Zm 9v"] {
            assert_eq!(decode_url(wrong), None, "{wrong}");
        }
    }
}
