//! From a DS RRset to the keys that it vouches for (RFC 4035 section 5.2).

use bytes::Bytes;
use zoners_dns::{Name, RRset, Rtype, name};

use crate::algorithm;
use crate::dnskey::Dnskey;
use crate::reason::BogusReason;

/// DS records that are looked at.
pub const MAX_DS: usize = 8;
/// Keys of a zone that are looked at.
pub const MAX_KEYS: usize = 32;

/// The RDATA of a DS record, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ds {
    /// The tag of the key that it vouches for.
    pub key_tag: u16,
    /// The key's algorithm.
    pub algorithm: u8,
    /// How the digest was made.
    pub digest_type: u8,
    /// The digest of the key.
    pub digest: Bytes,
}

impl Ds {
    /// Reads RDATA. `None` if it is torn.
    #[must_use]
    pub fn read(rdata: &Bytes) -> Option<Self> {
        let [t0, t1, algorithm, digest_type] = *rdata.first_chunk::<4>()?;
        let key_tag = u16::from_be_bytes([t0, t1]);
        Some(Ds { key_tag, algorithm, digest_type, digest: rdata.slice(4..) })
    }

    /// Whether both the key's algorithm and the digest's are known here.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        algorithm::is_supported(self.algorithm) && algorithm::is_supported_digest(self.digest_type)
    }

    /// Whether it vouches for `key` of `zone`.
    #[must_use]
    pub fn matches_key(&self, zone: &Name, key: &Dnskey) -> bool {
        key.tag == self.key_tag
            && key.algorithm == self.algorithm
            && algorithm::digest(self.digest_type, &[name::lowercase(zone).as_slice(), &key.rdata])
                .is_some_and(|digest| digest.as_ref() == &self.digest[..])
    }
}

/// What a parent, or a trust anchor, says of a zone's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsableDs {
    /// These DS records, all of which can be checked.
    Ds(Vec<Ds>),
    /// Nothing that can be checked: the zone is as good as unsigned. The first unknown algorithm,
    /// or none if the digests are what is unknown.
    Unsupported(Option<u8>),
}

/// The DS records of `set` that count: none of SHA-1 where there is a stronger one (RFC 4509
/// section 3).
#[must_use]
pub fn usable_ds(set: &RRset) -> UsableDs {
    let all: Vec<Ds> = set.records.iter().take(MAX_DS).filter_map(|ds| Ds::read(&ds)).collect();
    let mut usable: Vec<Ds> = all.iter().filter(|ds| ds.is_supported()).cloned().collect();
    if usable.iter().any(|ds| ds.digest_type != 1) {
        usable.retain(|ds| ds.digest_type != 1);
    }
    if !usable.is_empty() {
        return UsableDs::Ds(usable);
    }
    let unknown = all.iter().map(|ds| ds.algorithm).find(|known| !algorithm::is_supported(*known));
    UsableDs::Unsupported(unknown)
}

/// The keys of a DNSKEY RRset.
#[must_use]
pub fn keys(set: &RRset) -> Vec<Dnskey> {
    if set.rtype != Rtype::DNSKEY {
        return Vec::new();
    }
    set.records.iter().take(MAX_KEYS).filter_map(|rdata| Dnskey::read(&rdata)).collect()
}

/// Of `keys`, those that one of `ds` vouches for and that may sign: whoever of them signed the
/// DNSKEY RRset makes all of it trusted.
///
/// # Errors
/// There is none.
pub fn entry_points(zone: &Name, ds: &[Ds], keys: &[Dnskey]) -> Result<Vec<Dnskey>, BogusReason> {
    let vouched = |key: &&Dnskey| ds.iter().any(|ds| ds.matches_key(zone, key));
    let vouched: Vec<&Dnskey> = keys.iter().filter(vouched).collect();
    if vouched.is_empty() {
        return Err(BogusReason::NoMatchingDs);
    }
    let usable: Vec<Dnskey> =
        vouched.into_iter().filter(|key| key.may_sign_zone()).cloned().collect();
    if usable.is_empty() { Err(BogusReason::UnusableKey) } else { Ok(usable) }
}
