use std::collections::BTreeSet;

use super::*;
use crate::latency::{QueryLatencies, latency_table};
use zoners_api::{PolicyListState, SecondLevelState};
use zoners_telemetry::metrics::{MetricKind, MetricValue, MetricsFormat, render};

/// Families of a daemon in which each counter counts differently.
fn families() -> Vec<MetricFamily> {
    let counted = |counter: Counter| 1000 + counter as u64;
    let list = PolicyListState {
        name: "ads".to_owned(),
        form: "hosts".to_owned(),
        rules: 7,
        lines: 7,
        hits: 3,
        ..PolicyListState::default()
    };
    let lists = PolicyListReport { lists: vec![list], ..PolicyListReport::default() };
    let workers: [Box<QueryLatencies>; 0] = [];
    metric_families(&MetricsSource {
        counted: &counted,
        latencies: latency_table(&workers, |outcome| counted(outcome_counter(outcome))),
        status: &DaemonStatus {
            program: "0.1.0".to_owned(),
            second_level: Some(SecondLevelState::InUse),
            ..DaemonStatus::default()
        },
        lists: &lists,
        started_s: 1_790_000_000,
    })
}

/// All samples of counters with this name.
fn counts(families: &[MetricFamily], name: &str) -> Vec<u64> {
    let family = families.iter().find(|family| family.name == name).unwrap();
    let count = |value: &MetricValue| match value {
        MetricValue::Count(count) => *count,
        MetricValue::Number(_) | MetricValue::Buckets(_) => panic!("{name} is no counter"),
    };
    family.samples.iter().map(|sample| count(&sample.value)).collect()
}

#[test]
fn each_counter_is_in_exactly_one_family() {
    let families = families();
    // The cache counts evictions itself, and the policy the replies of its lists.
    let elsewhere = ["zoners_cache_evicted", "zoners_policy_replies"];
    let of_counters = families
        .iter()
        .filter(|family| family.kind == MetricKind::Counter && !elsewhere.contains(&&*family.name));
    let mut shown: Vec<u64> =
        of_counters.flat_map(|family| counts(&families, &family.name)).collect();
    shown.sort_unstable();
    let all: Vec<u64> = Counter::ALL.iter().map(|counter| 1000 + *counter as u64).collect();
    assert_eq!(shown, all);
}

#[test]
fn names_are_unique_and_no_sample_is_given_twice() {
    let families = families();
    let names: BTreeSet<&str> = families.iter().map(|family| &*family.name).collect();
    assert_eq!(names.len(), families.len());
    for family in &families {
        let labels: BTreeSet<_> = family.samples.iter().map(|sample| &sample.labels).collect();
        assert_eq!(labels.len(), family.samples.len(), "{}", family.name);
        assert!(family.help.ends_with('.'), "{}", family.name);
    }
}

#[test]
fn the_times_of_an_outcome_have_as_many_queries_as_the_outcome() {
    let families = families();
    let times = families.iter().find(|family| family.kind == MetricKind::Histogram).unwrap();
    let of = |outcome: &str| -> u64 {
        let label = ("outcome", outcome.to_owned());
        let samples = times.samples.iter().filter(|sample| sample.labels.contains(&label));
        samples
            .map(|sample| match &sample.value {
                MetricValue::Buckets(buckets) => buckets.count(),
                MetricValue::Count(_) | MetricValue::Number(_) => panic!("no histogram"),
            })
            .sum()
    };
    let counts = counts(&families, "zoners_client_queries");
    assert_eq!(counts.len(), QueryOutcome::ALL.len() + 1, "with those dropped unread");
    for (outcome, count) in QueryOutcome::ALL.iter().zip(counts) {
        assert_eq!(of(outcome.name()), count, "{outcome:?}");
    }
}

#[test]
fn the_policy_is_shown_by_list() {
    let text = String::from_utf8(render(&families(), MetricsFormat::OpenMetrics)).unwrap();
    assert!(text.contains("\nzoners_policy_list_rules{list=\"ads\"} 7\n"), "{text}");
    assert!(text.contains("\nzoners_policy_replies_total{list=\"ads\"} 3\n"), "{text}");
    assert!(text.contains("\nzoners_build_info{version=\"0.1.0\"} 1\n"), "{text}");
}

/// The files in `contrib/` that name metrics.
const NAMING: [(&str, &str); 2] = [
    ("alerts.yml", include_str!("../../../../../contrib/prometheus/alerts.yml")),
    ("zoners.json", include_str!("../../../../../contrib/grafana/zoners.json")),
];

/// The names of samples of a family.
fn sample_names(family: &MetricFamily) -> Vec<String> {
    let endings: &[&str] = match family.kind {
        MetricKind::Counter => &["_total"],
        MetricKind::Gauge => &[""],
        MetricKind::Histogram => &["_bucket", "_count", "_sum"],
    };
    endings.iter().map(|ending| format!("{}{ending}", family.name)).collect()
}

#[test]
fn each_metric_of_the_board_and_the_alerts_exists() {
    let known: BTreeSet<String> = families().iter().flat_map(sample_names).collect();
    for (file, text) in NAMING {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let words = text.split(|letter| !is_part(letter));
        let named: BTreeSet<&str> =
            words.filter(|it| it.starts_with("zoners_") || it.starts_with("process_")).collect();
        assert!(named.len() > 10, "{file} names metrics");
        for name in named {
            assert!(known.contains(name), "{file}: {name}");
        }
    }
}

#[test]
fn each_label_value_of_the_board_and_the_alerts_exists() {
    let families = families();
    let samples = families.iter().flat_map(|family| &family.samples);
    let known: BTreeSet<(&str, &str)> = samples
        .flat_map(|sample| sample.labels.iter().map(|(name, value)| (*name, &**value)))
        .collect();
    for (file, text) in NAMING {
        let text = text.replace("\\\"", "\"");
        for label in ["outcome", "status", "transport"] {
            for operator in ["=\"", "=~\""] {
                let before_values = format!("{label}{operator}");
                let found = text.split(&before_values).skip(1);
                for values in found.filter_map(|rest| rest.split('"').next()) {
                    for value in values.split('|') {
                        assert!(known.contains(&(label, value)), "{file}: {label}={value}");
                    }
                }
            }
        }
    }
}
