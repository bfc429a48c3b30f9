//! The digest of a whole zone (ZONEMD, RFC 8976), and its signatures: glue and delegations have no signatures.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA384, SHA512};
use zoners_dns::{RRset, Records, Rtype, SortKey, name};
use zoners_dnssec::BogusReason;
use zoners_dnssec::chain::{self, Ds};
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::signed_data::canonical_rdata;
use zoners_dnssec::verify::{ValidationTime, signature_checks};

use crate::zone::AuthoritativeZone;

/// The scheme SIMPLE (RFC 8976 section 2.2.2); no other scheme exists.
const SIMPLE_SCHEME: u8 = 1;
/// Class IN.
const CLASS: [u8; 2] = [0, 1];
/// ZONEMD records read; there is one for each scheme and hash algorithm.
const MAX_DIGESTS: usize = 8;

/// Why a copy of a zone is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneFault {
    /// No trust anchor matches the keys, or a signature does not hold: of the keys or of the digest.
    Bogus(Rtype, BogusReason),
    /// The zone has no digest.
    NoDigest,
    /// The digest is for another version of the zone.
    OtherSerial,
    /// No digest has a known scheme and hash algorithm.
    UnknownAlgorithm,
    /// The digest does not fit the records.
    WrongDigest,
}

/// The trust anchor of a zone.
#[derive(Clone, Copy, Debug)]
pub struct ZoneAnchor<'a> {
    /// Digests of keys.
    pub ds: &'a [Ds],
    /// Keys.
    pub keys: &'a [Dnskey],
}

/// Verifies every record of a zone: the keys by the anchor, the digest by the keys, and the records by the digest.
///
/// # Errors
/// The zone differs from the signed zone.
pub fn verify(
    zone: &AuthoritativeZone,
    anchor: ZoneAnchor<'_>,
    time: ValidationTime,
) -> Result<(), ZoneFault> {
    let fault = |rtype| move |reason| ZoneFault::Bogus(rtype, reason);
    let keys = zone.rrset(zone.apex(), Rtype::DNSKEY);
    let set = keys.ok_or(ZoneFault::Bogus(Rtype::DNSKEY, BogusReason::NoKey))?;
    let keys = chain::keys(set);
    let known = |key: &&Dnskey| anchor.keys.iter().any(|known| known.rdata == key.rdata);
    let anchored = keys.iter().filter(known).filter(|key| key.may_sign_zone());
    let mut entry_points: Vec<Dnskey> = anchored.cloned().collect();
    match chain::entry_points(zone.apex(), anchor.ds, &keys) {
        Ok(more) => entry_points.extend(more),
        Err(reason) if entry_points.is_empty() => return Err(fault(Rtype::DNSKEY)(reason)),
        Err(_) => {}
    }
    verify_rrset(zone, set, &entry_points, time).map_err(fault(Rtype::DNSKEY))?;
    let digests = zone.rrset(zone.apex(), Rtype::ZONEMD).ok_or(ZoneFault::NoDigest)?;
    verify_rrset(zone, digests, &keys, time).map_err(fault(Rtype::ZONEMD))?;
    verify_digest(zone, digests)
}

/// Whether one of the keys has signed an RRset.
fn verify_rrset(
    zone: &AuthoritativeZone,
    set: &RRset,
    keys: &[Dnskey],
    time: ValidationTime,
) -> Result<(), BogusReason> {
    let mut reason = BogusReason::NoSignature;
    for check in signature_checks(set, zone.apex(), keys, time)? {
        match check.verify() {
            Ok(_) => return Ok(()),
            Err(other) => reason = reason.max(other),
        }
    }
    Err(reason)
}

/// Whether the records of a zone have one of the digests.
fn verify_digest(zone: &AuthoritativeZone, digests: &RRset) -> Result<(), ZoneFault> {
    let mut fault = ZoneFault::UnknownAlgorithm;
    for rdata in digests.records.slices().take(MAX_DIGESTS) {
        let Some(([s0, s1, s2, s3, scheme, algorithm], expected)) = rdata.split_first_chunk::<6>()
        else {
            continue;
        };
        if u32::from_be_bytes([*s0, *s1, *s2, *s3]) != zone.soa().serial {
            fault = ZoneFault::OtherSerial;
            continue;
        }
        let hash = match (*scheme, *algorithm) {
            (SIMPLE_SCHEME, 1) => Context::new(&SHA384),
            (SIMPLE_SCHEME, 2) => Context::new(&SHA512),
            _ => continue,
        };
        return match digest(zone, hash) == expected {
            true => Ok(()),
            false => Err(ZoneFault::WrongDigest),
        };
    }
    Err(fault)
}

/// A record in canonical form: the sort key of its owner, its type and RDATA, and the fields before the RDATA.
type DigestedRecord = (Vec<u8>, u16, Vec<u8>, Vec<u8>);

/// The digest over all records in canonical form and order, except the digest and the signatures of the digest (RFC 8976
/// section 3.3.2).
fn digest(zone: &AuthoritativeZone, mut hash: Context) -> Vec<u8> {
    let mut records: Vec<DigestedRecord> = Vec::new();
    for set in zone.rrsets() {
        let owner = name::lowercase(&set.owner);
        let key = SortKey::of(owner.for_slice()).as_slice().to_vec();
        let is_digest = set.rtype == Rtype::ZONEMD && owner == *zone.apex();
        let signatures = RRset::new(owner.clone(), Rtype::RRSIG, set.ttl, set.signatures.clone());
        let none = RRset::new(owner.clone(), set.rtype, set.ttl, Records::NONE);
        let parts = if is_digest { [&none, &none] } else { [set, &signatures] };
        for part in parts {
            let rtype = part.rtype.to_int();
            for rdata in canonical_rdata(part) {
                let length = (rdata.len() as u16).to_be_bytes();
                let ttl = part.ttl.to_be_bytes();
                let head = [owner.as_slice(), &rtype.to_be_bytes(), &CLASS, &ttl, &length].concat();
                records.push((key.clone(), rtype, rdata, head));
            }
        }
    }
    records.sort_unstable();
    records.dedup();
    for (_, _, rdata, head) in &records {
        hash.update(head);
        hash.update(rdata);
    }
    hash.finish().as_ref().to_vec()
}

impl fmt::Display for ZoneFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ZoneFault::Bogus(rtype, reason) => write!(f, "{rtype}: {reason}"),
            ZoneFault::NoDigest => f.write_str("no digest of the zone (ZONEMD)"),
            ZoneFault::OtherSerial => f.write_str("the digest (ZONEMD) is for another serial"),
            ZoneFault::UnknownAlgorithm => f.write_str("no digest (ZONEMD) of a known algorithm"),
            ZoneFault::WrongDigest => f.write_str("the digest (ZONEMD) is of other records"),
        }
    }
}

#[cfg(test)]
mod tests;
