//! Export and import of the entries of one answer, with the aliases on the way.

use zoners_dns::{Moment, Name, Question, RRset, Records, Rtype, name};

use super::{ImportStats, InvalidEntries, PortableEntry, put};
use crate::Cache;
use crate::codec::ValueReader;
use crate::denials::WHOLE_NAME;
use crate::key::{CacheKey, EntryKind};

/// Entries of the longest answer: two for each alias of a chain, and the last RRset or denial.
const MAX_ENTRIES: usize = 32;

impl Cache {
    /// Appends an RRset to `out`. Returns the expiry, if the RRset is cached.
    pub fn export_rrset(
        &self,
        name: &Name,
        rtype: Rtype,
        now: Moment,
        out: &mut Vec<u8>,
    ) -> Option<Moment> {
        let key = CacheKey::of_type(EntryKind::RRset, name.for_slice(), rtype);
        self.export_one(key.as_slice(), now, out)
    }

    /// Appends the denial of `rtype` at `name`, or the denial of the whole name. Returns the
    /// expiry, if a denial is cached.
    pub fn export_denial(
        &self,
        name: &Name,
        rtype: Rtype,
        now: Moment,
        out: &mut Vec<u8>,
    ) -> Option<Moment> {
        let of_type = CacheKey::of_type(EntryKind::Denial, name.for_slice(), rtype);
        let whole = CacheKey::of_type(EntryKind::Denial, name.for_slice(), WHOLE_NAME);
        self.export_one(of_type.as_slice(), now, out).or_else(|| {
            let counts = |(at, key): &(usize, &[u8])| self.denies(*at, key, now);
            let (_, key) = whole.with_ancestors().find(counts)?;
            self.export_one(key, now, out)
        })
    }

    fn export_one(&self, key: &[u8], now: Moment, out: &mut Vec<u8>) -> Option<Moment> {
        self.table.get(key, now, |value, expires| {
            put(out, key, value, expires, true);
            Some(expires)
        })
    }

    /// Imports the entries of an answer to `question`, made on a clock that is `shift` milliseconds
    /// behind this clock. If not `trusted`, the security status of the entries becomes unchecked.
    ///
    /// # Errors
    /// An entry is malformed, or does not belong to the answer. No entry is imported.
    pub fn import_answer(
        &self,
        question: &Question,
        entries: &[u8],
        shift: i64,
        trusted: bool,
        now: Moment,
    ) -> Result<ImportStats, InvalidEntries> {
        let (mut chain, mut read) = (vec![question.name.clone()], ValueReader(entries));
        while !read.0.is_empty() {
            let entry = PortableEntry::read(&mut read).ok_or(InvalidEntries)?;
            belongs(&entry, question, &mut chain)
                .filter(|()| chain.len() <= MAX_ENTRIES)
                .ok_or(InvalidEntries)?;
        }
        self.import(entries, shift, trusted, now)
    }
}

/// Checks that an entry belongs to the answer to a question whose alias chain has led to the names
/// in `chain`.
fn belongs(entry: &PortableEntry<'_>, question: &Question, chain: &mut Vec<Name>) -> Option<()> {
    let key = CacheKey::read(entry.key)?;
    let (name, rtype) = (key.name()?, key.rtype()?);
    let last = chain.last()?;
    let target = || {
        let mut value = ValueReader(entry.value.get(2..)?);
        let records: Records = value.records()?;
        RRset::new(name.clone(), rtype, 0, records).target()
    };
    match (key.kind(), rtype) {
        (EntryKind::RRset, rtype) if rtype == question.rtype && name == *last => Some(()),
        (EntryKind::RRset, Rtype::CNAME) if name == *last => {
            chain.push(target()?);
            Some(())
        }
        (EntryKind::RRset, Rtype::DNAME) if name::is_below(last, &name) => {
            chain.push(name::substitute(last, &name, &target()?)?);
            Some(())
        }
        (EntryKind::Denial, rtype) if rtype == question.rtype && name == *last => Some(()),
        (EntryKind::Denial, WHOLE_NAME) if name::is_within(last, &name) => Some(()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Denial, Rank, TtlLimits};
    use zoners_dns::Security;

    const NOW: Moment = Moment::from_millis(1_000_000);

    fn cache() -> Cache {
        Cache::new(4 << 20, TtlLimits::default(), [0, 0])
    }

    fn parsed(text: &str) -> Name {
        name::parse(text).unwrap()
    }

    fn put_set(cache: &Cache, text: &str) {
        let set = zoners_dns::zonefile::parse(text, &name::root()).unwrap().remove(0);
        cache.insert_rrset(&set, &[], Rank::Answer, Security::Insecure, NOW);
    }

    /// An alias chain from `www.a.test.` over `x.old.test.` and a DNAME to `x.c.test.`, which has
    /// an A record and no AAAA record.
    fn full() -> Cache {
        let cache = cache();
        put_set(&cache, "www.a.test. 60 CNAME x.old.test.");
        put_set(&cache, "old.test. 50 DNAME c.test.");
        put_set(&cache, "x.c.test. 40 A 192.0.2.1");
        put_set(&cache, "other.test. 40 A 192.0.2.9");
        let text = "c.test. 900 SOA ns.test. host.test. 1 2 3 4 30";
        let soa = zoners_dns::zonefile::parse(text, &name::root()).unwrap().pop();
        let denial = Denial { security: Security::Secure, ..Denial::new(soa, vec![]) };
        cache.insert_nodata(&parsed("x.c.test"), Rtype::AAAA, &denial, NOW);
        cache.insert_nxdomain(&parsed("gone.test"), Rtype::A, &denial, NOW);
        cache
    }

    fn chain(cache: &Cache, out: &mut Vec<u8>) {
        cache.export_rrset(&parsed("www.a.test"), Rtype::CNAME, NOW, out).unwrap();
        cache.export_rrset(&parsed("old.test"), Rtype::DNAME, NOW, out).unwrap();
    }

    #[test]
    fn an_answer_is_exported_and_imported_with_its_aliases() {
        let (full, mut out) = (full(), vec![]);
        chain(&full, &mut out);
        let a = full.export_rrset(&parsed("x.c.test"), Rtype::A, NOW, &mut out);
        assert_eq!(a, Some(NOW.after_seconds(40)));
        let (own, question) = (cache(), Question::new(parsed("WWW.a.test"), Rtype::A));
        let taken = own.import_answer(&question, &out, 0, true, NOW).unwrap();
        assert_eq!(taken.imported, 3);
        assert_eq!(own.rrset(&parsed("x.c.test"), Rtype::A, NOW).unwrap().set.ttl, 40);
        let mut denied = vec![];
        chain(&full, &mut denied);
        full.export_denial(&parsed("x.c.test"), Rtype::AAAA, NOW, &mut denied).unwrap();
        let aaaa = Question { rtype: Rtype::AAAA, ..question.clone() };
        assert!(own.import_answer(&aaaa, &denied, 0, true, NOW).is_ok());
        let mut gone = vec![];
        full.export_denial(&parsed("x.gone.test"), Rtype::A, NOW, &mut gone).unwrap();
        let below = Question::new(parsed("x.gone.test"), Rtype::A);
        assert!(own.import_answer(&below, &gone, 0, true, NOW).is_ok());
        assert_eq!(own.import_answer(&question, &gone, 0, true, NOW), Err(InvalidEntries));
    }

    #[test]
    fn entries_beside_the_answer_are_not_imported() {
        let (full, question) = (full(), Question::new(parsed("www.a.test"), Rtype::A));
        let refused = |fill: &dyn Fn(&mut Vec<u8>)| {
            let (own, mut out) = (cache(), vec![]);
            fill(&mut out);
            assert_eq!(own.import_answer(&question, &out, 0, true, NOW), Err(InvalidEntries));
            assert_eq!(own.stats().entries, 0, "nothing of it");
        };
        refused(&|out| {
            chain(&full, out);
            full.export_rrset(&parsed("other.test"), Rtype::A, NOW, out).unwrap();
        });
        refused(&|out| {
            full.export_rrset(&parsed("x.c.test"), Rtype::A, NOW, out).unwrap();
        });
        refused(&|out| {
            let (mut progress, mut all) = (super::super::ExportCursor::default(), vec![]);
            while full.export(&mut progress, NOW, &mut all) {}
            out.extend(all);
        });
        refused(&|out| {
            // A CNAME that points to itself.
            let own = cache();
            put_set(&own, "www.a.test. 60 CNAME www.a.test.");
            for _ in 0..=MAX_ENTRIES {
                own.export_rrset(&parsed("www.a.test"), Rtype::CNAME, NOW, out).unwrap();
            }
        });
    }
}
