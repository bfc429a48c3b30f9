//! Families of metrics: a name, the meaning, and samples that differ in their labels.

use super::histogram::BucketCounts;

/// The kind of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A number that grows until the process ends.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// Metrics of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricFamily {
    /// The name; that of a counter is without `_total`.
    pub name: String,
    /// The meaning, as a sentence.
    pub help: String,
    /// The kind.
    pub kind: MetricKind,
    /// The samples; no two have the same labels.
    pub samples: Vec<MetricSample>,
}

/// A label: name and value.
pub type MetricLabel = (&'static str, String);

/// The value of a family for certain labels.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSample {
    /// The labels.
    pub labels: Vec<MetricLabel>,
    /// The value.
    pub value: MetricValue,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricValue {
    /// Of a counter.
    Count(u64),
    /// Of a gauge.
    Number(f64),
    /// Of a histogram, which is by far the largest.
    Buckets(Box<BucketCounts>),
}

impl MetricFamily {
    fn new(name: impl Into<String>, help: impl Into<String>, kind: MetricKind) -> Self {
        MetricFamily { name: name.into(), help: help.into(), kind, samples: Vec::new() }
    }

    /// A family of counters without samples.
    #[must_use]
    pub fn counter(name: impl Into<String>, help: impl Into<String>) -> Self {
        MetricFamily::new(name, help, MetricKind::Counter)
    }

    /// A family of gauges without samples.
    #[must_use]
    pub fn gauge(name: impl Into<String>, help: impl Into<String>) -> Self {
        MetricFamily::new(name, help, MetricKind::Gauge)
    }

    /// A family of histograms without samples.
    #[must_use]
    pub fn histogram(name: impl Into<String>, help: impl Into<String>) -> Self {
        MetricFamily::new(name, help, MetricKind::Histogram)
    }

    /// The same family with a counter.
    #[must_use]
    pub fn with_count(self, labels: &[(&'static str, &str)], count: u64) -> Self {
        self.with(labels, MetricValue::Count(count))
    }

    /// The same family with a gauge.
    #[must_use]
    pub fn with_number(self, labels: &[(&'static str, &str)], number: f64) -> Self {
        self.with(labels, MetricValue::Number(number))
    }

    /// The same family with a histogram.
    #[must_use]
    pub fn with_buckets(self, labels: &[(&'static str, &str)], buckets: BucketCounts) -> Self {
        self.with(labels, MetricValue::Buckets(Box::new(buckets)))
    }

    fn with(mut self, labels: &[(&'static str, &str)], value: MetricValue) -> Self {
        let owned = |&(name, value): &(&'static str, &str)| (name, value.to_owned());
        let labels = labels.iter().map(owned).collect();
        self.samples.push(MetricSample { labels, value });
        self
    }
}
