//! The negative cache (RFC 2308): denials of names and types.

use bytes::BufMut;
use zoners_dns::{Moment, Name, RRset, Rtype, Security};

use crate::Cache;
use crate::codec::{ValueReader, put_rrsets};
use crate::key::{CacheKey, EntryKind};

/// The type under which the denial of a whole name is cached. Type 0 is reserved (RFC 6895 section
/// 3.1).
pub(crate) const WHOLE_NAME: Rtype = Rtype::from_int(0);

/// The TTL of a denial without a usable SOA, in seconds. RFC 2308 section 5 forbids to cache such a
/// denial, but then each client query would cost a round trip.
const TTL_WITHOUT_SOA_SECONDS: u32 = 20;

/// A flag beside the security status: the denial is cached under a type, but denies the name.
const DENIES_NAME_BIT: u8 = 0x80;

/// What a denial denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialKind {
    /// The type, at a name that exists (NODATA).
    NoData,
    /// The name (NXDOMAIN).
    NxDomain,
}

/// A denial, with its SOA record and proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The SOA RRset of the zone, if the reply had one.
    pub soa: Option<RRset>,
    /// The NSEC and NSEC3 RRsets of the reply.
    pub proof: Vec<RRset>,
    /// Seconds for which the denial may be cached.
    pub ttl: u32,
    /// The security status of SOA and proof.
    pub security: Security,
}

impl Denial {
    /// A denial from a reply, before validation. Its TTL is the lesser of the TTL and the MINIMUM
    /// of the SOA record (RFC 2308 section 5).
    #[must_use]
    pub fn new(soa: Option<RRset>, proof: Vec<RRset>) -> Self {
        let ttl = match &soa {
            Some(soa) => soa.ttl.min(minimum(soa)),
            // The TTL of an NSEC or NSEC3 record equals the negative TTL of the zone (RFC 9077).
            None => proof.iter().map(|set| set.ttl).min().unwrap_or(TTL_WITHOUT_SOA_SECONDS),
        };
        Denial { soa, proof, ttl, security: Security::Unchecked }
    }

    /// The zone of the denial: the owner of the SOA record.
    #[must_use]
    pub fn zone(&self) -> Option<&Name> {
        self.soa.as_ref().map(|soa| &soa.owner)
    }

    /// Sets the TTL of the denial and limits the TTLs of its records.
    pub fn set_ttl(&mut self, ttl: u32) {
        self.ttl = ttl;
        self.soa.iter_mut().for_each(|soa| soa.ttl = ttl);
        self.proof.iter_mut().for_each(|set| set.ttl = set.ttl.min(ttl));
    }

    /// Decodes a denial with a remaining TTL of `ttl` seconds.
    pub(crate) fn read(value: &[u8], ttl: u32) -> Option<(DenialKind, Self)> {
        let mut value = ValueReader(value);
        let head = value.u8()?;
        let denied =
            if head & DENIES_NAME_BIT == 0 { DenialKind::NoData } else { DenialKind::NxDomain };
        let security = Security::from_octet(head & !DENIES_NAME_BIT);
        let mut soa = value.rrsets()?;
        let mut denial = Denial { soa: soa.pop(), proof: value.rrsets()?, ttl, security };
        denial.set_ttl(ttl);
        Some((denied, denial))
    }

    fn write(&self, denied: DenialKind) -> Vec<u8> {
        let mut value = vec![];
        let marker = if denied == DenialKind::NxDomain { DENIES_NAME_BIT } else { 0 };
        value.put_u8(self.security.to_octet() | marker);
        put_rrsets(&mut value, self.soa.as_slice());
        put_rrsets(&mut value, &self.proof);
        value
    }
}

/// The security status in the first octet of a cached denial.
pub(crate) fn status(head: u8) -> u8 {
    head & !DENIES_NAME_BIT
}

/// The first octet `head`, with the security status replaced by unchecked.
pub(crate) fn unchecked(head: u8) -> u8 {
    head & DENIES_NAME_BIT | Security::Unchecked.to_octet()
}

/// Whether a denial applies to a name beginning `at` octets before the denied name. The denial
/// applies to the name itself, and to names below if the denial is secure.
fn applies_to(at: usize, value: &[u8]) -> bool {
    let proven = Security::Secure.to_octet();
    at == 0 || value.first().is_some_and(|head| status(*head) == proven)
}

/// The MINIMUM field of an SOA record.
fn minimum(soa: &RRset) -> u32 {
    let rdata = soa.records.slices().next();
    let last = rdata.and_then(|rdata| rdata.last_chunk::<4>().copied());
    last.map_or(0, u32::from_be_bytes)
}

impl Cache {
    /// The cached denial of a query for `rtype` at `name`.
    #[must_use]
    pub fn denial(&self, name: &Name, rtype: Rtype, now: Moment) -> Option<(DenialKind, Denial)> {
        self.read_denial(
            CacheKey::of_type(EntryKind::Denial, name.for_slice(), rtype).as_slice(),
            now,
        )
    }

    /// The denial of the whole `name`, or the secure denial of an ancestor: no name exists below a
    /// name that does not exist (RFC 8020). An unsigned denial of an ancestor does not count,
    /// because many servers wrongly deny empty non-terminals.
    #[must_use]
    pub fn nxdomain(&self, name: &Name, now: Moment) -> Option<Denial> {
        let key = CacheKey::of_type(EntryKind::Denial, name.for_slice(), WHOLE_NAME);
        key.with_ancestors().find_map(|(at, key)| {
            self.table.get(key, now, |value, expires| {
                let (_, denial) = Denial::read(value, now.seconds_until(expires))?;
                applies_to(at, value).then_some(denial)
            })
        })
    }

    /// Whether a denial of a whole name is cached under `key` and applies to a name beginning `at`
    /// octets before the name of the key.
    pub(crate) fn denies(&self, at: usize, key: &[u8], now: Moment) -> bool {
        self.table.get(key, now, |value, _| applies_to(at, value).then_some(())).is_some()
    }

    /// Caches the denial of `rtype` at `name`.
    pub fn insert_nodata(&self, name: &Name, rtype: Rtype, denial: &Denial, now: Moment) -> bool {
        self.insert_denial(name, rtype, denial.write(DenialKind::NoData), denial, now)
    }

    /// Caches the denial of `name`, received for `rtype`. A secure denial, or a denial for type A,
    /// applies to all types. Any further denial applies to `rtype` only, because many servers
    /// answer NXDOMAIN for types that they do not know.
    pub fn insert_nxdomain(&self, name: &Name, rtype: Rtype, denial: &Denial, now: Moment) -> bool {
        let whole = denial.security == Security::Secure || rtype == Rtype::A;
        let rtype = if whole { WHOLE_NAME } else { rtype };
        self.insert_denial(name, rtype, denial.write(DenialKind::NxDomain), denial, now)
    }

    /// Removes the denial of `rtype` at `name` and the denial of the whole name, after validation
    /// found them bogus.
    pub fn remove_denials(&self, name: &Name, rtype: Rtype) {
        for rtype in [rtype, WHOLE_NAME] {
            self.table.remove(&CacheKey::of_type(EntryKind::Denial, name.for_slice(), rtype));
        }
    }

    /// Removes the denial of `rtype` at `name` and the denial of the whole name, unless secure.
    pub fn remove_unproven_denials(&self, name: &Name, rtype: Rtype) {
        let proven = Some(Security::Secure.to_octet());
        let is_unproven = |value: &[u8]| value.first().map(|head| status(*head)) != proven;
        for rtype in [rtype, WHOLE_NAME] {
            self.table.remove_if(
                &CacheKey::of_type(EntryKind::Denial, name.for_slice(), rtype),
                is_unproven,
            );
        }
    }

    fn read_denial(&self, key: &[u8], now: Moment) -> Option<(DenialKind, Denial)> {
        self.table.get(key, now, |value, expires| Denial::read(value, now.seconds_until(expires)))
    }

    fn insert_denial(
        &self,
        name: &Name,
        rtype: Rtype,
        value: Vec<u8>,
        denial: &Denial,
        now: Moment,
    ) -> bool {
        let ttl = self.limits.negative(denial.ttl);
        if ttl == 0 && self.limits.stale == 0 {
            return true;
        }
        let key = CacheKey::of_type(EntryKind::Denial, name.for_slice(), rtype);
        let proven = Security::Secure.to_octet();
        let mut fits = true;
        self.table.update(&key, now, |present| {
            // An insecure denial does not replace a secure denial.
            let present_status = present.and_then(<[u8]>::first).map(|head| status(*head));
            if ttl == 0 && present.is_some() {
                return None;
            }
            if present_status == Some(proven) && denial.security != Security::Secure {
                return None;
            }
            fits = value.len() <= crate::MAX_ENTRY_OCTETS;
            Some((value, now.after_seconds(ttl)))
        });
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    use zoners_dns::{name, zonefile};

    const NOW: Moment = Moment::from_millis(0);

    fn denial(ttl: u32, minimum: u32) -> Denial {
        let text = format!("test. {ttl} SOA ns.test. host.test. 1 2 3 4 {minimum}");
        Denial::new(zonefile::parse(&text, &name::root()).unwrap().pop(), vec![])
    }

    fn cache() -> Cache {
        Cache::new(1 << 20, TtlLimits::default(), [0, 0])
    }

    fn parsed(text: &str) -> Name {
        name::parse(text).unwrap()
    }

    #[test]
    fn a_secure_nxdomain_denies_names_below() {
        let (cache, gone) = (cache(), parsed("gone.test"));
        let proven = Denial { security: Security::Secure, ..denial(300, 60) };
        cache.insert_nxdomain(&gone, Rtype::MX, &proven, NOW);
        let hit =
            |text: &str, at: u32| cache.nxdomain(&parsed(text), NOW.after_seconds(at)).is_some();
        assert!(hit("gone.test", 0) && hit("a.b.GONE.test", 59));
        assert!(!hit("test", 0) && !hit("xgone.test", 0) && !hit("gone.test", 60));
        assert_eq!(cache.denial(&gone, Rtype::A, NOW), None);
    }

    #[test]
    fn an_insecure_nxdomain_denies_one_name_and_type() {
        let (cache, name) = (cache(), parsed("host.test"));
        cache.insert_nxdomain(&name, Rtype::HTTPS, &denial(300, 60), NOW);
        assert_eq!(cache.nxdomain(&name, NOW), None, "the server may not know the type");
        assert_eq!(cache.denial(&name, Rtype::HTTPS, NOW).unwrap().0, DenialKind::NxDomain);
        assert_eq!(cache.denial(&name, Rtype::A, NOW), None);
        cache.insert_nxdomain(&name, Rtype::A, &denial(300, 60), NOW);
        assert!(cache.nxdomain(&name, NOW).is_some());
        assert_eq!(cache.nxdomain(&parsed("www.host.test"), NOW), None);
    }

    #[test]
    fn the_ttl_is_the_lesser_and_capped() {
        assert_eq!((denial(300, 60).ttl, denial(30, 60).ttl), (60, 30));
        let (cache, name) = (cache(), parsed("a.test"));
        cache.insert_nodata(&name, Rtype::A, &denial(90_000, 90_000), NOW);
        let (denied, kept) = cache.denial(&name, Rtype::A, NOW).unwrap();
        assert_eq!((denied, kept.ttl, kept.soa.unwrap().ttl), (DenialKind::NoData, 3600, 3600));
        assert_eq!(cache.nxdomain(&name, NOW), None);
    }

    #[test]
    fn a_denial_without_an_soa_is_kept_for_a_while() {
        let (cache, name) = (cache(), parsed("a.test"));
        cache.insert_nodata(&name, Rtype::A, &Denial::new(None, vec![]), NOW);
        let kept = |at| cache.denial(&name, Rtype::A, NOW.after_seconds(at));
        assert_eq!(kept(TTL_WITHOUT_SOA_SECONDS - 1).unwrap().1.ttl, 1);
        assert_eq!(kept(TTL_WITHOUT_SOA_SECONDS), None);
    }
}
