//! A file of the cache: whatever became of it, nothing comes back that was not in the cache, and
//! nothing is authentic that was not sealed so.
//!
//! The first octet says what the rest is: a file, changes to a file of ours, where such a file ends,
//! or entries in pieces that are sealed.

use zoners_cache::{Cache, ExportCursor, InspectedEntry, Rank, TtlLimits};
use zoners_dns::{
    Clock, ClockReading, Delegation, DsStatus, Moment, Name, NameServer, QueryMode, RRset, Random,
    Rtype, Security, Transport, name, zonefile,
};
use zoners_store::Seal;
use zoners_store::snapshot::{
    Boot, Fingerprints, Refusal, SnapshotOptions, Times, read_from, write_to,
};

const NOW: Moment = Moment::from_millis(1_000_000);
const WALL: u64 = 1_800_000_000;
const BOOT: Boot = Boot(Some([7; 16]));
/// Octets of a head without its seal; the random number begins after 15 of them.
const HEAD: usize = 129;
/// Octets that a cache may take.
const LIMIT: usize = 1 << 20;
/// Names that are looked for.
const NAMES: [&str; 5] = ["www.test", "alias.test", "gone.test", "sub.test", "test"];

/// A clock that stands.
#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Moment {
        NOW
    }

    fn wall_seconds(&self) -> u64 {
        WALL
    }
}

/// Reads the file that `octets` make.
pub fn run(octets: &[u8]) {
    let Some((kind, rest)) = octets.split_first() else { return };
    match kind % 4 {
        0 => foreign(rest),
        1 => changed(rest),
        2 => torn(rest),
        _ => sealed(rest, kind & 4 != 0),
    }
}

/// Any octets: at most entries of nobody.
fn foreign(file: &[u8]) {
    let cache = empty();
    assert!(read(file, &cache, "proofs", true).is_err(), "it was not sealed by us");
    assert_eq!(cache.stats().entries, 0);
    if let Ok(trusted) = read(file, &cache, "proofs", false) {
        assert!(!trusted);
    }
    unproven(&cache);
}

/// Our own file, of which each three octets change one: where, and how.
fn changed(changes: &[u8]) {
    let original = file(&full());
    let mut file = original.clone();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % file.len();
        file[at] ^= change[2];
    }
    let cache = empty();
    let outcome = read(&file, &cache, "proofs", true);
    assert_eq!(outcome.is_ok(), file == original, "{outcome:?}");
    included(&cache);
}

/// The beginning of our own file.
fn torn(length: &[u8]) {
    let Some(length) = length.first_chunk::<2>() else { return };
    let (original, cache) = (file(&full()), empty());
    let length = usize::from(u16::from_be_bytes(*length)) % (original.len() + 1);
    let outcome = read(&original[..length], &cache, "proofs", true);
    assert_eq!(outcome.is_ok(), length == original.len(), "{outcome:?}");
    included(&cache);
}

/// Pieces, each with its length in front, in a file that is ours.
fn sealed(mut pieces: &[u8], same_proofs: bool) {
    let (mut file, seal) = (file(&empty())[..HEAD + 16].to_vec(), Seal::new(b"secret"));
    let nonce = file[15..31].to_vec();
    for number in 0u64.. {
        let Some((length, rest)) = pieces.split_first_chunk::<2>() else { break };
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        file.extend((piece.len() as u32).to_be_bytes());
        file.extend(piece);
        file.extend(seal.over(&[&nonce, &number.to_be_bytes(), piece]));
        pieces = rest;
    }
    let cache = empty();
    let proofs = if same_proofs { "proofs" } else { "others" };
    if let Ok(trusted) = read(&file, &cache, proofs, true) {
        assert_eq!(trusted, same_proofs);
    }
    if !same_proofs {
        unproven(&cache);
    }
    assert!(cache.stats().bytes <= LIMIT);
    // What is in the cache now may be written and read in its turn.
    let again = empty();
    let outcome = read(&self::file(&cache), &again, "proofs", true);
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(again.stats().entries <= cache.stats().entries);
}

fn empty() -> Cache {
    Cache::new(LIMIT, TtlLimits::default(), [1, 2])
}

fn parsed(text: &str) -> Name {
    name::parse(text).expect("a name")
}

/// One entry of most kinds.
fn full() -> Cache {
    let cache = empty();
    let text = "www.test. 300 A 192.0.2.1\nalias.test. 300 CNAME www.test.\n\
                test. 900 SOA ns.test. host.test. 1 2 3 4 30\n";
    let sets = zonefile::parse(text, &name::root()).expect("it is right");
    let (soa, sets): (Vec<RRset>, _) = sets.into_iter().partition(|set| set.rtype == Rtype::SOA);
    for set in &sets {
        cache.insert_rrset(set, &[], Rank::Answer, Security::Secure, NOW);
    }
    let denial = zoners_cache::Denial::new(soa.into_iter().next(), vec![]);
    cache.insert_nxdomain(&parsed("gone.test"), Rtype::A, &denial, NOW);
    cache.insert_insecure_zone(&parsed("sub.test"), None, 60, NOW);
    let server = NameServer::plain(parsed("ns.test"), vec![([192, 0, 2, 53], 53).into()]);
    let (mode, transport) = (QueryMode::Iterative, Transport::Udp);
    let (zone, expires) = (parsed("test"), NOW.after_seconds(600));
    let (servers, signing) = (vec![server], DsStatus::Unknown);
    cache.insert_delegation(&Delegation { zone, mode, transport, servers, signing, expires }, NOW);
    cache
}

fn file(cache: &Cache) -> Vec<u8> {
    let seal = Seal::new(b"secret");
    let terms =
        SnapshotOptions { seal: Some(&seal), fingerprints: Fingerprints::of("sources", "proofs") };
    let times = Times { reading: ClockReading { now: NOW, wall_seconds: WALL }, boot: BOOT };
    let mut out = Vec::new();
    write_to(&mut out, cache, &terms, times, &Random::seeded(1), u64::MAX).expect("memory");
    out
}

/// Whether what the file says of authenticity counts.
fn read(file: &[u8], cache: &Cache, proofs: &str, own: bool) -> Result<bool, Refusal> {
    let seal = Seal::new(b"secret");
    let terms =
        SnapshotOptions { seal: Some(&seal), fingerprints: Fingerprints::of("sources", proofs) };
    read_from(file, cache, &terms, &Fixed, BOOT, own, || true).map(|loaded| loaded.trusted)
}

fn inspected(cache: &Cache) -> impl Iterator<Item = InspectedEntry> {
    NAMES.iter().flat_map(|name| cache.inspect(&parsed(name), NOW).0)
}

/// Nothing is there but what was in the full cache.
fn included(cache: &Cache) {
    let full: Vec<InspectedEntry> = inspected(&full()).collect();
    assert!(inspected(cache).all(|entry| full.contains(&entry)));
    let (mut progress, mut entries) = (ExportCursor::default(), Vec::new());
    while cache.export(&mut progress, NOW, &mut entries) {}
    assert!(entries.len() <= file(&self::full()).len());
}

/// Nothing in the cache counts as proven.
fn unproven(cache: &Cache) {
    for entry in inspected(cache) {
        assert_eq!(entry.security, Security::Unchecked, "{entry:?}");
        assert!(entry.kind != "unsigned", "{entry:?}");
    }
}
