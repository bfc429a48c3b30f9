use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use zoners_cache::{Cache, EncryptionState, Evidence, Rank, TrialEvent, TtlLimits};
use zoners_dns::{
    Clock, ClockReading, Endpoint, Moment, RRset, Random, Records, Rtype, Security, name,
};

use super::*;

const BOOT: Boot = Boot(Some([7; 16]));
const OTHER_BOOT: Boot = Boot(Some([8; 16]));
const WALL_SECONDS: u64 = 1_800_000_000;
const WHOLE_DAY: u64 = 86_400;

/// A clock that stands still: milliseconds, and the wall clock in seconds.
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

/// A file with `entries`, written 1,000 s after boot.
struct SavedFile {
    folder: TempDir,
    seal: Seal,
    written: u64,
}

fn fingerprints() -> Fingerprints {
    Fingerprints::of("hints", "anchors")
}

impl SavedFile {
    fn new(entries: u32, most: u64) -> Self {
        let (cache, now) = (empty(), Moment::from_millis(1_000_000));
        for number in 0..entries {
            cache.insert_rrset(&set(number), &[], Rank::Answer, Security::Secure, now);
        }
        SavedFile::of(&cache, most)
    }

    fn of(cache: &Cache, most: u64) -> Self {
        let now = Moment::from_millis(1_000_000);
        let (folder, seal) = (tempfile::tempdir().unwrap(), Seal::new(b"secret"));
        let options = SnapshotOptions { seal: Some(&seal), fingerprints: fingerprints() };
        let times = Times { reading: ClockReading { now, wall_seconds: WALL_SECONDS }, boot: BOOT };
        let path = folder.path().join("cache");
        let written = write(&path, cache, &options, times, &Random::seeded(1), most).unwrap();
        SavedFile { folder, seal, written }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn options(&self) -> SnapshotOptions<'_> {
        SnapshotOptions { seal: Some(&self.seal), fingerprints: fingerprints() }
    }

    fn read(&self, cache: &Cache, clock: &Fixed, boot: Boot) -> Result<Loaded, Refusal> {
        read(&self.path(), cache, &self.options(), clock, boot, true, || true)
    }
}

/// The remaining TTL and the DNSSEC status of an entry.
fn left(cache: &Cache, number: u32, clock: &Fixed) -> Option<(u32, Security)> {
    let cached = cache.rrset(&set(number).owner, Rtype::A, clock.now())?;
    assert_eq!(cached.set.records, set(number).records);
    Some((cached.set.ttl, cached.security))
}

#[test]
fn written_entries_are_loaded() {
    let (kept, cache, clock) =
        (SavedFile::new(2_000, u64::MAX), empty(), at(1_100, WALL_SECONDS + 100));
    let loaded = kept.read(&cache, &clock, BOOT).unwrap();
    assert_eq!((loaded.entries.imported, loaded.age), (2_000, Duration::from_secs(100)));
    for number in 0..2_000 {
        assert_eq!(left(&cache, number, &clock), Some((3_500, Security::Secure)));
    }
    assert_eq!(fs::metadata(kept.path()).unwrap().len(), kept.written);
    assert_eq!(fs::read_dir(kept.folder.path()).unwrap().count(), 1, "nothing beside it");
}

#[test]
fn entries_of_the_largest_size_are_loaded() {
    let (cache, clock) = (empty(), at(1_000, WALL_SECONDS));
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
    let (kept, own) = (SavedFile::of(&cache, u64::MAX), empty());
    assert_eq!(kept.read(&own, &clock, BOOT).unwrap().entries.imported, 20);
    for number in 0..10 {
        let set = large(number);
        assert_eq!(own.rrset(&set.owner, set.rtype, clock.now()).unwrap().set, set);
    }
}

#[test]
fn ttls_survive_reboots_and_clock_changes() {
    let kept = SavedFile::new(1, u64::MAX);
    let hour = 3_600;
    for (clock, boot, ttl) in [
        // Within one boot the wall clock does not count.
        (at(1_100, WALL_SECONDS - 500_000), BOOT, Some(3_500)),
        (at(1_100, WALL_SECONDS + 500_000), BOOT, Some(3_500)),
        (at(1_000 + hour, WALL_SECONDS), BOOT, None),
        // After a reboot only the wall clock is left.
        (at(5, WALL_SECONDS + 100), OTHER_BOOT, Some(3_499)),
        (at(500_000, WALL_SECONDS + 100), OTHER_BOOT, Some(3_499)),
        (at(5, WALL_SECONDS + hour), OTHER_BOOT, None),
        (at(1_100, WALL_SECONDS + 100), Boot(None), Some(3_499)),
        // A moment before that of the file, although the boot is the same.
        (at(5, WALL_SECONDS + 100), BOOT, Some(3_499)),
    ] {
        let cache = empty();
        kept.read(&cache, &clock, boot).unwrap();
        assert_eq!(left(&cache, 0, &clock).map(|(ttl, _)| ttl), ttl, "{clock:?} {boot:?}");
    }
    let set_back = kept.read(&empty(), &at(5, WALL_SECONDS - 1), OTHER_BOOT);
    assert!(matches!(set_back, Err(Refusal::Outdated(_))));
    // Expired entries are kept for serve-stale, for a day.
    for (seconds, entries) in [(hour + WHOLE_DAY - 2, 1), (hour + WHOLE_DAY, 0)] {
        let cache = empty();
        kept.read(&cache, &at(900_000, WALL_SECONDS + seconds), OTHER_BOOT).unwrap();
        assert_eq!(cache.stats().entries, entries);
    }
}

/// RFC 9539 section 4.5: what trials have shown, and its ages, outlive a restart and a reboot.
#[test]
fn trials_of_encryption_survive_reboots() {
    let (cache, now) = (empty(), Moment::from_millis(1_000_000));
    let [works, fails] = [1, 2].map(|host| Endpoint::udp([192, 0, 2, host].into()));
    for (server, outcome) in [(works, TrialEvent::Worked), (fails, TrialEvent::Failed)] {
        cache.observe_server(server, Evidence::Trial(TrialEvent::Begun), now);
        cache.observe_server(server, Evidence::Trial(outcome), now);
    }
    let kept = SavedFile::of(&cache, u64::MAX);
    let state = |hours: u64, server| {
        let (cache, clock) = (empty(), at(900_000, WALL_SECONDS + hours * 3_600));
        kept.read(&cache, &clock, OTHER_BOOT).unwrap();
        let trial = cache.server(server, clock.now()).encryption;
        (trial.state(clock.now()), trial.is_due(clock.now()))
    };
    assert_eq!(state(1, works), (EncryptionState::Works, false));
    assert_eq!(state(71, works), (EncryptionState::Works, false));
    assert_eq!(state(73, works), (EncryptionState::Unknown, true), "persistence ends");
    assert_eq!(state(23, fails), (EncryptionState::Fails, false), "damped");
    assert_eq!(state(25, fails), (EncryptionState::Fails, true), "and tried again");
}

#[test]
fn a_foreign_file_is_refused() {
    let (kept, clock) = (SavedFile::new(10, u64::MAX), at(1_100, WALL_SECONDS));
    let refused = |options: &SnapshotOptions<'_>, own| {
        let cache = empty();
        let loaded = read(&kept.path(), &cache, options, &clock, BOOT, own, || true);
        assert_eq!(cache.stats().entries, 0);
        loaded.unwrap_err()
    };
    let (seal, own) = (Seal::new(b"other"), fingerprints());
    let other = SnapshotOptions { seal: Some(&seal), fingerprints: own.clone() };
    assert!(matches!(refused(&other, true), Refusal::Foreign(_)));
    assert!(matches!(refused(&other, false), Refusal::Foreign(_)));
    let nobody = SnapshotOptions { seal: None, fingerprints: own };
    assert!(matches!(refused(&nobody, false), Refusal::Foreign(_)));
    let elsewhere = SnapshotOptions {
        fingerprints: Fingerprints::of("other hints", "anchors"),
        ..kept.options()
    };
    assert!(matches!(refused(&elsewhere, true), Refusal::Outdated(_)));
    let missing = read(&kept.path().join("no"), &empty(), &other, &clock, BOOT, true, || true);
    assert!(matches!(missing, Err(Refusal::Unreadable(_))));
}

#[test]
fn dnssec_status_counts_only_with_the_same_rules_and_a_seal() {
    let (kept, clock, cache) = (SavedFile::new(1, u64::MAX), at(1_100, WALL_SECONDS), empty());
    let other =
        SnapshotOptions { fingerprints: Fingerprints::of("hints", "none"), ..kept.options() };
    let loaded = read(&kept.path(), &cache, &other, &clock, BOOT, true, || true).unwrap();
    assert!(!loaded.trusted);
    assert_eq!(left(&cache, 0, &clock), Some((3_500, Security::Unchecked)));
    // An unsealed file, as the operator may load it.
    let (path, open) = (kept.path(), SnapshotOptions { seal: None, fingerprints: fingerprints() });
    let times = Times { reading: clock.read(), boot: BOOT };
    write(&path, &cache, &open, times, &Random::seeded(2), u64::MAX).unwrap();
    let brought = empty();
    read(&path, &brought, &kept.options(), &clock, BOOT, false, || true).unwrap();
    assert_eq!(left(&brought, 0, &clock), Some((3_500, Security::Unchecked)));
    let own = read(&path, &empty(), &kept.options(), &clock, BOOT, true, || true);
    assert!(matches!(own, Err(Refusal::Foreign(_))), "not in the place of our own");
}

/// RFC 5011: the cache of the first minute, before a key is adopted, is used after it.
#[test]
fn a_further_trust_anchor_takes_no_proof_back() {
    let anchored = |anchors: &[&str]| {
        fingerprints().anchored_in(anchors.iter().map(|anchor| (*anchor).to_owned()))
    };
    let (kept, clock) = (SavedFile::new(1, u64::MAX), at(1_100, WALL_SECONDS + 100));
    let times = Times { reading: at(1_000, WALL_SECONDS).read(), boot: BOOT };
    let security = |written: &[&str], read_with: &[&str]| {
        let source = empty();
        source.insert_rrset(&set(0), &[], Rank::Answer, Security::Secure, times.reading.now);
        let options = SnapshotOptions { fingerprints: anchored(written), ..kept.options() };
        write(&kept.path(), &source, &options, times, &Random::seeded(3), u64::MAX).unwrap();
        let (options, cache) =
            (SnapshotOptions { fingerprints: anchored(read_with), ..kept.options() }, empty());
        read(&kept.path(), &cache, &options, &clock, BOOT, true, || true).unwrap();
        left(&cache, 0, &clock).unwrap().1
    };
    assert_eq!(security(&["ds"], &["key", "ds"]), Security::Secure);
    assert_eq!(security(&["key", "ds"], &["ds"]), Security::Unchecked);
    assert_eq!(security(&["key"], &["other"]), Security::Unchecked);
}

/// A file of version 2 is left for the next write to replace; a file of a later version is foreign.
#[test]
fn a_file_of_a_former_version_is_outdated() {
    let kept = SavedFile::new(1, u64::MAX);
    let mut octets = fs::read(kept.path()).unwrap();
    let mut refused = |version: u16| {
        octets[12..14].copy_from_slice(&version.to_be_bytes());
        fs::write(kept.path(), &octets).unwrap();
        kept.read(&empty(), &at(1_000, WALL_SECONDS), BOOT).unwrap_err()
    };
    assert!(matches!(refused(2), Refusal::Outdated(_)));
    assert!(matches!(refused(4), Refusal::Foreign(_)));
}

#[test]
fn the_file_has_a_size_limit_and_loading_can_be_stopped() {
    let kept = SavedFile::new(5_000, 100_000);
    assert!((100_000..150_000).contains(&kept.written), "{}", kept.written);
    let (clock, cache) = (at(1_000, WALL_SECONDS), empty());
    let loaded = kept.read(&cache, &clock, BOOT).unwrap();
    assert!(loaded.entries.imported > 500 && loaded.entries.imported < 5_000);
    let none = read(&kept.path(), &empty(), &kept.options(), &clock, BOOT, true, || false).unwrap();
    assert_eq!(none.entries.imported, 0);
    // Loading evicts no entry of the running cache.
    let small = Cache::new(1 << 18, TtlLimits::default(), [1, 2]);
    SavedFile::new(5_000, u64::MAX).read(&small, &clock, BOOT).unwrap();
    assert_eq!(small.stats().evicted, 0);
}

#[test]
fn a_torn_file_gives_its_complete_pieces_and_an_error() {
    let kept = SavedFile::new(2_000, u64::MAX);
    let whole = fs::read(kept.path()).unwrap();
    for length in (0..whole.len()).step_by(997).chain([whole.len() - 1, whole.len() - 20]) {
        fs::write(kept.path(), &whole[..length]).unwrap();
        let (cache, clock) = (empty(), at(1_000, WALL_SECONDS));
        assert!(matches!(kept.read(&cache, &clock, BOOT), Err(Refusal::Foreign(_))), "{length}");
        for number in 0..2_000 {
            left(&cache, number, &clock);
        }
    }
}

proptest! {
    #[test]
    fn a_file_with_any_changed_octet_is_refused(at_octet: usize, change in 1u8..) {
        let kept = SavedFile::new(100, u64::MAX);
        let mut octets = fs::read(kept.path()).unwrap();
        let length = octets.len();
        octets[at_octet % length] ^= change;
        fs::write(kept.path(), &octets).unwrap();
        let (cache, clock) = (empty(), at(1_000, WALL_SECONDS));
        prop_assert!(kept.read(&cache, &clock, BOOT).is_err());
        (0..100).for_each(|number| assert!(left(&cache, number, &clock).is_none_or(|(ttl, _)| ttl == 3_600)));
    }
}
