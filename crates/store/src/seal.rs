//! A message authentication code over stored octets.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};

/// Octets of a seal: half of HMAC-SHA-256 (RFC 2104 section 5).
pub(crate) const LENGTH: usize = 16;

/// Seals octets with a secret, and verifies seals.
pub struct Seal(Key);

impl Seal {
    /// A seal that only holders of `secret` can make.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Seal(Key::new(HMAC_SHA256, secret))
    }

    /// A seal without a secret: a checksum, which proves that octets are whole and nothing of their origin.
    #[must_use]
    pub fn without_secret() -> Self {
        Seal::new(b"")
    }

    /// The seal over `parts`; the boundaries between parts count too.
    #[must_use]
    pub fn over(&self, parts: &[&[u8]]) -> [u8; LENGTH] {
        let mut context = Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Whether `seal` is the seal over `parts`.
    #[must_use]
    pub fn fits(&self, parts: &[&[u8]], seal: &[u8]) -> bool {
        verify_slices_are_equal(&self.over(parts), seal).is_ok()
    }
}

impl fmt::Debug for Seal {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_depends_on_the_parts_and_the_secret() {
        let (own, other) = (Seal::new(b"own"), Seal::new(b"other"));
        let seal = own.over(&[b"ab", b"c"]);
        assert!(own.fits(&[b"ab", b"c"], &seal));
        assert!(!own.fits(&[b"a", b"bc"], &seal) && !own.fits(&[b"abc"], &seal));
        assert!(
            !other.fits(&[b"ab", b"c"], &seal)
                && !Seal::without_secret().fits(&[b"ab", b"c"], &seal)
        );
        assert!(!own.fits(&[b"ab", b"c"], &seal[..15]));
    }
}
