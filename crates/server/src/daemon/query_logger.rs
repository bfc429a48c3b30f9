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
/// The time from a failed write to the next attempt: a full disk stays full for a while, and each attempt costs work.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);
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
    /// The time of the next attempt after a failed write.
    retry_at: Option<Instant>,
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
        let counters = Arc::<Counters>::default();
        let readers = workers.iter().map(|worker| worker.attach(RING_EVENTS, filter.clone()));
        let state = LoggerState::new(config, &folder, readers.collect(), counters.clone())?;
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
        state.log_waiting(Instant::now());
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
    fn new(
        config: &QueryLogConfig,
        folder: &Path,
        readers: Vec<EventReader>,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let retention = Retention { age_s: config.keep.into(), octets: config.size };
        let writer = LogWriter::open(folder, retention)?;
        let config = config.clone();
        Ok(LoggerState { config, writer, readers, counters, counted_lost: 0, retry_at: None })
    }

    /// Writes the events that wait. They are lost until some time after a failed write, and after a fault on the way.
    fn log_waiting(&mut self, now: Instant) {
        let is_paused = self.retry_at.is_some_and(|retry_at| now < retry_at);
        let mut rows = 0;
        let mut outcome = Ok(());
        for reader in &mut self.readers {
            // A busy worker does not prolong the look.
            for event in std::iter::from_fn(|| reader.next_event()).take(RING_EVENTS) {
                if is_ignored(&self.config, &event) {
                    continue;
                }
                rows += 1;
                if !is_paused && outcome.is_ok() {
                    outcome = self.writer.add(&row(&self.config, &event));
                }
            }
        }
        // Without a row nothing shows whether the disk works again.
        let are_written = !is_paused && rows > 0 && {
            outcome = outcome.and_then(|()| self.writer.write());
            self.report_change(&outcome, now);
            outcome.is_ok()
        };
        let counter = if are_written { Counter::QueryLogRows } else { Counter::QueryLogLost };
        self.counters.add(counter, rows);
        let lost: u64 = self.readers.iter().map(EventReader::lost).sum();
        let newly = lost - std::mem::replace(&mut self.counted_lost, lost);
        self.counters.add(Counter::QueryLogLost, newly);
    }

    /// Logs when the disk fails, and when it works again.
    fn report_change(&mut self, outcome: &io::Result<()>, now: Instant) {
        match outcome {
            Err(error) if self.retry_at.is_none() => {
                tracing::warn!("query log: cannot be written: {error}: queries are not logged");
            }
            Ok(()) if self.retry_at.is_some() => tracing::info!("query log: can be written again"),
            _ => {}
        }
        self.retry_at = outcome.is_err().then(|| now + RETRY_INTERVAL);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use smallvec::SmallVec;
    use zoners_api::QueryOutcome;
    use zoners_dns::{ClockReading, Moment, Rtype, Transport, name};
    use zoners_querylog::{LogClient, LogFilter, search};

    use super::*;
    use crate::client::Client;
    use crate::events::EventQuestion;

    fn event(client: &str, asked: &str) -> QueryEvent {
        let name = SmallVec::from_slice(name::parse(asked).unwrap().as_slice());
        QueryEvent {
            question: Some(EventQuestion { name, rtype: Rtype::A }),
            client: Client::new(client.parse().unwrap(), Transport::Udp),
            outcome: QueryOutcome::Recursed,
            rcode: None,
            reason: None,
            received: ClockReading { now: Moment::from_millis(1), wall_seconds: 1_790_000_000 },
            took: Duration::from_millis(7),
        }
    }

    /// The clients of the logged queries.
    fn logged(folder: &Path) -> Vec<String> {
        let mut clients = Vec::new();
        search(folder, &LogFilter::default(), |row| {
            clients.push(row.client.unwrap().to_string());
            true
        })
        .unwrap();
        clients
    }

    #[test]
    fn queries_are_logged_as_the_configuration_says() {
        let folder = tempfile::tempdir().unwrap();
        let config = QueryLogConfig {
            client: LogClient::Network,
            ignore_names: vec![name::parse("secret.test").unwrap()],
            ignore_clients: vec!["192.0.3.0/24".parse().unwrap()],
            ..QueryLogConfig::default()
        };
        let (worker, counters) = (Arc::<QueryEvents>::default(), Arc::<Counters>::default());
        let readers = vec![worker.attach(4, EventFilter::default())];
        let mut state =
            LoggerState::new(&config, folder.path(), readers, counters.clone()).unwrap();
        worker.put(&event("192.0.2.7", "www.test"));
        worker.put(&event("192.0.2.7", "a.SECRET.test"));
        worker.put(&event("192.0.3.7", "www.test"));
        worker.put(&event("192.0.4.7", "."));
        worker.put(&event("192.0.5.7", "without.room.in.the.ring"));
        state.log_waiting(Instant::now());
        assert_eq!(logged(folder.path()), ["192.0.2.0", "192.0.4.0"]);
        assert_eq!(counters.get(Counter::QueryLogRows), 2);
        assert_eq!(counters.get(Counter::QueryLogLost), 1);
    }

    #[test]
    fn rows_that_cannot_be_written_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let (worker, counters) = (Arc::<QueryEvents>::default(), Arc::<Counters>::default());
        let readers = vec![worker.attach(4, EventFilter::default())];
        let config = QueryLogConfig::default();
        let mut state = LoggerState::new(&config, &gone, readers, counters.clone()).unwrap();
        fs::remove_dir(&gone).unwrap();
        let failed = Instant::now();
        worker.put(&event("192.0.2.7", "www.test"));
        state.log_waiting(failed);
        assert_eq!(counters.get(Counter::QueryLogLost), 1);
        fs::create_dir(&gone).unwrap();
        worker.put(&event("192.0.2.8", "www.test"));
        state.log_waiting(failed + RETRY_INTERVAL - Duration::from_millis(1));
        assert_eq!(counters.get(Counter::QueryLogLost), 2, "the next attempt is later");
        state.log_waiting(failed + RETRY_INTERVAL);
        assert!(state.retry_at.is_some(), "no row has shown that the log can be written");
        worker.put(&event("192.0.2.9", "www.test"));
        state.log_waiting(failed + RETRY_INTERVAL);
        assert!(state.retry_at.is_none());
        assert_eq!(logged(&gone), ["192.0.2.9"]);
        assert_eq!(counters.get(Counter::QueryLogRows), 1);
    }
}
