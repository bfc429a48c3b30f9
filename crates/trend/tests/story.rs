//! Three weeks of a household: a change, the sentence about the change, a restart, and the end of the change.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use zoners_api::{DnssecStatus, QueryOutcome, TrendPart, TrendQuery};
use zoners_dns::{OptRcode, Rtype, Transport, name};
use zoners_history::{
    AskReason, HopEnd, HopEvent, HopRecord, LineState, ReplyEnd, ResolutionRecord, ServerRecord,
};
use zoners_trend::{Baseline, Numbering};

/// 2026-11-02, a Monday, midnight (UTC).
const BEGIN_S: u64 = 1_793_577_600;
const DAY_S: u64 = 86_400;
/// Tuesday, 2026-11-24, 14:10.
const CHANGE_S: u64 = BEGIN_S + 22 * DAY_S + 14 * 3600 + 600;

/// A question to a zone of a hoster.
fn question(second: u64, hoster: u64, zone: u64, ms: u64) -> ResolutionRecord {
    let took = Duration::from_millis(ms);
    let hop = HopRecord {
        begun: Duration::ZERO,
        took,
        depth: 0,
        zone: name::parse(&format!("zone{zone}.example")).unwrap(),
        rtype: Rtype::A,
        event: HopEvent::Asked {
            server: ServerRecord {
                name: name::parse(&format!("ns.hoster{hoster}.example")).unwrap(),
                address: format!("192.0.2.{hoster}:53").parse().unwrap(),
                transport: Transport::Udp,
            },
            reason: AskReason::First,
            end: HopEnd::Reply(ReplyEnd::Records),
        },
    };
    ResolutionRecord {
        received_s: second,
        client: "127.0.0.1".parse().unwrap(),
        transport: Transport::Udp,
        name: hop.zone.clone(),
        rtype: Rtype::A,
        outcome: QueryOutcome::Recursed,
        rcode: Some(OptRcode::NOERROR),
        reason: None,
        failure: None,
        dnssec: DnssecStatus::Insecure,
        took,
        line: LineState::default(),
        hops: vec![hop],
        more_hops: 0,
    }
}

/// Lives from a second to a second; hoster 8 is slower by `by_ms`, from a second on.
fn live(baseline: &mut Baseline, since: u64, until: u64, slower: Option<(u64, u64)>) {
    for second in (since..until).step_by(600) {
        // Hoster 3 serves a single zone.
        for (hoster, zones) in [(3, 1), (5, 4), (6, 4), (8, 4)] {
            let number = second / 600;
            let mut ms = 20 + hoster * 2 + number % 3;
            if let Some((at, by_ms)) = slower
                && hoster == 8
                && second >= at
            {
                ms += by_ms;
            }
            baseline.observe(&question(second, hoster, hoster * 10 + number % zones, ms));
        }
    }
}

fn query(provider: Option<&str>) -> TrendQuery {
    TrendQuery { seconds: None, provider: provider.map(str::to_owned) }
}

#[test]
fn a_change_is_told_over_a_restart_until_the_change_ends() {
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    baseline.enter_network("home");
    live(&mut baseline, BEGIN_S, BEGIN_S + DAY_S, None);
    let early = baseline.report(&query(None), BEGIN_S + DAY_S).text;
    assert!(early.starts_with("Too little is known of this network yet: 23 hours"), "{early}");
    live(&mut baseline, BEGIN_S + DAY_S, CHANGE_S, None);
    let calm = baseline.report(&query(None), CHANGE_S);
    let all_as_usual = "All as usual on this network: the line, your own resolver and 4 providers.";
    assert_eq!((calm.text.as_str(), calm.changes.len()), (all_as_usual, 0));

    let now = CHANGE_S + DAY_S;
    live(&mut baseline, CHANGE_S, now, Some((CHANGE_S, 82)));
    let found = baseline.take_found(now);
    let told = "hoster8.example's servers are 82 ms slower since Tuesday 14:10 UTC";
    assert_eq!(found, [told]);
    assert_eq!(baseline.take_found(now).len(), 0);
    let report = baseline.report(&query(None), now);
    assert_eq!(report.text, format!("{told}; all else as before."));
    let [change] = &report.changes[..] else { panic!("one change: {report:#?}") };
    assert_eq!((change.at_unix_s, change.ended_unix_s), (CHANGE_S, None));
    assert!((change.before_ms - 37.0).abs() < 1.0 && (change.by_ms - 82.0).abs() < 1.0);
    assert!(change.found_unix_s - CHANGE_S < 10 * 3600, "{change:?}");
    let status = baseline.status(now);
    assert_eq!(status.alarms, std::slice::from_ref(change));
    let of = |name: &str| baseline.report(&query(Some(name)), now).text;
    assert_eq!(of("Hoster8.example."), format!("{told}."));
    assert_eq!(of("hoster5.example"), "hoster5.example's servers are as quick as usual.");
    assert_eq!(of("nobody.example"), "Too little is known of nobody.example on this network.");

    // No name is in the file, and no provider of a single zone.
    let octets = baseline.save();
    let has = |text: &[u8]| octets.windows(text.len()).any(|part| part == text);
    assert!(!has(b"hoster") && !has(b"example"));
    let number = |name: &str| Numbering::new([3; 16]).provider(name).to_be_bytes();
    assert!(has(&number("hoster8.example")) && !has(&number("hoster3.example")));
    let restored = Baseline::restore(&octets).unwrap();
    assert!(restored.is_whole);
    let mut restarted = restored.baseline;
    restarted.enter_network("home");
    let text = restarted.report(&query(None), now).text;
    assert!(
        text.starts_with("The servers of a provider not asked since the start are 82 ms"),
        "{text}"
    );
    assert_eq!(restarted.status(now + 8 * DAY_S).alarms, [], "usual by then");

    let end = now + 2 * DAY_S;
    live(&mut restarted, now, end, Some((CHANGE_S, 82)));
    live(&mut restarted, end, end + DAY_S, None);
    let report = restarted.report(&query(None), end + DAY_S);
    let [change] = &report.changes[..] else { panic!("one change: {report:#?}") };
    let ended =
        "hoster8.example's servers were 82 ms slower from Tuesday 14:10 to Friday 14:10 UTC";
    assert_eq!(change.text, ended);
    assert_eq!(change.ended_unix_s, Some(end));
    assert!(report.text.starts_with("All as usual"), "{}", report.text);
    assert_eq!(restarted.status(end + DAY_S).alarms, []);
}

#[test]
fn what_is_usual_belongs_to_a_network() {
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    baseline.enter_network("home");
    live(&mut baseline, BEGIN_S, BEGIN_S + 12 * DAY_S, None);
    baseline.enter_network("hotel");
    let since = BEGIN_S + 12 * DAY_S;
    live(&mut baseline, since, since + 2 * DAY_S, Some((0, 400)));
    let report = baseline.report(&query(None), since + 2 * DAY_S);
    assert!(report.text.starts_with("Too little is known of this network"), "{}", report.text);
    assert_eq!(report.changes, []);
    baseline.enter_network("home");
    let report = baseline.report(&query(None), since + 2 * DAY_S);
    assert!(report.text.starts_with("All as usual"), "{}", report.text);
    let resolver = report.usual.iter().find(|usual| usual.subject == TrendPart::Resolver);
    assert_eq!(resolver.map(|usual| usual.usual_ms), Some(0.0));
}

#[test]
fn erased_latencies_are_gone_with_their_key() {
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    baseline.enter_network("home");
    live(&mut baseline, BEGIN_S, CHANGE_S + DAY_S, Some((CHANGE_S, 82)));
    assert!(baseline.hours() > 500 && baseline.changes().len() == 1);
    baseline.erase(Numbering::new([4; 16]));
    assert_eq!((baseline.hours(), baseline.changes().len()), (0, 0));
    let octets = baseline.save();
    assert!(octets.len() < 64, "{}", octets.len());
    live(&mut baseline, BEGIN_S, BEGIN_S + DAY_S, None);
    assert_eq!(baseline.hours(), 23);
}

#[test]
fn a_clock_that_leaps_costs_nothing_until_a_day_has_passed() {
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    baseline.enter_network("home");
    live(&mut baseline, BEGIN_S, BEGIN_S + 12 * DAY_S, None);
    let hours = baseline.hours();
    // A machine without a battery, before a time server has replied; and a clock that is years ahead.
    live(&mut baseline, 600, 7200, None);
    live(&mut baseline, BEGIN_S + 4000 * DAY_S, BEGIN_S + 4000 * DAY_S + 7200, None);
    assert_eq!(baseline.hours(), hours);
    live(&mut baseline, BEGIN_S + 12 * DAY_S, BEGIN_S + 13 * DAY_S, None);
    assert_eq!(baseline.hours(), hours + 24);
    // The clock stays back: what lies in its future was no measurement.
    let back = BEGIN_S + 2 * DAY_S;
    live(&mut baseline, back, back + 3 * DAY_S, None);
    assert_eq!(baseline.hours() as u64, 24 * 5 - 1);
}

#[test]
fn an_hour_finds_a_most_of_changes_and_the_next_hour_the_rest() {
    const MAX_FOUND_AT_ONCE: usize = 8;
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    baseline.enter_network("home");
    let slower = 1..=MAX_FOUND_AT_ONCE as u64 + 1;
    let mut most = 0;
    for second in (CHANGE_S - 14 * DAY_S..CHANGE_S + DAY_S).step_by(600) {
        let before = baseline.changes().len();
        for hoster in 1..=25 {
            let by_ms = if second >= CHANGE_S && slower.contains(&hoster) { 82 } else { 0 };
            let ms = 20 + hoster * 2 + second / 600 % 3 + by_ms;
            baseline.observe(&question(second, hoster, hoster, ms));
        }
        most = most.max(baseline.changes().len() - before);
    }
    assert_eq!((most, baseline.changes().len()), (MAX_FOUND_AT_ONCE, MAX_FOUND_AT_ONCE + 1));
}

#[test]
fn a_damaged_file_gives_what_lies_before_the_damage() {
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    baseline.enter_network("home");
    live(&mut baseline, BEGIN_S, BEGIN_S + 3 * DAY_S, None);
    let octets = baseline.save();
    assert_eq!(Baseline::restore(&octets).unwrap().baseline.hours(), baseline.hours());
    for length in (0..octets.len()).step_by(7) {
        if let Some(part) = Baseline::restore(&octets[..length]) {
            assert!(part.baseline.hours() <= baseline.hours() && !part.is_whole);
        }
    }
    let longer = [&octets[..], &[0]].concat();
    assert!(!Baseline::restore(&longer).unwrap().is_whole);
    assert!(Baseline::restore(b"zoners history 1\n").is_none());
}

/// The file of three weeks with a change.
static SAVED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    baseline.enter_network("home");
    live(&mut baseline, BEGIN_S, CHANGE_S + DAY_S, Some((CHANGE_S, 82)));
    baseline.save()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_damage_of_the_file_ends_the_daemon(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 1_u8..), 1..4),
    ) {
        let mut octets = SAVED.clone();
        for (place, is_near_an_end, flip) in flips {
            // The head, and the changes at the end, have the moments of the baseline.
            let at = match is_near_an_end {
                true => (octets.len() - 100 + place.index(250)) % octets.len(),
                false => place.index(octets.len()),
            };
            octets[at] ^= flip;
        }
        let Some(mut restored) = Baseline::restore(&octets) else { return Ok(()) };
        let baseline = &mut restored.baseline;
        baseline.enter_network("home");
        let since = CHANGE_S + DAY_S;
        live(baseline, since, since + DAY_S / 4, None);
        let lost = baseline.lost();
        live(baseline, since + 2 * DAY_S, since + 4 * DAY_S, None);
        prop_assert!(baseline.lost() >= lost);
        let now = since + 4 * DAY_S;
        prop_assert!(!baseline.report(&query(None), now).text.is_empty());
        prop_assert!(!baseline.status(now).text.is_empty());
        prop_assert!(baseline.take_found(now).iter().all(|text| !text.is_empty()));
        let again = baseline.save();
        prop_assert!(Baseline::restore(&again).is_some());
    }
}
