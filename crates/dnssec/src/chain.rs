//! From a DS RRset to the keys for which it vouches (RFC 4035 section 5.2).

use bytes::Bytes;
use zoners_dns::{Name, RRset, Rtype, name};

use crate::algorithm;
use crate::dnskey::Dnskey;
use crate::reason::BogusReason;

/// DS records read of a DS RRset.
pub const MAX_DS: usize = 8;
/// Keys read of a DNSKEY RRset.
pub const MAX_KEYS: usize = 32;

/// The RDATA of a DS record, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ds {
    /// The tag of the key.
    pub key_tag: u16,
    /// The algorithm of the key.
    pub algorithm: u8,
    /// The digest type.
    pub digest_type: u8,
    /// The digest of the owner name and the key.
    pub digest: Bytes,
}

impl Ds {
    /// Parses RDATA. `None` if the RDATA is truncated.
    #[must_use]
    pub fn read(rdata: &Bytes) -> Option<Self> {
        let [t0, t1, algorithm, digest_type] = *rdata.first_chunk::<4>()?;
        let key_tag = u16::from_be_bytes([t0, t1]);
        Some(Ds { key_tag, algorithm, digest_type, digest: rdata.slice(4..) })
    }

    /// Whether the algorithm of the key and the digest type are supported.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        algorithm::is_supported(self.algorithm) && algorithm::is_supported_digest(self.digest_type)
    }

    /// Whether the record vouches for `key` of `zone`: tag, algorithm and digest match.
    #[must_use]
    pub fn matches_key(&self, zone: &Name, key: &Dnskey) -> bool {
        key.tag == self.key_tag
            && key.algorithm == self.algorithm
            && algorithm::digest(self.digest_type, &[name::lowercase(zone).as_slice(), &key.rdata])
                .is_some_and(|digest| digest.as_ref() == &self.digest[..])
    }
}

/// What a parent, or a trust anchor, says about the keys of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsableDs {
    /// The DS records that can be checked.
    Ds(Vec<Ds>),
    /// No DS record can be checked, so the zone is treated as insecure. Holds the first unsupported
    /// algorithm, or `None` if only the digest types are unsupported.
    Unsupported(Option<u8>),
}

/// The DS records of `set` that count. SHA-1 is ignored where a stronger digest is present (RFC
/// 4509 section 3).
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

/// The keys for which a DS record vouches and that may sign the zone. A signature of any such key
/// makes the whole DNSKEY RRset trusted.
///
/// # Errors
/// No key matches a DS record, or no matching key may sign.
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
