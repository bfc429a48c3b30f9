//! RRsets, with rank and security status.

use bytes::BufMut;
use zoners_dns::{Moment, Name, RRset, Rtype, Security, name};

use crate::Cache;
use crate::codec::{ValueReader, put_bytes, put_rrsets};
use crate::key::{CacheKey, EntryKind};

/// The rank of an RRset by its section (RFC 2181 section 5.4.1), in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rank {
    /// Additional section.
    Additional = 1,
    /// Answer section without AA.
    Answer,
    /// Answer section with AA.
    AuthoritativeAnswer,
}

impl Rank {
    /// Whether the answer had AA.
    #[must_use]
    pub fn is_authoritative(self) -> bool {
        self == Rank::AuthoritativeAnswer
    }

    fn from_octet(octet: u8) -> Option<Self> {
        [Rank::Additional, Rank::Answer, Rank::AuthoritativeAnswer]
            .into_iter()
            .find(|rank| *rank as u8 == octet)
    }
}

/// An RRset from the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedRRset {
    /// The RRset, with the owner spelled as asked and the remaining TTL.
    pub set: RRset,
    /// The NSEC and NSEC3 RRsets proving the expansion of a wildcard.
    pub proof: Vec<RRset>,
    /// The security status.
    pub security: Security,
    /// The rank.
    pub rank: Rank,
}

impl Cache {
    /// The RRset of `name` and `rtype`.
    #[must_use]
    pub fn rrset(&self, name: &Name, rtype: Rtype, now: Moment) -> Option<CachedRRset> {
        let key = CacheKey::of_type(EntryKind::RRset, name.for_slice(), rtype);
        self.table.get(key.as_slice(), now, |value, expires| {
            read(name.clone(), rtype, value, now.seconds_until(expires))
        })
    }

    /// The DNAME RRset at an ancestor of `name` (RFC 6672).
    #[must_use]
    pub fn dname_above(&self, name: &Name, now: Moment) -> Option<CachedRRset> {
        let key = CacheKey::of_type(EntryKind::RRset, name.for_slice(), Rtype::DNAME);
        let mut above = key.with_ancestors().skip(1).filter(|(at, _)| at + 1 < name.len());
        above.find_map(|(at, key)| {
            self.table.get(key, now, |value, expires| {
                read(name::from_offset(name, at)?, Rtype::DNAME, value, now.seconds_until(expires))
            })
        })
    }

    /// Caches an RRset for its TTL, with the `proof` of a wildcard expansion, unless an RRset of
    /// higher rank is cached. A secure RRset outranks any insecure RRset. False if the RRset is too
    /// large.
    pub fn insert_rrset(
        &self,
        set: &RRset,
        proof: &[RRset],
        rank: Rank,
        security: Security,
        now: Moment,
    ) -> bool {
        let ttl = self.limits.positive(set.ttl);
        let (mut fits, octet) = (true, security.to_octet());
        if ttl == 0 && self.limits.stale == 0 {
            return fits;
        }
        let key = CacheKey::of_type(EntryKind::RRset, set.owner.for_slice(), set.rtype);
        self.table.update(&key, now, |present| {
            // An RRset with TTL 0 replaces only an expired RRset, for serve-stale.
            if ttl == 0 && present.is_some() {
                return None;
            }
            let present_rank = present.and_then(|value| value.first_chunk::<2>().copied());
            if present_rank.is_some_and(|present_rank| {
                precedence(present_rank) > precedence([rank as u8, octet])
            }) {
                return None;
            }
            let mut value = Vec::with_capacity(set.octets() + 10);
            value.put_slice(&[rank as u8, octet]);
            put_bytes(&mut value, set.records.as_bytes());
            put_bytes(&mut value, set.signatures.as_bytes());
            put_rrsets(&mut value, proof);
            fits = value.len() <= crate::MAX_ENTRY_OCTETS;
            Some((value, now.after_seconds(ttl)))
        });
        fits
    }
}

pub(crate) fn read(owner: Name, rtype: Rtype, value: &[u8], ttl: u32) -> Option<CachedRRset> {
    let mut value = ValueReader(value);
    let rank = Rank::from_octet(value.u8()?)?;
    let security = Security::from_octet(value.u8()?);
    let (records, signatures) = (value.records()?, value.records()?);
    let proof = value.rrsets()?;
    let set = RRset { owner, rtype, ttl, records, signatures };
    Some(CachedRRset { set, proof, security, rank })
}

/// The order of precedence, from rank and security status.
fn precedence([rank, security]: [u8; 2]) -> (bool, u8) {
    (Security::from_octet(security) == Security::Secure, rank)
}

impl Cache {
    /// Removes an RRset after validation found it bogus.
    pub fn remove_rrset(&self, name: &Name, rtype: Rtype) {
        let key = CacheKey::of_type(EntryKind::RRset, name.for_slice(), rtype);
        self.table.remove(&key);
    }

    /// Removes an RRset unless secure.
    pub fn remove_unproven_rrset(&self, name: &Name, rtype: Rtype) {
        let proven = Some(&Security::Secure.to_octet());
        let key = CacheKey::of_type(EntryKind::RRset, name.for_slice(), rtype);
        self.table.remove_if(&key, |value| value.get(1) != proven);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    use zoners_dns::{Records, name};

    fn a(ttl: u32, last: u8) -> RRset {
        let owner = name::parse("Host.test").unwrap();
        RRset::new(owner, Rtype::A, ttl, Records::from_iter([[192, 0, 2, last]]))
    }

    fn cache(limits: TtlLimits) -> Cache {
        Cache::new(1 << 20, limits, [0, 0])
    }

    const START: Moment = Moment::from_millis(1_000);

    #[test]
    fn ttls_count_down_and_names_ignore_case() {
        let cache = cache(TtlLimits::default());
        cache.insert_rrset(&a(300, 1), &[], Rank::Answer, Security::Unchecked, START);
        let asked = name::parse("hOST.test").unwrap();
        let got = cache.rrset(&asked, Rtype::A, START.after_seconds(100)).unwrap();
        assert_eq!(got.set.ttl, 200);
        assert_eq!(got.set.owner.to_string(), "hOST.test");
        assert_eq!(cache.rrset(&asked, Rtype::A, START.after_seconds(300)), None);
        assert_eq!(cache.rrset(&asked, Rtype::AAAA, START), None);
    }

    #[test]
    fn a_lower_rank_does_not_replace_a_higher_one() {
        let cache = cache(TtlLimits::default());
        let put =
            |set: RRset, rank, now| cache.insert_rrset(&set, &[], rank, Security::Unchecked, now);
        let last = |now| {
            let got = cache.rrset(&a(0, 0).owner, Rtype::A, now)?;
            got.set.records.first().map(|rdata| rdata[3])
        };
        put(a(60, 1), Rank::AuthoritativeAnswer, START);
        put(a(60, 2), Rank::Additional, START);
        assert_eq!(last(START), Some(1));
        put(a(60, 3), Rank::AuthoritativeAnswer, START);
        assert_eq!(last(START), Some(3));
        put(a(60, 4), Rank::Additional, START.after_seconds(60));
        assert_eq!(last(START.after_seconds(60)), Some(4), "an expired one yields");
    }

    #[test]
    fn ttls_are_capped_and_floored() {
        let cache = cache(TtlLimits { floor: 10, cap: 100, negative_cap: 50, stale: 0 });
        let left = |ttl| {
            cache.insert_rrset(&a(ttl, 1), &[], Rank::Answer, Security::Unchecked, START);
            cache.rrset(&a(0, 0).owner, Rtype::A, START).unwrap().set.ttl
        };
        assert_eq!((left(1), left(50), left(9999)), (10, 50, 100));
    }

    #[test]
    fn an_rrset_with_ttl_0_is_kept_only_for_serve_stale() {
        let put = |cache: &Cache, set: RRset| {
            cache.insert_rrset(&set, &[], Rank::Answer, Security::Unchecked, START)
        };
        let fresh_only = cache(TtlLimits { stale: 0, ..TtlLimits::default() });
        put(&fresh_only, a(0, 1));
        assert_eq!(fresh_only.stats().entries, 0);
        let cache = cache(TtlLimits::default());
        put(&cache, a(0, 1));
        let (owner, since) = (a(0, 0).owner, Moment::default());
        let last = |since| {
            let got = cache.rrset(&owner, Rtype::A, since)?;
            got.set.records.first().map(|rdata| rdata[3])
        };
        assert_eq!((last(START), last(since)), (None, Some(1)));
        put(&cache, a(9, 2));
        put(&cache, a(0, 3));
        assert_eq!(last(START), Some(2));
    }
}
