//! Answers to questions about the history.

use std::collections::BTreeSet;

use zoners_api::{
    FinishedQuery, HistoryErased, ResolutionReport, TrendQuery, TrendReport, TrendStatus,
    TroubleReport, WhyReport,
};
use zoners_dns::{Name, Prefix};
use zoners_history::{
    FailureKind, History, RecordFilter, ResolutionRecord, SURROUNDING_SECONDS, Surroundings,
    TroubleKind, judge, past_query, ranking, resolution_report,
};
use zoners_resolver::Shared;

use super::record::record;
use super::{HistoryContent, HistoryStore};
use crate::events::recorder::ResolvedMiss;
use crate::report::text;

/// Resolutions in an answer.
const MAX_RESOLUTIONS: usize = 10;
/// Records of a name among which the records nearest to a moment are found.
const MAX_CANDIDATES: usize = 1000;
/// The most surrounding records of a record: a hundred servers are evidence enough on the line.
const MAX_SURROUNDING: usize = 2000;

/// The records that a caller wants.
#[derive(Clone, Debug)]
pub struct WhyFilter {
    /// The name.
    pub name: Name,
    /// The clients; `None` for all.
    pub client: Option<Prefix>,
    /// Seconds since 1970: the records nearest to this moment; `None` for the newest.
    pub at_s: Option<u64>,
}

/// The past queries that a caller wants.
#[derive(Clone, Debug)]
pub(crate) struct PastFilter {
    /// The clients; `None` for all.
    pub(crate) client: Option<Prefix>,
    /// The first second, since 1970.
    pub(crate) since_s: u64,
    /// The last second.
    pub(crate) until_s: u64,
}

impl HistoryStore {
    /// The newest past queries that the filter and `is_wanted` admit, the newest first, at most `most`.
    pub(crate) fn past(
        &self,
        shared: &Shared,
        filter: &PastFilter,
        is_wanted: impl Fn(&FinishedQuery) -> bool,
        most: usize,
    ) -> Vec<FinishedQuery> {
        self.read(shared);
        let filter = RecordFilter {
            client: filter.client,
            since_s: Some(filter.since_s),
            until_s: Some(filter.until_s),
            ..RecordFilter::default()
        };
        // Decoding takes long: workers' events wait for the lock.
        let snapshot = self.content.lock().history.snapshot(filter);
        let queries = snapshot.records().map(|record| past_query(&record));
        queries.filter(is_wanted).take(most).collect()
    }

    /// The resolutions of a name, with the cause of each.
    #[must_use]
    pub fn why(&self, shared: &Shared, filter: &WhyFilter) -> WhyReport {
        self.read(shared);
        let content = self.content.lock();
        content.why(filter)
    }

    /// Puts a resolution of now before the past resolutions; no record is kept of it.
    pub(crate) fn with_now(
        &self,
        shared: &Shared,
        now: &ResolvedMiss,
        mut past: WhyReport,
    ) -> WhyReport {
        let record = record(now, self.line(shared));
        let report = self.content.lock().report(&record);
        past.resolutions.insert(0, report);
        past.resolutions.truncate(MAX_RESOLUTIONS);
        past.names_below.clear();
        past
    }

    /// Whether a history is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.content.lock().history.limit() > 0
    }

    /// The worst names, providers and servers from second `since_s` on.
    #[must_use]
    pub fn troubles(
        &self,
        shared: &Shared,
        trouble: TroubleKind,
        seconds: u64,
        now_s: u64,
    ) -> TroubleReport {
        self.read(shared);
        let filter = RecordFilter {
            since_s: Some(now_s.saturating_sub(seconds)),
            ..RecordFilter::default()
        };
        // Decoding takes long: workers' events wait for the lock.
        let (snapshot, fill) = {
            let content = self.content.lock();
            (content.history.snapshot(filter), content.fill())
        };
        let records: Vec<ResolutionRecord> = snapshot.records().collect();
        ranking(&records, trouble, seconds, fill)
    }

    /// What changed in the latencies, at second `now_s`; `None` if no latencies are kept.
    pub(crate) fn trend(
        &self,
        shared: &Shared,
        query: &TrendQuery,
        now_s: u64,
    ) -> Option<TrendReport> {
        self.read(shared);
        self.trend.report(query, now_s)
    }

    /// The same in short, as of the last reading.
    pub(crate) fn trend_status(&self, now_s: u64) -> Option<TrendStatus> {
        self.trend.status(now_s)
    }

    /// Forgets every record, and the latencies of the past.
    pub fn erase(&self, shared: &Shared) -> HistoryErased {
        self.read(shared);
        let mut content = self.content.lock();
        let records = content.history.len() as u64;
        self.forget(&mut content);
        let hours = self.trend.erase(&shared.random) as u64;
        HistoryErased { records, hours }
    }
}

impl HistoryContent {
    fn why(&self, filter: &WhyFilter) -> WhyReport {
        let WhyFilter { name, client, at_s } = filter;
        let of_name =
            RecordFilter { name: Some(name.clone()), client: *client, ..RecordFilter::default() };
        let most = if at_s.is_some() { MAX_CANDIDATES } else { MAX_RESOLUTIONS };
        let mut records = self.history.find(&of_name, most);
        if let Some(at_s) = at_s {
            records.sort_by_key(|record| record.received_s.abs_diff(*at_s));
            records.truncate(MAX_RESOLUTIONS);
        }
        let names_below = match records.is_empty() {
            true => self.names_below(&RecordFilter { subtree: true, ..of_name }),
            false => Vec::new(),
        };
        WhyReport {
            name: text(name),
            resolutions: records.iter().map(|record| self.report(record)).collect(),
            names_below,
            history: self.fill(),
        }
    }

    /// Names with records, among those of the newest records.
    fn names_below(&self, filter: &RecordFilter) -> Vec<String> {
        let records = self.history.find(filter, MAX_CANDIDATES);
        let names: BTreeSet<String> = records.iter().map(|record| text(&record.name)).collect();
        names.into_iter().take(MAX_RESOLUTIONS).collect()
    }

    /// A record with its verdict. A query that waited for an earlier query, or failed like an earlier query, has the
    /// cause of the earlier query.
    fn report(&self, record: &ResolutionRecord) -> ResolutionReport {
        let earlier = is_told_by_another(record).then(|| self.earlier(record)).flatten();
        let judged = earlier.as_ref().unwrap_or(record);
        let near = around(&self.history, judged.received_s);
        let mut verdict = judge(judged, &Surroundings::of(near.iter().chain([judged])));
        if earlier.is_some() {
            let how = match record.failure {
                Some(FailureKind::Remembered) => "It had failed before",
                _ => "Another query had asked the same before",
            };
            verdict.evidence.push(format!("{how}: the cause is that of the earlier query."));
        }
        resolution_report(record, verdict)
    }

    /// The last query for the same question before this query that asked servers.
    fn earlier(&self, record: &ResolutionRecord) -> Option<ResolutionRecord> {
        let filter = RecordFilter {
            name: Some(record.name.clone()),
            until_s: Some(record.received_s),
            ..RecordFilter::default()
        };
        let records = self.history.find(&filter, MAX_RESOLUTIONS);
        records.into_iter().find(|other| other.rtype == record.rtype && other.has_asked())
    }
}

/// Whether the record has no server to judge.
fn is_told_by_another(record: &ResolutionRecord) -> bool {
    !record.has_asked()
        && (record.failure == Some(FailureKind::Remembered) || !record.hops.is_empty())
}

/// The records around a second.
fn around(history: &History, at_s: u64) -> Vec<ResolutionRecord> {
    let filter = RecordFilter {
        since_s: Some(at_s.saturating_sub(SURROUNDING_SECONDS)),
        until_s: Some(at_s.saturating_add(SURROUNDING_SECONDS)),
        ..RecordFilter::default()
    };
    history.find(&filter, MAX_SURROUNDING)
}
