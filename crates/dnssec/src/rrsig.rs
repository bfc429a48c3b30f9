//! RRSIG records (RFC 4034 section 3).

use bytes::Bytes;
use zoners_dns::{Name, Rtype, name};

/// The RDATA of an RRSIG record, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrsig {
    /// The type of the RRset that is signed.
    pub covers: Rtype,
    /// The number of the algorithm.
    pub algorithm: u8,
    /// Labels of the owner at signing time, without the root label and a leading `*`.
    pub labels: u8,
    /// The TTL at signing time, in seconds.
    pub original_ttl: u32,
    /// The last second of validity, on a clock that wraps after 2^32 seconds (RFC 4034 section
    /// 3.1.5).
    pub expiration: u32,
    /// The first second of validity.
    pub inception: u32,
    /// The tag of the key that made the signature.
    pub key_tag: u16,
    /// The zone that signed.
    pub signer: Name,
    /// The signature itself.
    pub signature: Bytes,
    /// The fields before the signature, with the signer in lower case: the beginning of the signed
    /// data.
    pub(crate) head: Vec<u8>,
}

/// The validity of a signature at a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Valid for so many more seconds.
    Valid(u32),
    /// Valid in so many seconds.
    NotYetValid(u32),
    /// Expired so many seconds ago.
    Expired(u32),
}

impl Rrsig {
    /// Parses RDATA. `None` if the RDATA is truncated.
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

    /// The validity at `now`, in seconds since 1970. Clocks may differ by `skew` seconds.
    #[must_use]
    pub fn period(&self, now: u64, skew: u32) -> Validity {
        // Serial number arithmetic (RFC 1982).
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

    /// Whether the RRset of `owner` was expanded from a wildcard: `owner` has more labels than the
    /// signature counts.
    #[must_use]
    pub fn is_expanded(&self, owner: &Name) -> bool {
        labels(owner) > usize::from(self.labels)
    }
}

/// Labels of a name as RRSIG records count: without the root label and a leading `*`.
#[must_use]
pub fn labels(owner: &Name) -> usize {
    let wildcard = owner.first().is_wildcard();
    name::depth(owner) - usize::from(wildcard)
}
