//! Denials: that a name or a type of it does not exist (RFC 2308).

use bytes::BufMut;
use zoners_dns::{Moment, Name, RRset, Rtype, Security};

use crate::Cache;
use crate::codec::{ValueReader, put_rrsets};
use crate::key::{CacheKey, EntryKind};

/// Stands where a type would for "no type at all": type 0 is reserved (RFC 6895 section 3.1).
pub(crate) const WHOLE_NAME: Rtype = Rtype::from_int(0);

/// Seconds for which a denial is kept that names no time of its own, since no usable SOA came along:
/// RFC 2308 section 5 would not keep it, so that each client's query would cost a round trip.
const WITHOUT_SOA: u32 = 20;

/// Beside the status of a denial that is kept under a type: the type was asked for, and the name was
/// denied.
const NO_NAME: u8 = 0x80;

/// What a denial says does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialKind {
    /// The type, at a name that exists.
    NoData,
    /// The name.
    NxDomain,
}

/// The proof, such as it is, that something does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The SOA of the zone that denies, if it came along.
    pub soa: Option<RRset>,
    /// NSEC and NSEC3 RRsets that came along.
    pub proof: Vec<RRset>,
    /// Seconds for which the denial may be kept.
    pub ttl: u32,
    /// What is known of the authenticity of SOA and proof.
    pub security: Security,
}

impl Denial {
    /// A denial as it came, not yet validated. It may be kept for the lesser of the SOA's TTL and its
    /// MINIMUM (RFC 2308 section 5).
    #[must_use]
    pub fn new(soa: Option<RRset>, proof: Vec<RRset>) -> Self {
        let ttl = match &soa {
            Some(soa) => soa.ttl.min(minimum(soa)),
            // The TTL of a proof is that of its zone's denials (RFC 9077).
            None => proof.iter().map(|set| set.ttl).min().unwrap_or(WITHOUT_SOA),
        };
        Denial { soa, proof, ttl, security: Security::Unchecked }
    }

    /// The zone that denies, as its SOA tells.
    #[must_use]
    pub fn zone(&self) -> Option<&Name> {
        self.soa.as_ref().map(|soa| &soa.owner)
    }

    /// Limits the denial, and the TTLs of the records in it, to `ttl` seconds.
    pub fn set_ttl(&mut self, ttl: u32) {
        self.ttl = ttl;
        self.soa.iter_mut().for_each(|soa| soa.ttl = ttl);
        self.proof.iter_mut().for_each(|set| set.ttl = set.ttl.min(ttl));
    }

    /// Reads a denial of which so many seconds are left, and what it denies.
    pub(crate) fn read(value: &[u8], ttl: u32) -> Option<(DenialKind, Self)> {
        let mut value = ValueReader(value);
        let head = value.u8()?;
        let denied = if head & NO_NAME == 0 { DenialKind::NoData } else { DenialKind::NxDomain };
        let security = Security::from_octet(head & !NO_NAME);
        let mut soa = value.rrsets()?;
        let mut denial = Denial { soa: soa.pop(), proof: value.rrsets()?, ttl, security };
        denial.set_ttl(ttl);
        Some((denied, denial))
    }

    fn write(&self, denied: DenialKind) -> Vec<u8> {
        let mut value = vec![];
        let marker = if denied == DenialKind::NxDomain { NO_NAME } else { 0 };
        value.put_u8(self.security.to_octet() | marker);
        put_rrsets(&mut value, self.soa.as_slice());
        put_rrsets(&mut value, &self.proof);
        value
    }
}

/// The status that the octets of a denial begin with.
pub(crate) fn status(head: u8) -> u8 {
    head & !NO_NAME
}

/// The head of a denial that was never validated, in place of `head`.
pub(crate) fn unchecked(head: u8) -> u8 {
    head & NO_NAME | Security::Unchecked.to_octet()
}

/// Whether a denial counts for a name that begins `at` octets before the denied one: for the name
/// itself in any case, for those below if it is proven.
fn counts(at: usize, value: &[u8]) -> bool {
    let proven = Security::Secure.to_octet();
    at == 0 || value.first().is_some_and(|head| status(*head) == proven)
}

/// The last field of an SOA record.
fn minimum(soa: &RRset) -> u32 {
    let rdata = soa.records.first();
    let last = rdata.and_then(|rdata| rdata.last_chunk::<4>().copied());
    last.map_or(0, u32::from_be_bytes)
}

impl Cache {
    /// The denial that a server gave when it was asked for `rtype` at `name`.
    #[must_use]
    pub fn denial(&self, name: &Name, rtype: Rtype, now: Moment) -> Option<(DenialKind, Denial)> {
        self.read_denial(
            CacheKey::of_type(EntryKind::Denial, name.for_slice(), rtype).as_slice(),
            now,
        )
    }

    /// The denial of all types of `name`, or the proven one of an ancestor: below a name that does
    /// not exist, nothing does (RFC 8020). Without a proof that counts for nothing, since many
    /// servers deny names that have names below them.
    #[must_use]
    pub fn nxdomain(&self, name: &Name, now: Moment) -> Option<Denial> {
        let key = CacheKey::of_type(EntryKind::Denial, name.for_slice(), WHOLE_NAME);
        key.with_ancestors().find_map(|(at, key)| {
            self.table.get(key, now, |value, expires| {
                let (_, denial) = Denial::read(value, now.seconds_until(expires))?;
                counts(at, value).then_some(denial)
            })
        })
    }

    /// Whether a denial of all types lies under `key` that counts for a name which begins `at` octets
    /// before the name of the key.
    pub(crate) fn denies(&self, at: usize, key: &[u8], now: Moment) -> bool {
        self.table.get(key, now, |value, _| counts(at, value).then_some(())).is_some()
    }

    /// Keeps the denial of `rtype` at `name`.
    pub fn insert_nodata(&self, name: &Name, rtype: Rtype, denial: &Denial, now: Moment) -> bool {
        self.insert_denial(name, rtype, denial.write(DenialKind::NoData), denial, now)
    }

    /// Keeps the denial of `name` that came when `rtype` was asked for. A proven denial, or one for
    /// type A, counts for all types; else for the type alone, since many servers deny the names of
    /// types that they do not know.
    pub fn insert_nxdomain(&self, name: &Name, rtype: Rtype, denial: &Denial, now: Moment) -> bool {
        let whole = denial.security == Security::Secure || rtype == Rtype::A;
        let rtype = if whole { WHOLE_NAME } else { rtype };
        self.insert_denial(name, rtype, denial.write(DenialKind::NxDomain), denial, now)
    }

    /// Forgets the denial of `rtype` at `name`, and that of the whole name: they turned out to be
    /// bogus.
    pub fn remove_denials(&self, name: &Name, rtype: Rtype) {
        for rtype in [rtype, WHOLE_NAME] {
            self.table.remove(&CacheKey::of_type(EntryKind::Denial, name.for_slice(), rtype));
        }
    }

    /// Forgets the denial of `rtype` at `name`, and that of the whole name, unless they are proven.
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
            // A proven denial is not replaced by an unproven one.
            let standing = present.and_then(<[u8]>::first).map(|head| status(*head));
            if ttl == 0 && present.is_some() {
                return None;
            }
            if standing == Some(proven) && denial.security != Security::Secure {
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
    fn a_proven_nxdomain_cuts_what_lies_below_and_nothing_else() {
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
    fn an_unproven_nxdomain_denies_the_name_alone_and_by_its_type() {
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
        assert_eq!(kept(WITHOUT_SOA - 1).unwrap().1.ttl, 1);
        assert_eq!(kept(WITHOUT_SOA), None);
    }
}
