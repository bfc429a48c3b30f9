//! RRSIG records (RFC 4034 section 3).

use bytes::Bytes;
use zoners_dns::{Name, Rtype, name};

/// The RDATA of an RRSIG record, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrsig {
    /// The type that it covers.
    pub covers: Rtype,
    /// The algorithm's number.
    pub algorithm: u8,
    /// Labels of the owner when it was signed, the root's and a leading `*` not counted.
    pub labels: u8,
    /// The TTL when it was signed, in seconds.
    pub original_ttl: u32,
    /// The last second in which it is valid, on a clock that wraps (RFC 4034 section 3.1.5).
    pub expiration: u32,
    /// The first second in which it is valid.
    pub inception: u32,
    /// The tag of the key that made it.
    pub key_tag: u16,
    /// The zone that signed.
    pub signer: Name,
    /// The signature itself.
    pub signature: Bytes,
    /// All fields but the signature, the signer in lower case: what the signed data begin with.
    pub(crate) head: Vec<u8>,
}

/// When a signature is valid, seen from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Now; for so many seconds more.
    Valid(u32),
    /// It begins in so many seconds.
    NotYetValid(u32),
    /// It ended so many seconds ago.
    Expired(u32),
}

impl Rrsig {
    /// Reads RDATA. `None` if it is torn.
    #[must_use]
    pub fn read(rdata: &Bytes) -> Option<Self> {
        const FIXED: usize = 18;
        let fixed = rdata.first_chunk::<FIXED>()?;
        let [t0, t1, algorithm, labels, ttl @ .., _, _, _, _, _, _, _, _, k0, k1] = *fixed;
        let at = |from: usize| {
            fixed.get(from..).and_then(|rest| rest.first_chunk().copied()).map(u32::from_be_bytes)
        };
        let mut end = FIXED;
        loop {
            let length = usize::from(*rdata.get(end)?);
            end += 1 + length;
            if length == 0 {
                break;
            }
        }
        let signer = Name::from_octets(rdata.slice(FIXED..end)).ok()?;
        let mut head = fixed.to_vec();
        head.extend_from_slice(name::lowercase(&signer).as_slice());
        Some(Rrsig {
            covers: Rtype::from_int(u16::from_be_bytes([t0, t1])),
            algorithm,
            labels,
            original_ttl: u32::from_be_bytes(ttl),
            expiration: at(8)?,
            inception: at(12)?,
            key_tag: u16::from_be_bytes([k0, k1]),
            signer,
            signature: rdata.slice(end..),
            head,
        })
    }

    /// Whether it is valid at `now`, in seconds since 1970, for clocks that may be `skew` seconds
    /// wrong.
    #[must_use]
    pub fn period(&self, now: u64, skew: u32) -> Validity {
        // Differences on a clock that wraps (RFC 1982).
        let until = |moment: u32| i64::from(moment.wrapping_sub(now as u32) as i32);
        let (left, wait) = (until(self.expiration), until(self.inception));
        if left < -i64::from(skew) {
            Validity::Expired(left.unsigned_abs() as u32)
        } else if wait > i64::from(skew) {
            Validity::NotYetValid(wait.unsigned_abs() as u32)
        } else {
            Validity::Valid(left.max(0) as u32)
        }
    }

    /// Whether the RRset of `owner` was made from a wildcard: it has more labels than were signed.
    #[must_use]
    pub fn is_expanded(&self, owner: &Name) -> bool {
        labels(owner) > usize::from(self.labels)
    }
}

/// Labels of a name as RRSIG counts them: without the root's and without a leading `*`.
#[must_use]
pub fn labels(owner: &Name) -> usize {
    let wildcard = owner.first().is_wildcard();
    name::depth(owner) - usize::from(wildcard)
}
