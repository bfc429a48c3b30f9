use super::*;
use crate::{Denial, Evidence, TtlLimits};
use proptest::prelude::*;
use std::time::Duration;
use zoners_dns::{
    Delegation, DsStatus, Endpoint, Name, NameServer, QueryMode, Records, SortKey, Transport, name,
};

const NOW: Moment = Moment::from_millis(1_000_000);
const SERVER: [u8; 4] = [192, 0, 2, 53];

fn cache() -> Cache {
    Cache::new(4 << 20, TtlLimits::default(), [0, 0])
}

fn parsed(text: &str) -> Name {
    name::parse(text).unwrap()
}

fn a(owner: &str, last: u8) -> RRset {
    RRset::new(parsed(owner), Rtype::A, 300, Records::from_iter([[192, 0, 2, last]]))
}

fn soa(owner: &str) -> RRset {
    let text = format!("{owner} 900 SOA ns.test. host.test. 1 2 3 4 900");
    zoners_dns::zonefile::parse(&text, &name::root()).unwrap().remove(0)
}

fn nsec(owner: &str, next: &str) -> RRset {
    let text = format!("{owner} 900 NSEC {next} A");
    zoners_dns::zonefile::parse(&text, &name::root()).unwrap().remove(0)
}

/// A cache with one entry of each kind.
fn full() -> Cache {
    let cache = cache();
    cache.insert_rrset(
        &a("www.Test", 1),
        &[soa("test.")],
        Rank::AuthoritativeAnswer,
        Security::Secure,
        NOW,
    );
    let denial = Denial { security: Security::Secure, ..Denial::new(Some(soa("test.")), vec![]) };
    cache.insert_nodata(&parsed("www.test"), Rtype::AAAA, &denial, NOW);
    cache.insert_insecure_zone(&parsed("plain.test"), None, 300, NOW);
    cache.insert_delegation(
        &Delegation {
            zone: parsed("test"),
            mode: QueryMode::Iterative,
            transport: Transport::Udp,
            servers: vec![NameServer::plain(parsed("ns.test"), vec![(SERVER, 53).into()])],
            signing: DsStatus::Unknown,
            expires: NOW.after_seconds(300),
        },
        NOW,
    );
    let reply = Evidence::Reply { rtt: Duration::from_millis(20), edns: true };
    cache.observe_server(Endpoint::udp(SERVER.into()), reply, NOW);
    let ranges = cache.ranges();
    let (zone, set) = (parsed("test"), nsec("a.test.", "k.test."));
    ranges.insert_name(&zone, &set, &parsed("k.test"), 300, NOW);
    ranges.insert_hash(&parsed("hashed"), [7; 20], (3, b"salt"), &nsec("x.hashed.", "."), 300, NOW);
    cache
}

fn exported(cache: &Cache, now: Moment) -> Vec<u8> {
    let (mut progress, mut out) = (ExportCursor::default(), vec![]);
    while cache.export(&mut progress, now, &mut out) {}
    out
}

#[test]
fn an_export_is_imported_on_a_clock_that_is_ahead() {
    let (cache, shift) = (cache(), 5_000_000);
    let later = NOW.shifted(shift).after_seconds(100);
    let entries = exported(&full(), NOW);
    let taken = cache.import(&entries, shift, true, later).unwrap();
    assert_eq!(taken, ImportStats { imported: 7, skipped: 0 });
    let www = parsed("www.test");
    let got = cache.rrset(&www, Rtype::A, later).unwrap();
    assert_eq!((got.set.ttl, got.security, got.proof.len()), (200, Security::Secure, 1));
    assert_eq!(got.set.records, a("www.test", 1).records);
    assert_eq!(cache.denial(&www, Rtype::AAAA, later).unwrap().1.security, Security::Secure);
    assert!(cache.insecure_zone(&parsed("plain.test"), 0, later).is_some());
    assert_eq!(cache.delegation(&parsed("test"), later).unwrap().servers.len(), 1);
    let server = cache.server(Endpoint::udp(SERVER.into()), later);
    assert_eq!(server.srtt(), Some(Duration::from_millis(20)));
    assert_eq!(server.replied_at, NOW.shifted(shift).as_millis());
    let b = SortKey::of(parsed("b.test").for_slice());
    assert!(cache.ranges().by_name(&parsed("test"), &b, later).is_some());
    assert!(cache.ranges().by_hash(&parsed("hashed"), &[9; 20], later).is_some());
    assert_eq!(cache.ranges().parameters(&parsed("hashed")), Some((3, b"salt".to_vec())));
    assert_eq!(exported(&cache, later).len(), entries.len());
}

#[test]
fn an_untrusted_import_is_unchecked() {
    let cache = cache();
    cache.import(&exported(&full(), NOW), 0, false, NOW).unwrap();
    let www = parsed("www.test");
    assert_eq!(cache.rrset(&www, Rtype::A, NOW).unwrap().security, Security::Unchecked);
    assert_eq!(cache.denial(&www, Rtype::AAAA, NOW).unwrap().1.security, Security::Unchecked);
    assert!(cache.insecure_zone(&parsed("plain.test"), 0, NOW).is_none());
    assert!(cache.ranges().parameters(&parsed("hashed")).is_none());
}

#[test]
fn an_import_skips_expired_entries_and_keeps_present_ones() {
    let full = full();
    let entries = exported(&full, NOW);
    let newer = a("www.test", 9);
    let cache = cache();
    cache.insert_rrset(&newer, &[], Rank::Additional, Security::Unchecked, NOW);
    cache.import(&entries, 0, true, NOW).unwrap();
    let got = cache.rrset(&newer.owner, Rtype::A, NOW).unwrap();
    assert_eq!(got.set.records, newer.records);
    // After its expiry an entry is available for serve-stale for one day.
    for (seconds, stale) in [(300, true), (86_699, true), (86_700, false)] {
        let (cache, later) = (self::cache(), NOW.after_seconds(seconds));
        cache.import(&entries, 0, true, later).unwrap();
        assert_eq!(cache.rrset(&newer.owner, Rtype::A, later), None);
        let since = cache.stale_read_time(later);
        assert_eq!(cache.rrset(&newer.owner, Rtype::A, since).is_some(), stale, "{seconds}");
    }
    // The configured cap limits imported TTLs.
    let short = Cache::new(1 << 20, TtlLimits { cap: 60, ..TtlLimits::default() }, [0, 0]);
    short.import(&entries, 0, true, NOW).unwrap();
    assert_eq!(short.rrset(&newer.owner, Rtype::A, NOW).unwrap().set.ttl, 60);
}

#[test]
fn an_export_has_pieces_and_keeps_popularity() {
    let cache = Cache::new(64 << 20, TtlLimits::default(), [0, 0]);
    for number in 0..20_000 {
        let set = a(&format!("n{number}.test"), 1);
        cache.insert_rrset(&set, &[], Rank::Answer, Security::Insecure, NOW);
    }
    assert!(cache.rrset(&parsed("n19999.test"), Rtype::A, NOW).is_some());
    let (mut progress, mut pieces) = (ExportCursor::default(), 0);
    let mut all = vec![];
    loop {
        let mut piece = vec![];
        if !cache.export(&mut progress, NOW, &mut piece) {
            break;
        }
        assert!(piece.len() < PIECE_OCTETS + 200);
        pieces += usize::from(!piece.is_empty());
        all.extend(piece);
    }
    assert!(pieces > 20, "{pieces}");
    let mut read = ValueReader(&all);
    let entries = std::iter::from_fn(|| PortableEntry::read(&mut read));
    let popular: Vec<_> = entries.filter(|entry| entry.popular).map(|entry| entry.key).collect();
    assert!(popular.len() == 1 && popular[0].starts_with(b"\x06n19999"));
    let again = Cache::new(64 << 20, TtlLimits::default(), [3, 4]);
    assert_eq!(again.import(&all, 0, true, NOW), Ok(ImportStats { imported: 20_000, skipped: 0 }));
}

#[test]
fn malformed_entries_are_not_imported() {
    let put_one = |key: &[u8], value: &[u8]| {
        let mut out = vec![];
        put(&mut out, key, value, NOW.after_seconds(60), false);
        cache().import(&out, 0, true, NOW)
    };
    let key = CacheKey::of_type(EntryKind::RRset, parsed("www.test").for_slice(), Rtype::A);
    let value = |rank: u8, security: u8, rdata: &[u8]| {
        let mut value = vec![rank, security];
        put_bytes(&mut value, Records::from_iter([rdata]).as_bytes());
        put_bytes(&mut value, &[]);
        value.push(0);
        value
    };
    assert!(put_one(key.as_slice(), &value(2, 2, &[192, 0, 2, 1])).is_ok());
    for (rank, security, rdata) in [
        (0, 2, &[192, 0, 2, 1][..]),
        (4, 2, &[192, 0, 2, 1]),
        (2, 9, &[192, 0, 2, 1]),
        (2, 2, &[1]),
    ] {
        assert_eq!(put_one(key.as_slice(), &value(rank, security, rdata)), Err(InvalidEntries));
    }
    let good = value(2, 2, &[192, 0, 2, 1]);
    let upper = [b"\x03wWw\x04test\x00", &[1, 0, 1][..]].concat();
    let unknown = [b"\x03www\x04test\x00", &[99, 0, 1][..]].concat();
    let answer = [b"\x03www\x04test\x00", &[EntryKind::Answer as u8, 0, 1, 0, 0][..]].concat();
    let torn = b"\x3fwww".to_vec();
    for key in [upper, unknown, answer, torn, vec![], vec![0xC0, 0]] {
        assert_eq!(put_one(&key, &good), Err(InvalidEntries), "{key:?}");
    }
    let trailing = [&good[..], &[0]].concat();
    assert_eq!(put_one(key.as_slice(), &trailing), Err(InvalidEntries));
    assert_eq!(put_one(key.as_slice(), &vec![0; MAX_ENTRY_OCTETS + 1]), Err(InvalidEntries));
}

proptest! {
    #[test]
    fn importing_changed_octets_never_panics(at in 0usize..2000, octet: u8, cut in 0usize..2000) {
        let mut entries = exported(&full(), NOW);
        let length = entries.len();
        entries[at % length] = octet;
        entries.truncate(length - cut % length);
        for trusted in [true, false] {
            let cache = cache();
            let _ = cache.import(&entries, 0, trusted, NOW);
            // Imported entries can be exported and imported again.
            let again = exported(&cache, NOW);
            prop_assert!(self::cache().import(&again, 0, true, NOW).is_ok());
        }
    }
}
