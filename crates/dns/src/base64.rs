//! Base64 (RFC 4648 section 4), in which secrets are written.

use domain::utils::base64;

/// The octets of a text; `None` if the text is no base64.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    base64::decode(text).ok()
}
