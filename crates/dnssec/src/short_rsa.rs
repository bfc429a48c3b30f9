//! RSA keys of 512 to 1023 bits, which RFC 3110 allows and aws-lc-rs does not verify.
//!
//! Such a key can be factored in days, but the zone chose the key, and its records are not bogus.
//! Verification uses public values only, so no operation needs to take constant time.

use aws_lc_rs::digest::{self, Algorithm};
use num_bigint::BigUint;

/// Octets of the shortest modulus.
pub(crate) const MIN_MODULUS_OCTETS: usize = 64;
/// From this length on, in octets, aws-lc-rs verifies.
pub(crate) const LIBRARY_MIN_OCTETS: usize = 128;

/// Whether `signature` is valid for `data`: RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2).
pub(crate) fn verify(
    hash: &'static Algorithm,
    prefix: &[u8],
    (e, n): (&[u8], &[u8]),
    data: &[u8],
    signature: &[u8],
) -> bool {
    if n.len() < MIN_MODULUS_OCTETS || signature.len() != n.len() {
        return false;
    }
    let (e, modulus) = (BigUint::from_bytes_be(e), BigUint::from_bytes_be(n));
    let signed = BigUint::from_bytes_be(signature);
    if signed >= modulus {
        return false;
    }
    let digest = digest::digest(hash, data);
    let tail = [&[0], prefix, digest.as_ref()].concat();
    let Some(padding) = n.len().checked_sub(tail.len() + 2).filter(|length| *length >= 8) else {
        return false;
    };
    let expected = [&[0, 1], &vec![0xFF; padding][..], &tail].concat();
    signed.modpow(&e, &modulus) == BigUint::from_bytes_be(&expected)
}
