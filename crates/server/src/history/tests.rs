use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use zoners_api::{QueryOutcome, TrendQuery};
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Moment, Question, Random, Rtype, Transport, name};
use zoners_resolver::Cause;
use zoners_sim::SimClock;

use super::*;
use crate::client::Client;
use crate::events::recorder::ResolvedMiss;

fn shared() -> Arc<Shared> {
    let cache = Cache::new(1 << 20, TtlLimits::default(), [1, 2]);
    Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(1))
}

/// A failure of a name at a second.
fn miss(text: &str, second: u64, cause: Cause) -> ResolvedMiss {
    let now = Moment::from_millis(second * 1000);
    ResolvedMiss {
        question: Question::new(name::parse(text).unwrap(), Rtype::A),
        client: Client::local(Transport::Udp),
        received: zoners_dns::ClockReading { now, wall_seconds: second },
        took: Duration::ZERO,
        outcome: QueryOutcome::Failed,
        rcode: None,
        reason: None,
        resolution: Err(cause),
        hops: Vec::new(),
        more_hops: 0,
    }
}

#[test]
fn a_full_ring_loses_the_newest_misses_and_counts_them() {
    let (store, events) = (HistoryStore::new(1 << 20), QueryEvents::default());
    store.attach(&events);
    let recorder = events.recorder().unwrap();
    let puts = (0..1100).map(|second| recorder.put(miss("example.com", second, Cause::Silent)));
    let lost = puts.filter(|lost| *lost).count();
    assert_eq!(lost, 1100 - 1024);
    store.read(&shared());
    assert_eq!(store.records().len(), 1024);
    assert_eq!(store.content.lock().fill().lost, lost as u64);
    assert!(!recorder.put(miss("example.com", 1, Cause::Silent)), "there is room again");
}

#[test]
fn without_memory_nothing_is_recorded() {
    let (store, events) = (HistoryStore::new(0), QueryEvents::default());
    store.attach(&events);
    assert!(events.recorder().is_none());
    store.set_limit(1 << 20);
    store.attach(&events);
    assert!(events.recorder().is_some());
    store.set_limit(0);
    store.attach(&events);
    assert!(events.recorder().is_none());
}

#[test]
fn a_repeated_failure_is_recorded_once_a_minute() {
    let (store, events, shared) = (HistoryStore::new(1 << 20), QueryEvents::default(), shared());
    store.attach(&events);
    let recorder = events.recorder().unwrap();
    for second in 1000..1130 {
        recorder.put(miss("example.com", second, Cause::Remembered));
        recorder.put(miss("example.net", second, Cause::Silent));
        store.read(&shared);
    }
    let of = |text: &str| {
        let name = name::parse(text).unwrap();
        store.records().iter().filter(|record| record.name == name).count()
    };
    assert_eq!((of("example.com"), of("example.net")), (3, 130));
}

#[test]
fn the_file_outlasts_the_store_and_goes_with_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let (shared, path) = (shared(), folder.path().join("history"));
    let begin_with = |size, persist| {
        let events = Arc::new(QueryEvents::default());
        let all = [events.clone()];
        let config = HistoryConfig { size, persist, trend: false, ..HistoryConfig::default() };
        (HistoryStore::begin(config, Some(folder.path()), &all, &shared).unwrap(), events)
    };
    let begin = || begin_with(1 << 20, true);
    let (store, events) = begin();
    events.recorder().unwrap().put(miss("example.com", 1000, Cause::Silent));
    store.read(&shared);
    store.save();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (restored, _events) = begin();
    assert_eq!(restored.records(), store.records());
    assert_eq!(restored.erase(&shared).records, 1);
    assert!(!path.exists());
    let keep = || {
        events.recorder().unwrap().put(miss("example.com", 1000, Cause::Silent));
        store.read(&shared);
        store.save();
        assert!(path.exists());
    };
    for (size, persist) in [(0, true), (1 << 20, false)] {
        keep();
        begin_with(size, persist);
        assert!(!path.exists(), "{size} {persist}");
    }
    keep();
    store.set_limit(0);
    assert!(!path.exists(), "a reload without a history");
}

#[test]
fn hits_of_all_workers_are_one_sample() {
    let (store, shared) = (HistoryStore::new(1 << 20), shared());
    let workers = [QueryEvents::default(), QueryEvents::default()];
    workers.iter().for_each(|events| store.attach(events));
    for second in 1000..1030 {
        for events in &workers {
            let found = ResolvedMiss {
                outcome: QueryOutcome::Cached,
                resolution: Ok(zoners_dns::Security::Unchecked),
                ..miss("example.com", second, Cause::Silent)
            };
            events.recorder().unwrap().put(found);
        }
        store.read(&shared);
    }
    let hits: Vec<u64> = store.records().iter().map(|record| record.received_s).collect();
    assert_eq!(hits, [1020, 1010, 1000]);
}

#[test]
fn latencies_outlast_the_store_by_default_and_go_when_erased() {
    let folder = tempfile::tempdir().unwrap();
    let (shared, path) = (shared(), folder.path().join("trend"));
    let begin = |trend| {
        let config = HistoryConfig { trend, ..HistoryConfig::default() };
        HistoryStore::begin(config, Some(folder.path()), &[], &shared).unwrap()
    };
    let query = TrendQuery::default();
    let without = begin(false);
    without.save();
    assert!(!path.exists() && without.trend(&shared, &query, 1000).is_none());
    let store = begin(true);
    store.save();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!folder.path().join("history").exists(), "names only when asked for");
    let text = store.trend(&shared, &query, 1000).unwrap().text;
    assert!(text.starts_with("Too little is known of this network yet"), "{text}");
    assert!(path.exists());
    let without = begin(false);
    assert!(!path.exists(), "a file from before goes");
    assert_eq!(without.erase(&shared).hours, 0);
    std::fs::write(&path, "something else").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let store = begin(true);
    assert_eq!(std::fs::read(&path).unwrap(), b"something else", "told, and replaced later");
    store.save();
    assert!(std::fs::read(&path).unwrap().starts_with(b"zoners trend"));
}
