use super::*;
use crate::latency::Latency;
use crate::numbering::Numbering;
use crate::period::{HOUR_S, Period};

/// 2026-11-24, a Tuesday, midnight (UTC).
const NOW_S: u64 = 1_795_478_400;

/// A baseline of two weeks, in which the resolver's own time alone was measured.
fn baseline() -> Baseline {
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    let own = Period { own: Some(Latency { count: 5, tenths: 10 }), servers: Vec::new() };
    for hour in 0..14 * 24 {
        baseline.hours.push(NOW_S - 14 * DAY_S + hour * HOUR_S, baseline.network, &own);
    }
    baseline.closed_until_s = NOW_S;
    baseline.resume();
    baseline
}

/// A change of the provider with this number, found so many days ago.
fn change(baseline: &Baseline, provider: u64, days: u64) -> LatencyChange {
    LatencyChange {
        subject: TrendSubject::Provider(provider),
        network: baseline.network,
        at_s: NOW_S - days * DAY_S - HOUR_S,
        found_s: NOW_S - days * DAY_S,
        before_ms: 20.0,
        by_ms: 50.0,
        low_ms: 48.0,
        high_ms: 52.0,
        p: 0.001,
    }
}

#[test]
fn no_part_is_named_that_was_not_measured() {
    let text = baseline().report(&TrendQuery::default(), NOW_S).text;
    assert_eq!(text, "All as usual on this network: your own resolver.");
    let usual = |subject| UsualLatency { subject, provider: None, usual_ms: 1.0, hours: 50 };
    let all = [TrendPart::Ipv6, TrendPart::Resolver, TrendPart::Provider].map(usual);
    let told = "All as usual on this network: the line, your own resolver and 1 provider.";
    assert_eq!(all_as_usual(&all), told);
    assert_eq!(all_as_usual(&[]), "Too little is known of this network yet.");
}

#[test]
fn a_short_time_hides_no_change_that_lasts() {
    let mut baseline = baseline();
    let yesterday = change(&baseline, 1, 1);
    baseline.changes.push(yesterday);
    let last_hour = TrendQuery { seconds: Some(HOUR_S), provider: None };
    let report = baseline.report(&last_hour, NOW_S);
    assert_eq!((report.changes.len(), report.lasting), (0, 1));
    let told = "The servers of a provider not asked since the start are 50 ms slower since";
    assert!(report.text.starts_with(told), "{}", report.text);
    let month = baseline.report(&TrendQuery::default(), NOW_S + 40 * DAY_S);
    assert_eq!((month.changes.len(), month.lasting), (0, 0), "usual by then");
}

#[test]
fn a_sentence_tells_a_few_changes_and_counts_the_others() {
    let mut baseline = baseline();
    for provider in 0..MAX_TOLD as u64 {
        baseline.changes.push(change(&baseline, provider, 1));
    }
    let text = |baseline: &Baseline| baseline.report(&TrendQuery::default(), NOW_S).text;
    assert_eq!(text(&baseline).matches("50 ms").count(), MAX_TOLD);
    assert!(!text(&baseline).contains("further"));
    baseline.changes.push(change(&baseline, 100, 1));
    assert_eq!(text(&baseline).matches("50 ms").count(), MAX_TOLD);
    assert!(text(&baseline).ends_with("; and 1 further change."), "{}", text(&baseline));
    baseline.changes.push(change(&baseline, 101, 1));
    assert!(text(&baseline).ends_with("; and 2 further changes."), "{}", text(&baseline));
}

#[test]
fn one_hour_is_one_hour() {
    let mut baseline = Baseline::new(Numbering::new([3; 16]));
    let own = Period { own: Some(Latency { count: 5, tenths: 10 }), servers: Vec::new() };
    baseline.hours.push(NOW_S, baseline.network, &own);
    let text = baseline.report(&TrendQuery::default(), NOW_S).text;
    assert!(text.contains(": 1 hour with replies so far;"), "{text}");
}

#[test]
fn a_report_has_a_most_of_changes() {
    let mut baseline = baseline();
    for provider in 0..=MAX_REPORTED as u64 {
        baseline.changes.push(change(&baseline, provider, 1));
    }
    let report = baseline.report(&TrendQuery::default(), NOW_S);
    assert_eq!((report.changes.len(), report.lasting), (MAX_REPORTED, MAX_REPORTED as u64 + 1));
}
