//! The time from the query of a client to the response, by outcome and transport.
//!
//! An answer at once takes less than a tick of the clock, so that only the number of such answers matters. Over UDP a
//! cached answer pays nothing for it: the number is the count of the outcome less all other queries with this outcome.
//! Over streams the answers at once are counted once a read, and recursions one by one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use zoners_api::QueryOutcome;
use zoners_dns::Transport;
use zoners_telemetry::metrics::{BucketCounts, CELLS, bucket_of_millis};

/// The number of queries with each outcome, in the order of [`QueryOutcome::ALL`].
pub type OutcomeCounts = [u64; QueryOutcome::ALL.len()];

/// Histograms by outcome and transport, in the orders of [`QueryOutcome::ALL`] and [`Transport::ALL`].
pub type LatencyTable = [[BucketCounts; Transport::ALL.len()]; QueryOutcome::ALL.len()];

/// The times of one worker. As with counters, the thread of the worker alone writes.
#[derive(Debug)]
pub struct QueryLatencies {
    rows: [[LatencyCells; Transport::ALL.len()]; QueryOutcome::ALL.len()],
}

/// The times with one outcome over one transport.
#[derive(Debug)]
struct LatencyCells {
    /// Recursions by bucket.
    cells: [AtomicU64; CELLS],
    /// The sum of the times of recursions, in milliseconds.
    sum_ms: AtomicU64,
    /// Answers at once; always 0 over UDP.
    immediate: AtomicU64,
}

impl Default for LatencyCells {
    fn default() -> Self {
        LatencyCells {
            cells: [const { AtomicU64::new(0) }; CELLS],
            sum_ms: AtomicU64::new(0),
            immediate: AtomicU64::new(0),
        }
    }
}

impl Default for QueryLatencies {
    fn default() -> Self {
        let row = || std::array::from_fn(|_| LatencyCells::default());
        QueryLatencies { rows: std::array::from_fn(|_| row()) }
    }
}

impl QueryLatencies {
    /// Adds a query that took `took`. The outcome is counted already: a reader may miss this query, but never finds more
    /// queries here than counted.
    pub(crate) fn note_recursion(
        &self,
        outcome: QueryOutcome,
        transport: Transport,
        took: Duration,
    ) {
        let Some(cells) = self.of(outcome, transport) else { return };
        let millis = took.as_millis() as u64;
        if let Some(cell) = cells.cells.get(bucket_of_millis(millis)) {
            add(cell, 1);
            add(&cells.sum_ms, millis);
        }
    }

    /// Adds the queries answered at once over a stream between two counts.
    pub(crate) fn note_immediate(
        &self,
        transport: Transport,
        before: &OutcomeCounts,
        now: &OutcomeCounts,
    ) {
        for (outcome, (before, now)) in QueryOutcome::ALL.iter().zip(before.iter().zip(now)) {
            if before != now
                && let Some(cells) = self.of(*outcome, transport)
            {
                add(&cells.immediate, now - before);
            }
        }
    }

    fn of(&self, outcome: QueryOutcome, transport: Transport) -> Option<&LatencyCells> {
        self.rows.get(outcome as usize)?.get(usize::from(transport.to_octet()))
    }
}

/// A step without an atomic addition, as in [`zoners_dns::Counters`].
fn add(cell: &AtomicU64, amount: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
}

/// The sum over workers. `counted` is asked for the outcomes after the times are read, so that each query here is counted
/// there.
pub(crate) fn latency_table(
    workers: &[impl AsRef<QueryLatencies>],
    counted: impl Fn(QueryOutcome) -> u64,
) -> LatencyTable {
    let mut table: LatencyTable =
        std::array::from_fn(|_| std::array::from_fn(|_| BucketCounts::default()));
    for worker in workers {
        let rows = table.iter_mut().flatten().zip(worker.as_ref().rows.iter().flatten());
        for (sums, cells) in rows {
            for (sum, cell) in sums.cells.iter_mut().zip(&cells.cells) {
                *sum += cell.load(Ordering::Relaxed);
            }
            sums.cells[0] += cells.immediate.load(Ordering::Relaxed);
            sums.sum_ms += cells.sum_ms.load(Ordering::Relaxed);
        }
    }
    for (outcome, transports) in QueryOutcome::ALL.iter().zip(&mut table) {
        let known: u64 = transports.iter().map(BucketCounts::count).sum();
        let datagrams = &mut transports[usize::from(Transport::Udp.to_octet())];
        datagrams.cells[0] += counted(*outcome).saturating_sub(known);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_query_with_an_outcome_is_in_one_histogram() {
        let workers = [Arc::<QueryLatencies>::default(), Arc::default()];
        let (udp, tcp) = (Transport::Udp, Transport::Tcp);
        workers[0].note_recursion(QueryOutcome::Recursed, udp, Duration::from_millis(125));
        workers[1].note_recursion(QueryOutcome::Recursed, tcp, Duration::from_millis(3000));
        let mut counts = OutcomeCounts::default();
        let before = counts;
        counts[QueryOutcome::Cached as usize] += 5;
        workers[1].note_immediate(tcp, &before, &counts);
        let table = latency_table(&workers, |outcome| match outcome {
            QueryOutcome::Recursed => 2,
            QueryOutcome::Cached => 12,
            QueryOutcome::Refused => 1,
            _ => 0,
        });
        let at = |outcome: QueryOutcome, transport: Transport| {
            let counts = &table[outcome as usize][usize::from(transport.to_octet())];
            (counts.count(), counts.cells[0], counts.sum_ms)
        };
        assert_eq!(at(QueryOutcome::Recursed, udp), (1, 0, 125));
        assert_eq!(at(QueryOutcome::Recursed, tcp), (1, 0, 3000));
        assert_eq!(at(QueryOutcome::Cached, udp), (7, 7, 0));
        assert_eq!(at(QueryOutcome::Cached, tcp), (5, 5, 0));
        assert_eq!(at(QueryOutcome::Refused, udp), (1, 1, 0));
        assert_eq!(at(QueryOutcome::Local, udp), (0, 0, 0));
    }

    #[test]
    fn a_query_that_is_not_counted_yet_takes_no_count_below_zero() {
        let worker = [Arc::<QueryLatencies>::default()];
        worker[0].note_recursion(QueryOutcome::Stale, Transport::Udp, Duration::ZERO);
        let table = latency_table(&worker, |_| 0);
        assert_eq!(table[QueryOutcome::Stale as usize][0].count(), 1);
    }

    #[test]
    fn outcomes_and_transports_are_numbered_as_listed() {
        for (at, outcome) in QueryOutcome::ALL.iter().enumerate() {
            assert_eq!(*outcome as usize, at);
        }
        for (at, transport) in Transport::ALL.iter().enumerate() {
            assert_eq!(usize::from(transport.to_octet()), at);
        }
    }
}
