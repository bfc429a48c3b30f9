//! The latencies of a year, for `zoners trend`: measured from the records of the history.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use zoners_api::{TrendQuery, TrendReport, TrendStatus};
use zoners_dns::{Counter, Counters, Random};
use zoners_history::ResolutionRecord;
use zoners_trend::{Baseline, Numbering, RestoredBaseline};

use super::file::{DAMAGED, FOREIGN, HistoryFile};

/// The baseline, and the file.
#[derive(Debug, Default)]
pub(super) struct TrendStore {
    /// `None` if no latencies are kept.
    baseline: Mutex<Option<Baseline>>,
    file: Option<HistoryFile>,
    counters: Arc<Counters>,
}

/// A key for the numbers of a new baseline.
fn numbering(random: &Random) -> Numbering {
    Numbering::new(random.octets())
}

/// The baseline of a file.
fn restored(file: &HistoryFile) -> Option<Baseline> {
    let octets = file.read()?;
    let Some(RestoredBaseline { baseline, is_whole }) = Baseline::restore(&octets) else {
        file.warn(FOREIGN);
        return None;
    };
    if !is_whole {
        file.warn(DAMAGED);
    }
    Some(baseline)
}

impl TrendStore {
    /// The baseline of the file in `folder`, or an empty baseline. Without `is_kept` there is no baseline, and an older
    /// file is deleted.
    pub(super) fn begin(is_kept: bool, folder: Option<&Path>, random: &Random) -> Self {
        let file = folder.map(HistoryFile::of_latencies);
        if !is_kept {
            file.iter().for_each(HistoryFile::remove);
        }
        let read = || file.as_ref().and_then(restored);
        let baseline = is_kept.then(|| read().unwrap_or_else(|| Baseline::new(numbering(random))));
        if let Some(baseline) = baseline.as_ref().filter(|baseline| baseline.hours() > 0) {
            tracing::info!("history: loaded latencies of {} hours", baseline.hours());
        }
        TrendStore { baseline: Mutex::new(baseline), file, counters: Arc::default() }
    }

    /// The machine is on the network with this identifier from now on.
    pub(super) fn enter_network(&self, id: &str) {
        self.baseline.lock().iter_mut().for_each(|baseline| baseline.enter_network(id));
    }

    /// Takes in a record, and tells the changes that have shown.
    pub(super) fn observe(&self, record: &ResolutionRecord) {
        self.with(record.received_s, |baseline| baseline.observe(record));
    }

    /// What changed, at second `now_s`; `None` if no latencies are kept.
    pub(super) fn report(&self, query: &TrendQuery, now_s: u64) -> Option<TrendReport> {
        self.with(now_s, |baseline| baseline.report(query, now_s))
    }

    /// The same in short.
    pub(super) fn status(&self, now_s: u64) -> Option<TrendStatus> {
        self.baseline.lock().as_ref().map(|baseline| baseline.status(now_s))
    }

    /// Brings the baseline to second `now_s` before `action`; changes that have shown are logged, and losses counted.
    fn with<T>(&self, now_s: u64, action: impl FnOnce(&mut Baseline) -> T) -> Option<T> {
        let mut baseline = self.baseline.lock();
        let baseline = baseline.as_mut()?;
        let lost = baseline.lost();
        baseline.advance(now_s);
        for text in baseline.take_found(now_s) {
            tracing::info!("history: a latency has changed: {text}");
        }
        let done = action(baseline);
        self.counters.add(Counter::HistoryTrendLost, baseline.lost() - lost);
        Some(done)
    }

    /// Writes the file, if an hour has ended since the last time, or `always`.
    pub(super) fn save(&self, always: bool) {
        let Some(file) = &self.file else { return };
        let octets = self.baseline.lock().as_mut().and_then(|baseline| {
            let has_news = baseline.take_news();
            (has_news || always).then(|| baseline.save())
        });
        octets.iter().for_each(|octets| file.write(octets));
    }

    /// Forgets everything, the key of the numbers included; the number of hours.
    pub(super) fn erase(&self, random: &Random) -> usize {
        let mut baseline = self.baseline.lock();
        self.file.iter().for_each(HistoryFile::remove);
        let Some(baseline) = baseline.as_mut() else { return 0 };
        let hours = baseline.hours();
        baseline.erase(numbering(random));
        hours
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }
}
