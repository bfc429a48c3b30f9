//! The thread that writes the query log.
//!
//! Events of queries come over the ring of each worker. A frozen or full disk makes this thread wait, or lose rows, and no
//! answer: a full ring loses events, which are counted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

use zoners_dns::{Clock, Counter, Counters, Name, NameSlice};
use zoners_querylog::{LogRow, LogWriter, Retention};

use crate::clock::SystemClock;
use crate::config::{LoggedQueries, QueryLogConfig};
use crate::events::{EventFilter, EventReader, QueryEvent, QueryEvents};

/// Events in the ring of a worker: with [`INTERVAL`], 65,000 queries a second.
const RING_EVENTS: usize = 16_384;
/// The time between two looks at the rings.
const INTERVAL: Duration = Duration::from_millis(250);
/// The time between two looks for segments that have expired.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(600);
/// The time for the last rows at the end.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// The thread; dropping ends it.
#[derive(Debug)]
pub(super) struct QueryLogger {
    folder: PathBuf,
    counters: Arc<Counters>,
    running: Option<Sender<()>>,
    ended: Receiver<()>,
}

/// What the thread works with.
struct LoggerState {
    config: QueryLogConfig,
    writer: LogWriter,
    readers: Vec<EventReader>,
    counters: Arc<Counters>,
    /// Lost events that are counted.
    counted_lost: u64,
    /// Whether the last write failed.
    is_broken: bool,
}

impl QueryLogger {
    /// Starts the thread, if queries are to be logged and there is a state folder.
    ///
    /// # Errors
    /// The folder cannot be made, or the system gives no thread.
    pub(super) fn start(
        config: &QueryLogConfig,
        state: Option<&Path>,
        workers: &[Arc<QueryEvents>],
    ) -> io::Result<Option<Self>> {
        let filter = EventFilter::default();
        let filter = match config.queries {
            LoggedQueries::None => return Ok(None),
            LoggedQueries::Failed => filter.only_failed(),
            LoggedQueries::NotCached => filter.without_hits(),
            LoggedQueries::All => filter,
        };
        let Some(folder) = state.map(Path::to_owned) else {
            tracing::warn!("query log: there is no state folder: no query is logged");
            return Ok(None);
        };
        let retention = Retention { age_s: config.keep.into(), octets: config.size };
        let counters = Arc::<Counters>::default();
        let state = LoggerState {
            config: config.clone(),
            writer: LogWriter::open(&folder, retention)?,
            readers: workers.iter().map(|it| it.attach(RING_EVENTS, filter.clone())).collect(),
            counters: counters.clone(),
            counted_lost: 0,
            is_broken: false,
        };
        let (running, ending) = channel();
        let (end, ended) = sync_channel(1);
        std::thread::Builder::new().name("query-log".into()).spawn(move || {
            log_queries(state, &ending);
            let _ = end.send(());
        })?;
        Ok(Some(QueryLogger { folder, counters, running: Some(running), ended }))
    }

    /// The folder of the log, and the counters of rows.
    pub(super) fn report(&self) -> (PathBuf, Arc<Counters>) {
        (self.folder.clone(), self.counters.clone())
    }
}

impl Drop for QueryLogger {
    fn drop(&mut self) {
        drop(self.running.take());
        // A frozen disk does not hold up the end of the daemon.
        let _ = self.ended.recv_timeout(END_TIMEOUT);
    }
}

fn log_queries(mut state: LoggerState, ending: &Receiver<()>) {
    let mut expired = None::<Instant>;
    loop {
        let ends = ending.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout);
        state.log_waiting();
        if expired.is_none_or(|last| last.elapsed() > EXPIRY_INTERVAL) {
            expired = Some(Instant::now());
            if let Err(error) = state.writer.expire(SystemClock.wall_seconds()) {
                tracing::warn!("query log: old rows cannot be removed: {error}");
            }
        }
        if ends {
            return;
        }
    }
}

impl LoggerState {
    /// Writes the events that wait.
    fn log_waiting(&mut self) {
        let mut rows = 0;
        let mut outcome = Ok(());
        for reader in &mut self.readers {
            // A busy worker does not prolong the look.
            for event in std::iter::from_fn(|| reader.next_event()).take(RING_EVENTS) {
                if is_ignored(&self.config, &event) {
                    continue;
                }
                rows += 1;
                outcome = outcome.and(self.writer.add(&row(&self.config, &event)));
            }
        }
        let outcome = outcome.and(self.writer.write());
        let counter = if outcome.is_ok() { Counter::QueryLogRows } else { Counter::QueryLogLost };
        self.counters.add(counter, rows);
        let lost: u64 = self.readers.iter().map(EventReader::lost).sum();
        let newly = lost - std::mem::replace(&mut self.counted_lost, lost);
        self.counters.add(Counter::QueryLogLost, newly);
        self.report_change(&outcome);
    }

    /// Logs when the disk fails, and when it works again.
    fn report_change(&mut self, outcome: &io::Result<()>) {
        match outcome {
            Err(error) if !self.is_broken => {
                tracing::warn!("query log: cannot be written: {error}: queries are not logged");
            }
            Ok(()) if self.is_broken => tracing::info!("query log: can be written again"),
            _ => {}
        }
        self.is_broken = outcome.is_err();
    }
}

/// Whether the configuration leaves a query out.
fn is_ignored(config: &QueryLogConfig, event: &QueryEvent) -> bool {
    let QueryLogConfig { ignore_names, ignore_clients, .. } = config;
    ignore_clients.iter().any(|prefix| prefix.contains(event.client.address))
        || !ignore_names.is_empty()
            && event.question.as_ref().is_some_and(|question| {
                NameSlice::from_slice(&question.name).is_ok_and(|name| lies_in(name, ignore_names))
            })
}

fn lies_in(name: &NameSlice, zones: &[Name]) -> bool {
    name.iter_suffixes().any(|suffix| zones.iter().any(|zone| suffix == *zone))
}

/// The row of a query.
fn row<'a>(config: &QueryLogConfig, event: &'a QueryEvent) -> LogRow<'a> {
    LogRow {
        received_s: event.received.wall_seconds,
        client: config.client.logged(event.client.address),
        transport: event.client.transport,
        question: event.question.as_ref().map(|asked| (&*asked.name, asked.rtype.to_int())),
        outcome: event.outcome,
        rcode: event.rcode.map(|rcode| rcode.to_int()),
        ede: event.reason.map(|reason| reason.0),
        took_ms: u32::try_from(event.took.as_millis()).unwrap_or(u32::MAX),
    }
}
