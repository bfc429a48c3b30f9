//! The figures of the daemon as families of metrics.
//!
//! Each counter is in exactly one family. The number of families and labels is bounded by tables here and by the
//! operator's configuration (lists, groups, zones): no client and no server makes a label.

mod labelled;
mod state;

use zoners_api::{DaemonStatus, PolicyListReport, QueryOutcome};
use zoners_dns::{Counter, Transport};
use zoners_telemetry::metrics::{BucketCounts, MetricFamily};

use crate::events::outcome_counter;
use crate::latency::LatencyTable;
use labelled::LABELLED;

/// What the families are made of.
pub(crate) struct MetricsSource<'a> {
    /// The count of a counter.
    pub(crate) counted: &'a dyn Fn(Counter) -> u64,
    /// The times from query to response.
    pub(crate) latencies: LatencyTable,
    /// How the daemon is doing.
    pub(crate) status: &'a DaemonStatus,
    /// The lists and groups of the policy.
    pub(crate) lists: &'a PolicyListReport,
    /// The moment of the start, in seconds since 1970.
    pub(crate) started_s: u64,
}

/// Every family, the queries of clients first.
pub(crate) fn metric_families(source: &MetricsSource<'_>) -> Vec<MetricFamily> {
    let mut families = clients(source);
    families.extend(counters(source.counted));
    families.extend(state::families(source));
    families
}

/// The queries by outcome: the counts, of which each query is in one, and the times.
fn clients(source: &MetricsSource<'_>) -> Vec<MetricFamily> {
    let mut counts = MetricFamily::counter(
        "zoners_client_queries",
        "Queries of clients by outcome: each query has one, once it has ended.",
    );
    let mut times = MetricFamily::histogram(
        "zoners_client_query_seconds",
        "Time from the query to the response by outcome and transport; less than a millisecond for an answer at once.",
    );
    for (outcome, transports) in QueryOutcome::ALL.iter().zip(&source.latencies) {
        let queries = transports.iter().map(BucketCounts::count).sum();
        counts = counts.with_count(&[("outcome", outcome.name())], queries);
        for (transport, buckets) in Transport::ALL.iter().zip(transports) {
            let transport = transport.to_string();
            let labels = [("outcome", outcome.name()), ("transport", &*transport)];
            times = times.with_buckets(&labels, buckets.clone());
        }
    }
    let shed = (source.counted)(Counter::ClientShed);
    let counts = counts.with_count(&[("outcome", "shed")], shed);
    let received = MetricFamily::counter(
        "zoners_client_queries_received",
        "Messages received from clients: the sum of zoners_client_queries_total, and queries under way.",
    );
    let received = received.with_count(&[], (source.counted)(Counter::ClientQueries));
    vec![counts, received, times]
}

/// The counters of which [`clients`] makes families.
fn is_of_clients(counter: Counter) -> bool {
    let is_outcome = |outcome: &QueryOutcome| outcome_counter(*outcome) == counter;
    matches!(counter, Counter::ClientQueries | Counter::ClientShed)
        || QueryOutcome::ALL.iter().any(is_outcome)
}

/// All other counters: those of one question in a family with a label, and the rest each in a family of its own.
fn counters(counted: &dyn Fn(Counter) -> u64) -> impl Iterator<Item = MetricFamily> {
    let labelled = LABELLED.iter().map(move |family| family.with_counts(counted));
    let is_labelled = |counter: &Counter| LABELLED.iter().any(|family| family.has(*counter));
    let alone = Counter::ALL.iter().filter(move |it| !is_of_clients(**it) && !is_labelled(it));
    let alone = alone.map(|counter| {
        MetricFamily::counter(format!("zoners_{}", counter.name()), counter.help())
            .with_count(&[], counted(*counter))
    });
    labelled.chain(alone)
}

#[cfg(test)]
mod tests;
