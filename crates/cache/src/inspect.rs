//! The cache entries of a name, for operators.

use zoners_dns::{Moment, Name, RRset, Security, name};

use crate::key::{self, CacheKey, EntryKind};
use crate::shard::EntryView;
use crate::{Cache, Denial, delegations, rrsets};

/// The most entries shown of a name.
const MAX_SHOWN: usize = 200;

/// A cache entry of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedEntry {
    /// The kind of the entry: `RRset`, `denial`, `delegation` or `unsigned`.
    pub kind: &'static str,
    /// The records, with remaining TTLs.
    pub sets: Vec<RRset>,
    /// The denied type, or `all`.
    pub denies: Option<String>,
    /// The security status.
    pub security: Security,
    /// Seconds until the expiry; negative after the expiry.
    pub left: i64,
}

impl Cache {
    /// The entries of `name` (and of no name below), expired or not, and the number of entries
    /// beyond the limit.
    #[must_use]
    pub fn inspect(&self, name: &Name, now: Moment) -> (Vec<InspectedEntry>, usize) {
        let name = name::lowercase(name);
        let (mut found, mut more, mut at) = (Vec::new(), 0, Default::default());
        while let Some(next) = self.table.visit_from(at, |entry| {
            let EntryView { key, value, expires, .. } = *entry;
            if key::is_of_name(key, name.as_slice(), false) {
                match read(key, value, expires, now) {
                    Some(entry) if found.len() < MAX_SHOWN => found.push(entry),
                    entry => more += usize::from(entry.is_some()),
                }
            }
            true
        }) {
            at = next;
        }
        found.sort_by(|a, b| (a.kind, a.left).cmp(&(b.kind, b.left)));
        (found, more)
    }
}

fn read(key: &[u8], value: &[u8], expires: Moment, now: Moment) -> Option<InspectedEntry> {
    let key = CacheKey::read(key)?;
    let name = key.name()?;
    let of = |kind, sets| InspectedEntry {
        kind,
        sets,
        denies: None,
        security: Security::Unchecked,
        left: (expires.as_millis() as i64 - now.as_millis() as i64).div_euclid(1000),
    };
    let ttl = now.seconds_until(expires);
    Some(match key.kind() {
        EntryKind::RRset => {
            let cached = rrsets::read(name, key.rtype()?, value, ttl)?;
            InspectedEntry { security: cached.security, ..of("RRset", vec![cached.set]) }
        }
        EntryKind::Denial => {
            let (_, Denial { soa, security, .. }) = Denial::read(value, ttl)?;
            let rtype = key.rtype()?;
            let what = if rtype.to_int() == 0 { "all".to_owned() } else { rtype.to_string() };
            let sets = soa.into_iter().collect();
            InspectedEntry { security, denies: Some(what), ..of("denial", sets) }
        }
        EntryKind::Delegation => {
            let cut = delegations::decode(name.clone(), value, expires)?;
            let servers = cut.servers.iter().map(|server| &server.name);
            let ns = |target| RRset::naming(name.clone(), zoners_dns::Rtype::NS, ttl, target);
            of("delegation", servers.map(ns).collect())
        }
        EntryKind::Unsigned => of("unsigned", Vec::new()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rank, TtlLimits};
    use zoners_dns::{Records, Rtype, zonefile};

    #[test]
    fn entries_of_a_name_are_shown_and_of_no_other_name() {
        let cache = Cache::new(8 << 20, TtlLimits::default(), [0, 0]);
        let now = Moment::from_millis(100_000);
        let www = name::parse("www.test").unwrap();
        let a = |owner: &Name| {
            RRset::new(owner.clone(), Rtype::A, 60, Records::from_iter([[192, 0, 2, 1]]))
        };
        for owner in [&www, &name::parse("test").unwrap(), &name::parse("x.www.test").unwrap()] {
            cache.insert_rrset(&a(owner), &[], Rank::Answer, Security::Insecure, now);
        }
        let text = "test. 900 SOA ns.test. host.test. 1 2 3 4 30";
        let soa = zonefile::parse(text, &name::root()).unwrap().pop();
        let denial = Denial { security: Security::Secure, ..Denial::new(soa, vec![]) };
        cache.insert_nodata(&www, Rtype::AAAA, &denial, now);
        cache.insert_insecure_zone(&www, None, 10, now);
        let (found, more) = cache.inspect(&name::parse("WWW.test").unwrap(), now.after_seconds(40));
        let shown: Vec<_> =
            found.iter().map(|entry| (entry.kind, entry.left, entry.security)).collect();
        assert_eq!(
            shown,
            [
                ("RRset", 20, Security::Insecure),
                ("denial", -10, Security::Secure),
                ("unsigned", -30, Security::Unchecked)
            ]
        );
        assert_eq!(found[0].sets[0].to_string(), "www.test. 20 IN A 192.0.2.1");
        assert_eq!((found[1].denies.as_deref(), more), (Some("AAAA"), 0));
    }

    #[test]
    fn shown_entries_are_limited_and_the_rest_is_counted() {
        let cache = Cache::new(8 << 20, TtlLimits::default(), [0, 0]);
        let (name, now) = (name::parse("test").unwrap(), Moment::from_millis(100_000));
        for (types, shown) in [(MAX_SHOWN, (MAX_SHOWN, 0)), (MAX_SHOWN + 3, (MAX_SHOWN, 3))] {
            for rtype in 0..types as u16 {
                let rtype = Rtype::from_int(60_000 + rtype);
                let set = RRset::new(name.clone(), rtype, 60, Records::from_iter([[1, 2]]));
                cache.insert_rrset(&set, &[], Rank::Answer, Security::Insecure, now);
            }
            let (found, more) = cache.inspect(&name, now);
            assert_eq!((found.len(), more), shown);
        }
    }
}
