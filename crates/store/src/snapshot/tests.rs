use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use zoners_cache::{Cache, Rank, TtlLimits};
use zoners_dns::{Clock, ClockReading, Moment, RRset, Random, Records, Rtype, Security, name};

use super::*;

const BOOT: Boot = Boot(Some([7; 16]));
const OTHER_BOOT: Boot = Boot(Some([8; 16]));
const WALL: u64 = 1_800_000_000;
const WHOLE_DAY: u64 = 86_400;

/// A clock that shows what it is set to.
#[derive(Debug)]
struct Fixed(AtomicU64, u64);

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn wall_seconds(&self) -> u64 {
        self.1
    }
}

fn at(seconds: u64, wall: u64) -> Fixed {
    Fixed(AtomicU64::new(seconds * 1000), wall)
}

fn set(number: u32) -> RRset {
    let owner = name::parse(&format!("n{number}.test")).unwrap();
    RRset::new(owner, Rtype::A, 3_600, Records::from_iter([number.to_be_bytes()]))
}

fn empty() -> Cache {
    Cache::new(32 << 20, TtlLimits::default(), [1, 2])
}

/// A file with `entries`, written 1,000 s after the start of the machine.
struct Kept {
    folder: TempDir,
    seal: Seal,
    written: u64,
}

fn fingerprints() -> Fingerprints {
    Fingerprints::of("hints", "anchors")
}

impl Kept {
    fn new(entries: u32, most: u64) -> Self {
        let (cache, now) = (empty(), Moment::from_millis(1_000_000));
        for number in 0..entries {
            cache.insert_rrset(&set(number), &[], Rank::Answer, Security::Secure, now);
        }
        Kept::of(&cache, most)
    }

    fn of(cache: &Cache, most: u64) -> Self {
        let now = Moment::from_millis(1_000_000);
        let (folder, seal) = (tempfile::tempdir().unwrap(), Seal::new(b"secret"));
        let terms = Terms { seal: Some(&seal), fingerprints: fingerprints() };
        let times = Times { reading: ClockReading { now, wall_seconds: WALL }, boot: BOOT };
        let path = folder.path().join("cache");
        let written = write(&path, cache, &terms, times, &Random::seeded(1), most).unwrap();
        Kept { folder, seal, written }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn terms(&self) -> Terms<'_> {
        Terms { seal: Some(&self.seal), fingerprints: fingerprints() }
    }

    fn read(&self, cache: &Cache, clock: &Fixed, boot: Boot) -> Result<Loaded, Refusal> {
        read(&self.path(), cache, &self.terms(), clock, boot, true, || true)
    }
}

/// The TTL that is left of an entry, and what is known of its authenticity.
fn left(cache: &Cache, number: u32, clock: &Fixed) -> Option<(u32, Security)> {
    let cached = cache.rrset(&set(number).owner, Rtype::A, clock.now())?;
    assert_eq!(cached.set.records, set(number).records);
    Some((cached.set.ttl, cached.security))
}

#[test]
fn what_was_written_is_there_again() {
    let (kept, cache, clock) = (Kept::new(2_000, u64::MAX), empty(), at(1_100, WALL + 100));
    let loaded = kept.read(&cache, &clock, BOOT).unwrap();
    assert_eq!((loaded.entries.taken, loaded.age), (2_000, Duration::from_secs(100)));
    for number in 0..2_000 {
        assert_eq!(left(&cache, number, &clock), Some((3_500, Security::Secure)));
    }
    assert_eq!(fs::metadata(kept.path()).unwrap().len(), kept.written);
    assert_eq!(fs::read_dir(kept.folder.path()).unwrap().count(), 1, "nothing beside it");
}

#[test]
fn entries_of_the_largest_size_are_there_again() {
    let (cache, clock) = (empty(), at(1_000, WALL));
    let large = |number: u32| {
        let rdata = vec![number as u8; 40 * 1024 - 20];
        let rtype = Rtype::from_int(65_280);
        RRset { rtype, records: Records::from_iter([&rdata, &rdata]), ..set(number) }
    };
    for number in 0..10 {
        for set in [large(number), set(number)] {
            let now = clock.now();
            assert!(cache.insert_rrset(&set, &[], Rank::Answer, Security::Secure, now));
        }
    }
    let (kept, own) = (Kept::of(&cache, u64::MAX), empty());
    assert_eq!(kept.read(&own, &clock, BOOT).unwrap().entries.taken, 20);
    for number in 0..10 {
        let set = large(number);
        assert_eq!(own.rrset(&set.owner, set.rtype, clock.now()).unwrap().set, set);
    }
}

#[test]
fn times_survive_what_is_done_to_clocks() {
    let kept = Kept::new(1, u64::MAX);
    let hour = 3_600;
    for (clock, boot, ttl) in [
        // Within one start of the machine the wall clock does not count.
        (at(1_100, WALL - 500_000), BOOT, Some(3_500)),
        (at(1_100, WALL + 500_000), BOOT, Some(3_500)),
        (at(1_000 + hour, WALL), BOOT, None),
        // After another it is all there is.
        (at(5, WALL + 100), OTHER_BOOT, Some(3_499)),
        (at(500_000, WALL + 100), OTHER_BOOT, Some(3_499)),
        (at(5, WALL + hour), OTHER_BOOT, None),
        (at(1_100, WALL + 100), Boot(None), Some(3_499)),
        // A moment before the file's, though the start is said to be the same.
        (at(5, WALL + 100), BOOT, Some(3_499)),
    ] {
        let cache = empty();
        kept.read(&cache, &clock, boot).unwrap();
        assert_eq!(left(&cache, 0, &clock).map(|(ttl, _)| ttl), ttl, "{clock:?} {boot:?}");
    }
    let set_back = kept.read(&empty(), &at(5, WALL - 1), OTHER_BOOT);
    assert!(matches!(set_back, Err(Refusal::Outdated(_))));
    // What expired meanwhile may be given stale, for a day.
    for (seconds, entries) in [(hour + WHOLE_DAY - 2, 1), (hour + WHOLE_DAY, 0)] {
        let cache = empty();
        kept.read(&cache, &at(900_000, WALL + seconds), OTHER_BOOT).unwrap();
        assert_eq!(cache.stats().entries, entries);
    }
}

#[test]
fn a_file_that_is_not_ours_is_refused() {
    let (kept, clock) = (Kept::new(10, u64::MAX), at(1_100, WALL));
    let refused = |terms: &Terms<'_>, own| {
        let cache = empty();
        let loaded = read(&kept.path(), &cache, terms, &clock, BOOT, own, || true);
        assert_eq!(cache.stats().entries, 0);
        loaded.unwrap_err()
    };
    let (seal, own) = (Seal::new(b"other"), fingerprints());
    let other = Terms { seal: Some(&seal), fingerprints: own };
    assert!(matches!(refused(&other, true), Refusal::Foreign(_)));
    assert!(matches!(refused(&other, false), Refusal::Foreign(_)));
    let nobody = Terms { seal: None, fingerprints: own };
    assert!(matches!(refused(&nobody, false), Refusal::Foreign(_)));
    let elsewhere =
        Terms { fingerprints: Fingerprints::of("other hints", "anchors"), ..kept.terms() };
    assert!(matches!(refused(&elsewhere, true), Refusal::Outdated(_)));
    let missing = read(&kept.path().join("no"), &empty(), &other, &clock, BOOT, true, || true);
    assert!(matches!(missing, Err(Refusal::Unreadable(_))));
}

#[test]
fn proofs_of_other_rules_and_of_nobody_do_not_count() {
    let (kept, clock, cache) = (Kept::new(1, u64::MAX), at(1_100, WALL), empty());
    let other = Terms { fingerprints: Fingerprints::of("hints", "none"), ..kept.terms() };
    let loaded = read(&kept.path(), &cache, &other, &clock, BOOT, true, || true).unwrap();
    assert!(!loaded.trusted);
    assert_eq!(left(&cache, 0, &clock), Some((3_500, Security::Unchecked)));
    // As a person brings it, unsealed.
    let (path, open) = (kept.path(), Terms { seal: None, fingerprints: fingerprints() });
    let times = Times { reading: clock.read(), boot: BOOT };
    write(&path, &cache, &open, times, &Random::seeded(2), u64::MAX).unwrap();
    let brought = empty();
    read(&path, &brought, &kept.terms(), &clock, BOOT, false, || true).unwrap();
    assert_eq!(left(&brought, 0, &clock), Some((3_500, Security::Unchecked)));
    let own = read(&path, &empty(), &kept.terms(), &clock, BOOT, true, || true);
    assert!(matches!(own, Err(Refusal::Foreign(_))), "not in the place of our own");
}

#[test]
fn it_is_no_larger_than_it_may_be_and_reading_ends_when_told() {
    let kept = Kept::new(5_000, 100_000);
    assert!((100_000..150_000).contains(&kept.written), "{}", kept.written);
    let (clock, cache) = (at(1_000, WALL), empty());
    let loaded = kept.read(&cache, &clock, BOOT).unwrap();
    assert!(loaded.entries.taken > 500 && loaded.entries.taken < 5_000);
    let none = read(&kept.path(), &empty(), &kept.terms(), &clock, BOOT, true, || false).unwrap();
    assert_eq!(none.entries.taken, 0);
    // Nothing is thrown out for what comes later, and less.
    let small = Cache::new(1 << 18, TtlLimits::default(), [1, 2]);
    Kept::new(5_000, u64::MAX).read(&small, &clock, BOOT).unwrap();
    assert_eq!(small.stats().evicted, 0);
}

#[test]
fn a_torn_file_gives_what_was_whole_and_says_so() {
    let kept = Kept::new(2_000, u64::MAX);
    let whole = fs::read(kept.path()).unwrap();
    for length in (0..whole.len()).step_by(997).chain([whole.len() - 1, whole.len() - 20]) {
        fs::write(kept.path(), &whole[..length]).unwrap();
        let (cache, clock) = (empty(), at(1_000, WALL));
        assert!(matches!(kept.read(&cache, &clock, BOOT), Err(Refusal::Foreign(_))), "{length}");
        for number in 0..2_000 {
            left(&cache, number, &clock);
        }
    }
}

proptest! {
    #[test]
    fn a_file_in_which_anything_was_changed_is_refused(at_octet: usize, change in 1u8..) {
        let kept = Kept::new(100, u64::MAX);
        let mut octets = fs::read(kept.path()).unwrap();
        let length = octets.len();
        octets[at_octet % length] ^= change;
        fs::write(kept.path(), &octets).unwrap();
        let (cache, clock) = (empty(), at(1_000, WALL));
        prop_assert!(kept.read(&cache, &clock, BOOT).is_err());
        (0..100).for_each(|number| assert!(left(&cache, number, &clock).is_none_or(|(ttl, _)| ttl == 3_600)));
    }
}
