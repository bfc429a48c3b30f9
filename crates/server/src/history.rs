//! The history of resolutions: misses of all workers become records, and questions about them are answered.
//!
//! A thread reads the rings of the workers a few times a second, while there are misses; a question to the history reads
//! the rings too, and so sees the last miss. Each reading looks at the state of the line once.

mod answers;
pub(crate) mod file;
pub(crate) mod record;
mod repeats;
mod trend;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use zoners_api::HistoryFill;
use zoners_dns::Counters;
use zoners_history::{History, LineObstacle, LineState, ResolutionRecord};
use zoners_resolver::{NetworkState, Obstacle, Shared};

use crate::config::HistoryConfig;
use crate::events::recorder::{MissReader, MissRecorder, ReaderBell};
use crate::events::{HIT_INTERVAL, QueryEvents};
pub(crate) use answers::PastFilter;
pub use answers::WhyFilter;
use file::{DAMAGED, FOREIGN, HistoryFile};
use record::record;
use repeats::RepeatedFailures;
use trend::TrendStore;

/// The pause after a reading, in which misses gather.
const PAUSE: Duration = Duration::from_millis(100);
/// The time from one write of the file to the next, while there are misses.
const SAVE_INTERVAL: Duration = Duration::from_secs(300);
/// Misses of a worker in one reading: a worker that is busy does not prolong the reading.
const MAX_AT_ONCE: usize = 4096;

/// The history, and the rings of its workers.
#[derive(Debug)]
pub struct HistoryStore {
    content: Mutex<HistoryContent>,
    bell: Arc<ReaderBell>,
    /// Whether a captive portal holds the network.
    portal: AtomicBool,
    /// The file of the history, if it outlasts a restart.
    file: Option<HistoryFile>,
    /// Whether there are records that the file does not have.
    is_unsaved: AtomicBool,
    /// Latencies of a year.
    trend: TrendStore,
}

#[derive(Debug)]
struct HistoryContent {
    history: History,
    readers: Vec<MissReader>,
    repeated: RepeatedFailures,
    /// The second since 1970 of the last hit: workers together bring no more than one would.
    last_hit_s: u64,
}

impl HistoryStore {
    /// An empty history of at most `limit` octets.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        HistoryStore::with(limit, None, TrendStore::default())
    }

    fn with(limit: usize, file: Option<HistoryFile>, trend: TrendStore) -> Arc<Self> {
        let (readers, repeated) = (Vec::new(), RepeatedFailures::default());
        let content =
            HistoryContent { history: History::new(limit), readers, repeated, last_hit_s: 0 };
        Arc::new(HistoryStore {
            content: Mutex::new(content),
            bell: Arc::default(),
            portal: AtomicBool::new(false),
            file,
            is_unsaved: AtomicBool::new(false),
            trend,
        })
    }

    /// Records the misses of a worker from now on, unless the history has a limit of 0.
    pub fn attach(&self, events: &QueryEvents) {
        let mut content = self.content.lock();
        let limit = content.history.limit();
        if limit > 0 && !events.has_recorder() {
            let (recorder, reader) = MissRecorder::new(self.bell.clone());
            events.set_recorder(recorder);
            content.readers.push(reader);
        }
        events.record(limit > 0);
    }

    /// Sets the limit in octets; the caller attaches the workers again. 0 forgets every record.
    pub fn set_limit(&self, limit: usize) {
        let mut content = self.content.lock();
        content.history.set_limit(limit);
        if limit == 0 {
            self.forget(&mut content);
        }
    }

    /// Forgets every record, on the disk too.
    fn forget(&self, content: &mut HistoryContent) {
        content.history.erase();
        self.is_unsaved.store(false, Ordering::Relaxed);
        self.file.iter().for_each(HistoryFile::remove);
    }

    /// Notes whether a captive portal holds the network.
    pub fn behind_portal(&self, is_behind: bool) {
        self.portal.store(is_behind, Ordering::Relaxed);
    }

    /// The machine is on the network with this identifier from now on.
    pub(crate) fn enter_network(&self, id: &str) {
        self.trend.enter_network(id);
    }

    /// Counters of the history.
    pub(crate) fn counters(&self) -> &Counters {
        self.trend.counters()
    }

    /// Reads the rings. True if there was a miss.
    pub fn read(&self, shared: &Shared) -> bool {
        let line = self.line(shared);
        let mut content = self.content.lock();
        let HistoryContent { history, readers, repeated, last_hit_s } = &mut *content;
        let mut has_read = false;
        for reader in readers {
            for miss in std::iter::from_fn(|| reader.next()).take(MAX_AT_ONCE) {
                has_read = true;
                let record = record(&miss, line);
                if record.is_plain_hit() {
                    if record.received_s.abs_diff(*last_hit_s) < HIT_INTERVAL.as_secs() {
                        continue;
                    }
                    *last_hit_s = record.received_s;
                } else {
                    self.trend.observe(&record);
                }
                if !repeated.has(&record) {
                    history.add(&record);
                    self.is_unsaved.store(true, Ordering::Relaxed);
                }
            }
        }
        has_read
    }

    /// Records the misses of workers with these events, and reads the rings on a thread of its own for ever. Without
    /// misses the thread sleeps. If `config` says so, the history outlasts a restart in the state folder; else a file
    /// from before goes.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn begin(
        config: HistoryConfig,
        folder: Option<&Path>,
        events: &[Arc<QueryEvents>],
        shared: &Arc<Shared>,
    ) -> io::Result<Arc<Self>> {
        let file = folder.map(HistoryFile::of_resolutions);
        if !config.persist || config.size == 0 {
            file.iter().for_each(HistoryFile::remove);
        }
        let file = file.filter(|_| config.persist);
        let trend = TrendStore::begin(config.trend && config.size > 0, folder, &shared.random);
        let store = HistoryStore::with(config.size, file, trend);
        store.restore();
        events.iter().for_each(|events| store.attach(events));
        let (reader, shared) = (store.clone(), shared.clone());
        let thread = std::thread::Builder::new().name("history".into());
        thread.spawn(move || {
            let mut saved = Instant::now();
            loop {
                reader.bell.sleep();
                std::thread::sleep(PAUSE);
                while reader.read(&shared) {
                    std::thread::sleep(PAUSE);
                    if saved.elapsed() >= SAVE_INTERVAL {
                        reader.save_records();
                        reader.trend.save(false);
                        saved = Instant::now();
                    }
                }
            }
        })?;
        Ok(store)
    }

    /// Takes in the records of the file.
    fn restore(&self) {
        let Some(file) = &self.file else { return };
        let Some(octets) = file.read() else { return };
        let Some(restored) = self.content.lock().history.restore(&octets) else {
            return file.warn(FOREIGN);
        };
        if !restored.is_whole {
            file.warn(DAMAGED);
        }
        tracing::info!("history: loaded {} past resolutions", restored.records);
    }

    /// Writes the files at the end of the daemon.
    pub(crate) fn save(&self) {
        self.save_records();
        self.trend.save(true);
    }

    /// Writes the records to the file, if there are new ones.
    fn save_records(&self) {
        let Some(file) = &self.file else { return };
        if self.is_unsaved.swap(false, Ordering::Relaxed) {
            let octets = self.content.lock().history.save();
            file.write(&octets);
        }
    }

    /// Every record, the newest first.
    #[must_use]
    pub fn records(&self) -> Vec<ResolutionRecord> {
        self.content.lock().history.find(&zoners_history::RecordFilter::default(), usize::MAX)
    }

    /// The state of the line at present.
    fn line(&self, shared: &Shared) -> LineState {
        let broken = shared.broken_paths();
        let obstacle = match shared.network_state() {
            _ if self.portal.load(Ordering::Relaxed) => Some(LineObstacle::Portal),
            NetworkState::Obstructed(obstacle) => Some(match obstacle {
                Obstacle::Intercepted { .. } => LineObstacle::Intercepted,
                Obstacle::Refused => LineObstacle::Refused,
                Obstacle::Rejected => LineObstacle::Rejected,
                Obstacle::Silent => LineObstacle::Silent,
            }),
            NetworkState::Unknown | NetworkState::Doubtful | NetworkState::Open => None,
        };
        LineState {
            is_down: shared.is_uplink_down(),
            ipv4_broken: broken.ipv4,
            ipv6_broken: broken.ipv6,
            udp_broken: broken.udp,
            clock_wrong: shared.clock_skew.wrong_by().is_some(),
            obstacle,
        }
    }
}

impl HistoryContent {
    fn fill(&self) -> HistoryFill {
        HistoryFill {
            records: self.history.len() as u64,
            oldest_s: self.history.oldest_s(),
            used_bytes: self.history.octets() as u64,
            limit_bytes: self.history.limit() as u64,
            lost: self.readers.iter().map(MissReader::lost).sum(),
        }
    }
}

#[cfg(test)]
mod tests;
