//! OpenMetrics 1.0, and the older text format of Prometheus. They differ in the names of counters and at the end.

use std::fmt::Write;

use super::family::{MetricFamily, MetricKind, MetricLabel, MetricValue};
use super::histogram::BucketCounts;

/// OpenMetrics 1.0.
pub(super) fn open_metrics(families: &[MetricFamily]) -> String {
    text(families, "") + "# EOF\n"
}

/// The text format 0.0.4.
pub(super) fn classic(families: &[MetricFamily]) -> String {
    text(families, "_total")
}

/// The families; the ending is that of the names of counters in descriptions.
fn text(families: &[MetricFamily], counter_ending: &str) -> String {
    let mut out = String::new();
    for family in families {
        put_family(&mut out, family, counter_ending);
    }
    out
}

fn put_family(out: &mut String, family: &MetricFamily, counter_ending: &str) {
    let MetricFamily { name, help, kind, samples } = family;
    let (kind, ending) = match kind {
        MetricKind::Counter => ("counter", counter_ending),
        MetricKind::Gauge => ("gauge", ""),
        MetricKind::Histogram => ("histogram", ""),
    };
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "# TYPE {name}{ending} {kind}");
    let _ = writeln!(out, "# HELP {name}{ending} {help}");
    for sample in samples {
        let labels = labels(&sample.labels);
        match &sample.value {
            MetricValue::Count(count) => {
                let _ = writeln!(out, "{name}_total{} {count}", braced(&labels));
            }
            MetricValue::Number(number) => {
                let _ = writeln!(out, "{name}{} {}", braced(&labels), shown(*number));
            }
            MetricValue::Buckets(buckets) => put_buckets(out, name, &labels, buckets),
        }
    }
}

fn put_buckets(out: &mut String, name: &str, labels: &str, buckets: &BucketCounts) {
    let comma = if labels.is_empty() { "" } else { "," };
    for (bound, count) in buckets.cumulative() {
        let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound:?}\"}} {count}");
    }
    let (count, labels_alone) = (buckets.count(), braced(labels));
    let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}");
    let _ = writeln!(out, "{name}_count{labels_alone} {count}");
    let _ = writeln!(out, "{name}_sum{labels_alone} {}", shown(buckets.sum()));
}

/// The labels without braces.
fn labels(labels: &[MetricLabel]) -> String {
    let label = |(name, value): &MetricLabel| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    labels.iter().map(label).collect::<Vec<_>>().join(",")
}

fn braced(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

/// A number, in the spelling of both formats.
fn shown(number: f64) -> String {
    match number {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        number if number.is_nan() => "NaN".to_owned(),
        number => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::bucket_of_millis;

    #[test]
    fn labels_and_help_are_escaped() {
        let family = MetricFamily::gauge("zoners_x", "One\\two\nthree.")
            .with_number(&[("list", "a \"b\"\\\n")], 0.5);
        let lines = "# TYPE zoners_x gauge\n# HELP zoners_x One\\\\two\\nthree.\n\
                     zoners_x{list=\"a \\\"b\\\"\\\\\\n\"} 0.5\n";
        assert_eq!(classic(std::slice::from_ref(&family)), lines);
        assert_eq!(open_metrics(&[family]), format!("{lines}# EOF\n"));
    }

    #[test]
    fn counters_have_their_ending_in_the_older_descriptions() {
        let family = MetricFamily::counter("zoners_x", "X.").with_count(&[], u64::MAX);
        let sample = "zoners_x_total 18446744073709551615\n";
        let older = format!("# TYPE zoners_x_total counter\n# HELP zoners_x_total X.\n{sample}");
        assert_eq!(classic(std::slice::from_ref(&family)), older);
        let newer = format!("# TYPE zoners_x counter\n# HELP zoners_x X.\n{sample}# EOF\n");
        assert_eq!(open_metrics(&[family]), newer);
    }

    #[test]
    fn a_histogram_has_cumulative_buckets_count_and_sum() {
        let mut counts = BucketCounts { sum_ms: 1500, ..BucketCounts::default() };
        counts.cells[bucket_of_millis(1500)] = 1;
        let family = MetricFamily::histogram("zoners_x_seconds", "X.")
            .with_buckets(&[("transport", "udp")], counts);
        let text = classic(&[family]);
        for line in [
            "zoners_x_seconds_bucket{transport=\"udp\",le=\"1.0\"} 0",
            "zoners_x_seconds_bucket{transport=\"udp\",le=\"2.0\"} 1",
            "zoners_x_seconds_bucket{transport=\"udp\",le=\"+Inf\"} 1",
            "zoners_x_seconds_count{transport=\"udp\"} 1",
            "zoners_x_seconds_sum{transport=\"udp\"} 1.5",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }

    #[test]
    fn numbers_that_are_none_have_a_spelling() {
        let spellings = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 12.0].map(shown);
        assert_eq!(spellings, ["+Inf", "-Inf", "NaN", "12"]);
    }
}
