//! The threads that hand queries and messages on: to the query log, and to a reader of dnstap. A reload replaces a thread
//! whose configuration has changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use zoners_dns::{Counter, Counters};

use super::dnstap_writer::DnstapWriter;
use super::query_logger::QueryLogger;
use super::workers::Workers;
use crate::config::{Config, DnstapConfig, QueryLogConfig};
use crate::dnstap::MessageTap;

/// Both threads, as far as the configuration wants them; dropping ends them.
#[derive(Debug)]
pub(super) struct Recorders {
    /// The state folder.
    state: Option<PathBuf>,
    tap: Arc<MessageTap>,
    query_log: Option<QueryLogger>,
    dnstap: Option<DnstapWriter>,
    report: Arc<LogReport>,
}

/// The query log, for reports.
#[derive(Debug, Default)]
pub(super) struct LogReport(Mutex<LogFigures>);

#[derive(Debug, Default)]
struct LogFigures {
    /// The folder and the counters of rows, if queries are logged.
    present: Option<(PathBuf, Arc<Counters>)>,
    /// The counts of earlier threads.
    past: Counters,
}

impl LogReport {
    /// The folder, if queries are logged.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.0.lock().present.as_ref().map(|(folder, _)| folder.clone())
    }

    /// The count over all threads so far.
    pub(super) fn count(&self, counter: Counter) -> u64 {
        let figures = self.0.lock();
        let present = figures.present.iter().map(|(_, counters)| counters.get(counter));
        figures.past.get(counter) + present.sum::<u64>()
    }

    /// Another thread counts from now on, or none.
    fn turn_to(&self, next: Option<(PathBuf, Arc<Counters>)>) {
        let mut figures = self.0.lock();
        if let Some((_, counters)) = std::mem::replace(&mut figures.present, next) {
            for counter in [Counter::QueryLogRows, Counter::QueryLogLost] {
                figures.past.add(counter, counters.get(counter));
            }
        }
    }
}

impl Recorders {
    /// Starts the threads for the queries of `workers`; `state` is the state folder. A query log that cannot be written is
    /// no reason for no service.
    pub(super) fn begin(
        config: &Config,
        state: Option<&Path>,
        tap: Arc<MessageTap>,
        workers: &Workers,
    ) -> Self {
        let (state, report) = (state.map(Path::to_owned), Arc::default());
        let mut recorders = Recorders { state, tap, query_log: None, dnstap: None, report };
        recorders.log(&config.query_log, workers);
        recorders.copy(&config.dnstap);
        recorders
    }

    /// Replaces what differs in the next configuration. The tap has turned to it already, with the workers.
    pub(super) fn turn_to(&mut self, before: &Config, next: &Config, workers: &Workers) {
        if before.query_log != next.query_log {
            self.log(&next.query_log, workers);
        }
        if before.dnstap != next.dnstap {
            self.copy(&next.dnstap);
        }
    }

    /// The query log, for reports.
    pub(super) fn report(&self) -> Arc<LogReport> {
        self.report.clone()
    }

    /// Ends the present log with its last rows, and begins the next. Queries in between are not logged.
    fn log(&mut self, config: &QueryLogConfig, workers: &Workers) {
        self.query_log = None;
        let begun = QueryLogger::start(config, self.state.as_deref(), &workers.events());
        self.query_log = begun
            .inspect_err(|error| tracing::warn!("query log: {error}: no query is logged"))
            .ok()
            .flatten();
        self.report.turn_to(self.query_log.as_ref().map(QueryLogger::report));
    }

    /// Ends the present connection with its last messages, and begins the next.
    fn copy(&mut self, config: &DnstapConfig) {
        self.dnstap = None;
        // Messages of the configuration before, for which there was no time.
        self.tap.discard();
        let begun = config.to.clone().map(|to| DnstapWriter::start(self.tap.clone(), to));
        self.dnstap = begun
            .transpose()
            .inspect_err(|error| tracing::warn!("dnstap: {error}: no message is copied"))
            .ok()
            .flatten();
    }
}
