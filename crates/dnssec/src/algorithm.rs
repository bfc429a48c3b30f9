//! Signature and digest algorithms, computed by aws-lc-rs.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

use crate::reason::BogusReason;
use crate::short_rsa;

/// Octets of the longest RSA modulus: 4096 bits. A longer modulus costs more to verify than it adds
/// in security.
const MAX_MODULUS_OCTETS: usize = 512;
/// Octets of the longest RSA exponent. A larger exponent only makes verification slow.
const MAX_EXPONENT_OCTETS: usize = 5;

/// Whether signatures of this algorithm can be verified. A zone signing only with unsupported
/// algorithms is treated as insecure (RFC 4035 section 5.2, RFC 6840 section 5.2).
#[must_use]
pub fn is_supported(algorithm: u8) -> bool {
    matches!(algorithm, 5 | 7 | 8 | 10 | 13 | 14 | 15)
}

/// Verifies `signature` over `data` with the public key of a DNSKEY record.
///
/// # Errors
/// The signature does not match, or the key has the wrong length or format.
pub fn verify(algorithm: u8, key: &[u8], data: &[u8], signature: &[u8]) -> Result<(), BogusReason> {
    match algorithm {
        5 | 7 => rsa(&RSA_SHA1, key, data, signature),
        8 => rsa(&RSA_SHA256, key, data, signature),
        10 => rsa(&RSA_SHA512, key, data, signature),
        13 => ecdsa::<64>(&ECDSA_P256_SHA256_FIXED, key, data, signature),
        14 => ecdsa::<96>(&ECDSA_P384_SHA384_FIXED, key, data, signature),
        15 => unparsed(&ED25519, key, data, signature),
        _ => Err(BogusReason::UnusableKey),
    }
}

/// RSA with one hash algorithm.
struct Rsa {
    params: &'static RsaParameters,
    hash: &'static digest::Algorithm,
    /// The ASN.1 prefix of the hash (RFC 8017 section 9.2).
    prefix: &'static [u8],
}

const RSA_SHA1: Rsa = Rsa {
    params: &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    hash: &SHA1_FOR_LEGACY_USE_ONLY,
    prefix: b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
};
const RSA_SHA256: Rsa = Rsa {
    params: &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    hash: &SHA256,
    prefix: b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
};
const RSA_SHA512: Rsa = Rsa {
    params: &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    hash: &SHA512,
    prefix: b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
};

/// Verifies with an RSA key: the length of the exponent, the exponent, the modulus (RFC 3110
/// section 2).
fn rsa(rsa: &Rsa, key: &[u8], data: &[u8], signature: &[u8]) -> Result<(), BogusReason> {
    let (e, n) = rsa_parts(key).ok_or(BogusReason::UnusableKey)?;
    if n.len() < short_rsa::LIBRARY_MIN_OCTETS {
        let is_valid = short_rsa::verify(rsa.hash, rsa.prefix, (e, n), data, signature);
        return if is_valid { Ok(()) } else { Err(BogusReason::BadSignature) };
    }
    let key = RsaPublicKeyComponents { n, e };
    key.verify(rsa.params, data, signature).map_err(|_| BogusReason::BadSignature)
}

fn rsa_parts(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match key {
        [0, l0, l1, rest @ ..] => (usize::from(u16::from_be_bytes([*l0, *l1])), rest),
        [length, rest @ ..] => (usize::from(*length), rest),
        [] => return None,
    };
    let (e, n) = rest.split_at_checked(length)?;
    let (e, n) = (without_zeros(e), without_zeros(n));
    let odd = e.last().is_some_and(|last| last % 2 == 1);
    let length = (short_rsa::MIN_MODULUS_OCTETS..=MAX_MODULUS_OCTETS).contains(&n.len());
    (odd && e.len() <= MAX_EXPONENT_OCTETS && length).then_some((e, n))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    &number[zeros..]
}

/// Verifies with an ECDSA key. The key is a point without the leading octet 4 of the uncompressed
/// form (RFC 6605 section 4).
fn ecdsa<const POINT: usize>(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    data: &[u8],
    signature: &[u8],
) -> Result<(), BogusReason> {
    if key.len() != POINT {
        return Err(BogusReason::UnusableKey);
    }
    unparsed(algorithm, &[&[4], key].concat(), data, signature)
}

fn unparsed(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    data: &[u8],
    signature: &[u8],
) -> Result<(), BogusReason> {
    let key = UnparsedPublicKey::new(algorithm, key);
    key.verify(data, signature).map_err(|_| BogusReason::BadSignature)
}

/// The digest of a DS record of this type over `parts` (RFC 4034 section 5.1.4, RFC 4509, RFC
/// 6605). `None` if the digest type is unknown.
#[must_use]
pub fn digest(digest_type: u8, parts: &[&[u8]]) -> Option<digest::Digest> {
    let algorithm = match digest_type {
        1 => &SHA1_FOR_LEGACY_USE_ONLY,
        2 => &SHA256,
        4 => &SHA384,
        _ => return None,
    };
    let mut context = digest::Context::new(algorithm);
    parts.iter().for_each(|part| context.update(part));
    Some(context.finish())
}

/// Whether digests of this type can be computed.
#[must_use]
pub fn is_supported_digest(digest_type: u8) -> bool {
    matches!(digest_type, 1 | 2 | 4)
}
