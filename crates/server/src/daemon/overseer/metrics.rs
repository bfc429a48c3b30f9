//! The figures of the daemon for Prometheus.

use zoners_api::DaemonStatus;
use zoners_dns::Network;
use zoners_telemetry::metrics::{MetricsFormat, render};

use super::{Overseer, policy_lists};
use crate::events::outcome_counter;
use crate::latency::latency_table;
use crate::report::metrics::{MetricsSource, metric_families};

impl<N: Network> Overseer<N> {
    /// Every figure, in a format. The status may be a little older than the counts.
    pub(crate) fn metrics_in(&self, format: MetricsFormat, status: &DaemonStatus) -> Vec<u8> {
        let counted = |outcome| self.count(outcome_counter(outcome));
        let families = metric_families(&MetricsSource {
            counted: &|counter| self.count(counter),
            latencies: latency_table(&self.about.latencies, counted),
            status,
            lists: &policy_lists::lists(&self.service(), &self.about.policies),
            started_s: self.started.wall_seconds,
        });
        render(&families, format)
    }
}
