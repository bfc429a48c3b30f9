//! Metrics of any number, and the three formats in which Prometheus reads them.
//!
//! ```
//! use zoners_telemetry::metrics::{MetricFamily, MetricsFormat, render};
//!
//! let queries = MetricFamily::counter("zoners_queries", "Queries so far.")
//!     .with_count(&[("transport", "udp")], 7)
//!     .with_count(&[("transport", "tcp")], 1);
//! let text = render(&[queries], MetricsFormat::OpenMetrics);
//! let lines = [
//!     "# TYPE zoners_queries counter",
//!     "# HELP zoners_queries Queries so far.",
//!     "zoners_queries_total{transport=\"udp\"} 7",
//!     "zoners_queries_total{transport=\"tcp\"} 1",
//!     "# EOF",
//! ];
//! assert_eq!(String::from_utf8(text).unwrap().lines().collect::<Vec<_>>(), lines);
//! ```

mod family;
mod format;
mod histogram;
mod protobuf_format;
mod text_format;

pub use family::{MetricFamily, MetricKind, MetricLabel, MetricSample, MetricValue};
pub use format::MetricsFormat;
pub use histogram::{BucketCounts, CELLS, bucket_of_millis};

/// The families in a format.
#[must_use]
pub fn render(families: &[MetricFamily], format: MetricsFormat) -> Vec<u8> {
    match format {
        MetricsFormat::OpenMetrics => text_format::open_metrics(families).into_bytes(),
        MetricsFormat::Text => text_format::classic(families).into_bytes(),
        MetricsFormat::Protobuf => protobuf_format::delimited(families),
    }
}
