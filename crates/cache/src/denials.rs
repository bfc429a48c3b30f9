//! Denials: that a name or a type of it does not exist (RFC 2308).

use bytes::BufMut;
use zoners_dns::{Moment, Name, RRset, Rtype, Security};

use crate::Cache;
use crate::codec::{Reader, put_rrset, put_rrsets};
use crate::key::{Key, Kind};

/// Stands where a type would for "no type at all": type 0 is reserved (RFC 6895 section 3.1).
pub(crate) const WHOLE_NAME: Rtype = Rtype::from_int(0);

/// The proof, such as it is, that something does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The SOA of the zone that denies.
    pub soa: RRset,
    /// NSEC and NSEC3 RRsets that came along.
    pub proof: Vec<RRset>,
    /// What is known of their authenticity.
    pub security: Security,
}

impl Denial {
    /// Seconds for which the denial may be kept: the lesser of the SOA's TTL and its MINIMUM
    /// (RFC 2308 section 5).
    #[must_use]
    pub fn ttl(&self) -> u32 {
        let minimum =
            self.soa.records.first().and_then(|rdata| {
                rdata.last_chunk::<4>().map(|minimum| u32::from_be_bytes(*minimum))
            });
        self.soa.ttl.min(minimum.unwrap_or(0))
    }

    /// Reads a denial of which so many seconds are left.
    pub(crate) fn read(value: &[u8], ttl: u32) -> Option<Self> {
        let mut value = Reader(value);
        let security = Security::from_octet(value.u8()?);
        let denial = Denial { soa: value.rrset()?, proof: value.rrsets()?, security };
        Some(denial.with_ttl(ttl))
    }

    fn with_ttl(mut self, ttl: u32) -> Self {
        self.soa.ttl = ttl;
        self.proof.iter_mut().for_each(|set| set.ttl = ttl);
        self
    }
}

impl Cache {
    /// The denial of `rtype` at `name`, if the name is known to exist without it.
    #[must_use]
    pub fn nodata(&self, name: &Name, rtype: Rtype, now: Moment) -> Option<Denial> {
        self.denial(Key::of_type(Kind::Denial, name.for_slice(), rtype).as_slice(), now)
    }

    /// The denial of `name` or of an ancestor: below a name that does not exist, nothing does
    /// (RFC 8020).
    #[must_use]
    pub fn nxdomain(&self, name: &Name, now: Moment) -> Option<Denial> {
        let key = Key::of_type(Kind::Denial, name.for_slice(), WHOLE_NAME);
        key.with_ancestors().find_map(|(_, key)| self.denial(key, now))
    }

    /// Keeps the denial of `rtype` at `name`.
    pub fn insert_nodata(&self, name: &Name, rtype: Rtype, denial: &Denial, now: Moment) -> bool {
        self.insert_denial(name, rtype, denial, now)
    }

    /// Keeps the denial of `name` and all below it.
    pub fn insert_nxdomain(&self, name: &Name, denial: &Denial, now: Moment) -> bool {
        self.insert_denial(name, WHOLE_NAME, denial, now)
    }

    /// Forgets the denial of `rtype` at `name`, and that of the whole name: they turned out to be
    /// bogus.
    pub fn remove_denials(&self, name: &Name, rtype: Rtype) {
        for rtype in [rtype, WHOLE_NAME] {
            self.table.remove(&Key::of_type(Kind::Denial, name.for_slice(), rtype));
        }
    }

    fn denial(&self, key: &[u8], now: Moment) -> Option<Denial> {
        self.table.get(key, now, |value, expires| Denial::read(value, now.seconds_until(expires)))
    }

    fn insert_denial(&self, name: &Name, rtype: Rtype, denial: &Denial, now: Moment) -> bool {
        let ttl = self.limits.negative(denial.ttl());
        if ttl == 0 && self.limits.stale == 0 {
            return true;
        }
        let mut value = vec![];
        value.put_u8(denial.security.to_octet());
        put_rrset(&mut value, &denial.soa);
        put_rrsets(&mut value, &denial.proof);
        let key = Key::of_type(Kind::Denial, name.for_slice(), rtype);
        let proven = Security::Secure.to_octet();
        let mut fits = true;
        self.table.update(&key, now, |present| {
            // What is proven yields to nothing that is not.
            let standing = present.and_then(<[u8]>::first).copied();
            if ttl == 0 && present.is_some() {
                return None;
            }
            if standing == Some(proven) && denial.security != Security::Secure {
                return None;
            }
            fits = value.len() <= crate::MAX_ENTRY;
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

    fn denial(ttl: u32, minimum: u32) -> Denial {
        let text = format!("test. {ttl} SOA ns.test. host.test. 1 2 3 4 {minimum}");
        let soa = zonefile::parse(&text, &name::root()).unwrap().remove(0);
        Denial { soa, proof: vec![], security: Security::Unchecked }
    }

    #[test]
    fn nxdomain_cuts_what_lies_below_and_nothing_else() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let now = Moment::from_millis(0);
        let gone = name::parse("gone.test").unwrap();
        cache.insert_nxdomain(&gone, &denial(300, 60), now);
        let hit = |text: &str, at: u32| {
            cache.nxdomain(&name::parse(text).unwrap(), now.after_seconds(at)).is_some()
        };
        assert!(hit("gone.test", 0) && hit("a.b.GONE.test", 59));
        assert!(!hit("test", 0) && !hit("xgone.test", 0) && !hit("gone.test", 60));
        assert_eq!(cache.nodata(&gone, Rtype::A, now), None);
    }

    #[test]
    fn the_ttl_is_the_lesser_and_capped() {
        assert_eq!(denial(300, 60).ttl(), 60);
        assert_eq!(denial(30, 60).ttl(), 30);
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let (name, now) = (name::parse("a.test").unwrap(), Moment::from_millis(0));
        cache.insert_nodata(&name, Rtype::A, &denial(90_000, 90_000), now);
        assert_eq!(cache.nodata(&name, Rtype::A, now).unwrap().soa.ttl, 3600);
    }
}
