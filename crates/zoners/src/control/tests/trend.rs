//! The page of `zoners trend`, and the line of `zoners status`.

use zoners_api::{
    BaselineFill, DaemonStatus, TrendChange, TrendPart, TrendReport, TrendStatus, UsualLatency,
};

use super::{prints, shows, well};
use crate::control::{status, trend};
use crate::print::GREEN;

/// 2026-11-24T14:10:00Z, a Tuesday.
const TUESDAY: u64 = 1_795_529_400;

fn change() -> TrendChange {
    TrendChange {
        subject: TrendPart::Provider,
        provider: Some("hoster8.example".into()),
        here: true,
        at_unix_s: TUESDAY,
        found_unix_s: TUESDAY + 32_000,
        ended_unix_s: None,
        before_ms: 31.0,
        by_ms: 82.2,
        low_ms: 79.9,
        high_ms: 84.5,
        chance: 0.007_812_5,
        text: "hoster8.example's servers are 82 ms slower since Tuesday 14:10 UTC".into(),
    }
}

fn report() -> TrendReport {
    let ended = TrendChange {
        subject: TrendPart::Line,
        provider: None,
        here: false,
        at_unix_s: TUESDAY - 900_000,
        ended_unix_s: Some(TUESDAY - 800_000),
        chance: 0.000_002,
        text: "your line was 40 ms slower from 14 November 2026 04:10 to 15 November 2026 07:56 UTC: the servers of \
               all providers were"
            .into(),
        ..change()
    };
    let usual = |subject, provider: Option<&str>, usual_ms, hours| UsualLatency {
        subject,
        provider: provider.map(str::to_owned),
        usual_ms,
        hours,
    };
    TrendReport {
        text: format!("{}; all else as before.", change().text),
        lasting: 1,
        changes: vec![change(), ended],
        usual: vec![
            usual(TrendPart::Ipv4, None, 42.0, 600),
            usual(TrendPart::Resolver, None, 0.8, 640),
            usual(TrendPart::Provider, Some("hoster8.example"), 31.0, 220),
            usual(TrendPart::Provider, None, 27.25, 18),
        ],
        baseline: BaselineFill {
            hours: 655,
            all_hours: 900,
            since_unix_s: Some(TUESDAY - 3_000_000),
            used_bytes: 190_000,
            limit_bytes: 4_718_592,
            lost: 0,
        },
    }
}

#[test]
fn a_trend_is_a_sentence_with_the_figures_below() {
    shows("trend", &trend::page(&report(), 80), 80);
    shows("trend-narrow", &trend::page(&report(), 60), 60);
    prints("trend-json", report());
    let text = "All as usual on this network: the line, your own resolver and 14 providers.".into();
    let calm = TrendReport { text, lasting: 0, changes: Vec::new(), ..report() };
    shows("trend-calm", &trend::page(&calm, 80), 80);
    let is_green = |report: &TrendReport| {
        trend::page(report, 80).first().is_some_and(|line| line.starts_with(&GREEN.to_string()))
    };
    let unknown = TrendReport { usual: Vec::new(), ..calm.clone() };
    assert_eq!([&calm, &unknown, &report()].map(is_green), [true, false, false]);
}

#[test]
fn an_alarm_is_a_problem_of_the_status() {
    let trend = TrendStatus { text: report().text, alarms: vec![change()] };
    let status = DaemonStatus { trend: Some(Box::new(trend)), ..well() }.with_problems();
    shows("status-alarm", &status::page(&status, 80), 80);
}
