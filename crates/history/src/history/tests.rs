use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use zoners_api::{DnssecStatus, HistoryFill, QueryOutcome};
use zoners_dns::{OptRcode, Random, Rtype, Transport, name};

use super::*;
use crate::hop::{AskReason, HopEnd, HopEvent, HopRecord, ReplyEnd, ServerRecord};
use crate::record::{FailureKind, LineState};

/// The memory of a daemon by default.
const LIMIT: usize = 12 << 20;
/// The most octets of a record in the mean.
const MOST_OCTETS: usize = 100;

/// Household traffic: names of popular domains again and again, and new ones; one to five hops.
struct Traffic {
    random: Random,
    second: u64,
}

impl Traffic {
    fn new() -> Self {
        Traffic { random: Random::seeded(7), second: 1_800_000_000 }
    }

    fn below(&self, most: u64) -> u64 {
        self.random.below(most)
    }

    /// Small numbers come more often, as popular domains do.
    fn popular(&self, most: u64) -> u64 {
        self.below(1 + self.below(1 + self.below(most)))
    }

    fn record(&mut self) -> ResolutionRecord {
        self.second += self.below(3);
        let domain = self.popular(20_000);
        let host = self.popular(2000);
        let provider = domain % 700;
        let qname = name::parse(&format!("host{host}.site{domain}.example{}.com", domain % 40));
        let qname = qname.unwrap();
        let zone = name::ancestor(&qname, 2);
        let hops = 1 + self.below(5);
        let mut begun = Duration::ZERO;
        let hops = (0..hops).map(|_| {
            let took = Duration::from_micros(100 * (1 + self.below(1500)));
            let server = self.below(4);
            let hop = HopRecord {
                begun,
                took,
                depth: 0,
                zone: zone.clone(),
                rtype: Rtype::A,
                event: HopEvent::Asked {
                    server: ServerRecord {
                        name: name::parse(&format!("ns{server}.provider{provider}.net")).unwrap(),
                        address: (
                            IpAddr::from([45, (provider >> 8) as u8, provider as u8, server as u8]),
                            53,
                        )
                            .into(),
                        transport: Transport::Udp,
                    },
                    reason: AskReason::First,
                    end: HopEnd::Reply(ReplyEnd::Records),
                },
            };
            begun += took;
            hop
        });
        let hops: Vec<HopRecord> = hops.collect();
        let has_failed = self.below(200) == 0;
        ResolutionRecord {
            received_s: self.second,
            client: [192, 168, 1, self.below(20) as u8].into(),
            transport: Transport::Udp,
            name: qname,
            rtype: [Rtype::A, Rtype::AAAA, Rtype::HTTPS][self.below(3) as usize],
            outcome: if has_failed { QueryOutcome::Failed } else { QueryOutcome::Recursed },
            rcode: Some(if has_failed { OptRcode::SERVFAIL } else { OptRcode::NOERROR }),
            reason: None,
            failure: has_failed.then_some(FailureKind::Silent),
            dnssec: DnssecStatus::Insecure,
            took: hops.iter().map(|hop| hop.took).sum(),
            line: LineState::default(),
            hops,
            more_hops: 0,
        }
    }
}

fn filled(records: usize) -> (History, Traffic) {
    let (mut history, mut traffic) = (History::new(LIMIT), Traffic::new());
    (0..records).for_each(|_| history.add(&traffic.record()));
    (history, traffic)
}

#[test]
fn a_hundred_thousand_records_take_a_hundred_octets_each_in_the_mean() {
    let (history, _) = filled(MAX_RECORDS + 5000);
    let kept = history.find(&RecordFilter::default(), usize::MAX).len();
    assert_eq!(kept, history.len());
    // Segments go as a whole.
    assert!(history.records > MAX_RECORDS - SEGMENT_RECORDS, "{}", history.records);
    let octets = history.octets() - history.worst.octets();
    assert!(octets <= history.records * MOST_OCTETS, "{} each", octets / history.records);
    assert!(history.octets() <= LIMIT);
}

#[test]
fn a_small_history_keeps_to_its_memory() {
    for (limit, records) in [(0, 100), (4096, 500), (64 << 10, 4000), (1 << 20, 20_000)] {
        let (mut history, mut traffic) = (History::new(limit), Traffic::new());
        for _ in 0..records {
            history.add(&traffic.record());
            // What grows is at most a record beyond its part.
            assert!(history.octets() <= limit + 8192, "{limit}: {}", history.octets());
        }
        assert!(limit < 64 << 10 || history.len() > limit / 400, "{limit}: {}", history.len());
    }
}

#[test]
fn the_failed_and_the_slowest_outlast_the_others() {
    let (mut history, mut traffic) = (History::new(1 << 20), Traffic::new());
    let slow = ResolutionRecord { took: Duration::from_secs(4), ..traffic.record() };
    let name = slow.name.clone();
    history.add(&slow);
    let plain = traffic.record();
    history.add(&ResolutionRecord { took: Duration::from_millis(1), ..plain.clone() });
    while history.oldest_s().unwrap() < slow.received_s + 7200 {
        history.add(&traffic.record());
    }
    let of = |name: &zoners_dns::Name, since: u64| {
        let filter = RecordFilter {
            name: Some(name.clone()),
            since_s: Some(since),
            until_s: Some(since + 10),
            ..RecordFilter::default()
        };
        history.find(&filter, 10)
    };
    let found = of(&name, slow.received_s);
    assert_eq!(found.first().map(|record| record.took), Some(slow.took));
    assert!(of(&plain.name, plain.received_s).iter().all(|record| record.took > plain.took));
}

#[test]
fn a_saved_history_is_restored_and_a_damaged_one_in_part() {
    let (mut history, mut traffic) = (History::new(1 << 20), Traffic::new());
    (0..12_000).for_each(|_| history.add(&traffic.record()));
    assert!(history.worst.len() > 0);
    let (saved, all) = (history.save(), RecordFilter::default());
    let mut restored = History::new(1 << 20);
    let whole = RestoredRecords { records: history.len(), is_whole: true };
    assert_eq!(restored.restore(&saved), Some(whole));
    assert_eq!(restored.find(&all, usize::MAX), history.find(&all, usize::MAX));
    let newest = traffic.record();
    restored.add(&newest);
    assert_eq!(restored.find(&all, 1)[0].name, newest.name);
    let mut damaged = History::new(1 << 20);
    let part = damaged.restore(&saved[..saved.len() / 2]).unwrap();
    assert!(part.records > 0 && part.records < history.len() && !part.is_whole, "{part:?}");
    assert_eq!(History::new(1 << 20).restore(b"something else"), None);
    let longer = History::new(1 << 20).restore(&[&saved[..], &[0]].concat());
    assert_eq!(longer, Some(RestoredRecords { is_whole: false, ..whole }));
    let mut small = History::new(64 << 10);
    small.restore(&saved);
    assert!(small.octets() <= (64 << 10) + 8192, "{}", small.octets());
}

/// The memory of a small history: some two hundred records.
const SMALL: usize = 24 << 10;

/// The file of a small history, whose worst records of earlier hours come first.
static SAVED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (mut history, mut traffic) = (History::new(SMALL), Traffic::new());
    (0..500).for_each(|_| history.add(&traffic.record()));
    assert!(history.worst.len() > 0);
    history.save()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_damage_of_the_file_ends_the_daemon(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 1_u8..), 1..6),
    ) {
        let mut octets = SAVED.clone();
        for (place, is_near_the_head, flip) in flips {
            // The head has the number of segments, and the seconds and lengths of the first.
            let at = if is_near_the_head { place.index(60) } else { place.index(octets.len()) };
            octets[at] ^= flip;
        }
        let mut history = History::new(SMALL);
        if history.restore(&octets).is_none() {
            return Ok(());
        }
        let mut traffic = Traffic::new();
        (0..20).for_each(|_| history.add(&traffic.record()));
        let records = history.find(&RecordFilter::default(), usize::MAX);
        prop_assert!(records.len() >= 20);
        let around = crate::Surroundings::of(&records);
        for record in &records {
            let told = crate::resolution_report(record, crate::judge(record, &around));
            prop_assert!(!told.verdict.text.is_empty());
            prop_assert!(crate::past_query(record).name.is_some());
        }
        let fill = HistoryFill { records: 0, oldest_s: None, used_bytes: 0, limit_bytes: 0, lost: 0 };
        for trouble in [crate::TroubleKind::Slow, crate::TroubleKind::Failed] {
            let ranked = crate::ranking(&records, trouble, 3600, fill);
            prop_assert!(ranked.hurt <= records.len() as u64);
        }
        let again = history.save();
        prop_assert!(History::new(SMALL).restore(&again).is_some());
    }
}

#[test]
fn an_erased_history_is_empty() {
    let (mut history, mut traffic) = filled(5000);
    history.erase();
    assert!(history.is_empty() && history.oldest_s().is_none());
    assert_eq!(history.find(&RecordFilter::default(), 10).len(), 0);
    history.add(&traffic.record());
    assert_eq!(history.len(), 1);
}

#[test]
fn a_smaller_limit_holds_from_the_next_record_on() {
    let (mut history, mut traffic) = filled(20_000);
    history.set_limit(1 << 20);
    history.add(&traffic.record());
    assert!(history.octets() <= (1 << 20) + 8192, "{}", history.octets());
}

/// Prints what the notes of a change need: `cargo test -p zoners-history --release measured -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn a_million_records_measured() {
    let mut traffic = Traffic::new();
    let records: Vec<ResolutionRecord> = (0..1_000_000).map(|_| traffic.record()).collect();
    let mut history = History::new(LIMIT);
    let began = Instant::now();
    records.iter().for_each(|record| history.add(record));
    let each = began.elapsed() / records.len() as u32;
    let octets = (history.octets() - history.worst.octets()) / history.records;
    println!("{} records of {octets} octets, {each:?} to add one", history.records);
    println!("{} of the worst in {} octets", history.worst.len(), history.worst.octets());
    for (what, filter) in [
        (
            "a name",
            RecordFilter { name: Some(records[990_000].name.clone()), ..Default::default() },
        ),
        ("no name", RecordFilter { name: Some(name::parse("a.b").unwrap()), ..Default::default() }),
        (
            "a client",
            RecordFilter {
                client: Some("192.168.1.7".parse().unwrap()),
                ..RecordFilter::default()
            },
        ),
        (
            "a minute",
            RecordFilter {
                since_s: Some(records[950_000].received_s),
                until_s: Some(records[950_000].received_s + 60),
                ..RecordFilter::default()
            },
        ),
    ] {
        let began = Instant::now();
        let found = history.find(&filter, 100).len();
        println!("{what}: {found} found in {:?}", began.elapsed());
    }
}

#[test]
fn a_snapshot_has_the_records_of_its_moment() {
    let (mut traffic, mut history) = (Traffic::new(), History::new(LIMIT / 40));
    (0..20_000).for_each(|_| history.add(&traffic.record()));
    assert!(history.worst.len() > 0 && history.segments.len() > 2, "records of every kind");
    for since_s in [None, Some(traffic.second - 3000)] {
        let filter = RecordFilter { since_s, ..RecordFilter::default() };
        let found = history.find(&filter, usize::MAX);
        let snapshot = history.snapshot(filter);
        (0..2000).for_each(|_| history.add(&traffic.record()));
        assert!(!found.is_empty());
        assert_eq!(snapshot.records().collect::<Vec<_>>(), found);
    }
}
