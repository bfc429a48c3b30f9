//! The parts of signed requests (RFC 7515), and the thumbprint of a key (RFC 7638).

use serde_json::Value;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Octets of base64url without padding.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let (mut octets, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter).unwrap();
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push((bits >> count) as u8);
        }
    }
    octets
}

/// Octets as base64url without padding.
pub(crate) fn encode(octets: &[u8]) -> String {
    let letter = |value: u32| char::from(LETTERS[(value & 63) as usize]);
    let mut text = String::new();
    for part in octets.chunks(3) {
        let at = |place: usize| u32::from(part.get(place).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        let letters = [bits >> 18, bits >> 12, bits >> 6, bits].map(letter);
        text.extend(&letters[..=part.len()]);
    }
    text
}

/// The thumbprint of the key in a header.
pub(crate) fn thumbprint(header: &Value) -> String {
    let part = |name: &str| header["jwk"][name].as_str().unwrap().to_owned();
    let [curve, kind, x, y] = ["crv", "kty", "x", "y"].map(part);
    let text = format!("{{\"crv\":\"{curve}\",\"kty\":\"{kind}\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
    encode(&sha256(text.as_bytes()))
}

/// SHA-256 by the crypto library of TLS.
pub(crate) fn sha256(octets: &[u8]) -> Vec<u8> {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite.tls13().unwrap().common.hash_provider.hash(octets);
    hash.as_ref().to_vec()
}
