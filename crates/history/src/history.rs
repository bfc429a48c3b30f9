//! The history: finished segments, a growing segment, and the worst records of dropped segments.

mod saved;

use std::collections::VecDeque;

use crate::record::ResolutionRecord;
pub use crate::segment::RecordFilter;
use crate::segment::{Segment, SegmentWriter};
use crate::worst::WorstRecords;
pub use saved::RestoredRecords;

/// The most records beside the worst of earlier hours.
pub const MAX_RECORDS: usize = 100_000;
/// Records of a segment: enough for dictionaries to pay, and few enough to be dropped at once.
const SEGMENT_RECORDS: usize = 4096;
/// A segment has at most this part of the memory.
const SEGMENT_SHARE: usize = 12;
/// The part of the memory for the worst of earlier hours.
const WORST_SHARE: usize = 4;

/// Past resolutions.
#[derive(Debug)]
pub struct History {
    limit: usize,
    /// The oldest first.
    segments: VecDeque<Segment>,
    growing: SegmentWriter,
    worst: WorstRecords,
    records: usize,
    octets: usize,
}

/// Segments of a history as of a moment, with records that a caller wants.
#[derive(Clone, Debug)]
pub struct HistorySnapshot {
    /// The newest first.
    segments: Vec<Segment>,
    filter: RecordFilter,
}

impl HistorySnapshot {
    /// The records that the filter admits, the newest first. A segment is decoded once its records are asked for.
    pub fn records(&self) -> impl Iterator<Item = ResolutionRecord> {
        self.segments.iter().flat_map(|segment| segment.view().find(&self.filter, usize::MAX))
    }
}

impl History {
    /// An empty history of at most `limit` octets.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        History {
            limit,
            segments: VecDeque::new(),
            growing: SegmentWriter::default(),
            worst: WorstRecords::new(limit / WORST_SHARE),
            records: 0,
            octets: 0,
        }
    }

    /// Adds a record. Without room, the oldest records are dropped.
    pub fn add(&mut self, record: &ResolutionRecord) {
        if self.limit == 0 {
            return;
        }
        self.growing.add(record);
        self.records += 1;
        if self.growing.count() >= SEGMENT_RECORDS
            || self.growing.octets() >= self.limit / SEGMENT_SHARE
        {
            let segment = self.growing.finish();
            self.octets += segment.octets();
            self.segments.push_back(segment);
        }
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while self.is_full() {
            let Some(oldest) = self.segments.pop_front() else { break };
            self.octets -= oldest.octets();
            self.records -= oldest.count();
            self.worst.take_from(&oldest);
        }
    }

    fn is_full(&self) -> bool {
        let room = self.limit - self.limit / WORST_SHARE;
        self.records > MAX_RECORDS || self.octets + self.growing.octets() > room
    }

    /// Records that `filter` admits, the newest first, at most `most`.
    #[must_use]
    pub fn find(&self, filter: &RecordFilter, most: usize) -> Vec<ResolutionRecord> {
        let mut found = Vec::new();
        let finished = self.segments.iter().rev().map(Segment::view);
        let all = [self.growing.view()].into_iter().chain(finished).chain(self.worst.views());
        for view in all {
            if found.len() >= most {
                break;
            }
            found.extend(view.find(filter, most - found.len()));
        }
        found
    }

    /// A copy of the segments in which `filter` may admit records, to be read while the history goes on.
    #[must_use]
    pub fn snapshot(&self, filter: RecordFilter) -> HistorySnapshot {
        let finished = self.segments.iter().rev();
        let worst = self.worst.segments().collect::<Vec<_>>().into_iter().rev();
        let may_have = |segment: &&Segment| segment.view().may_have(&filter);
        let copied = finished.chain(worst).filter(may_have).cloned();
        let segments = self.growing.copy().into_iter().chain(copied).collect();
        HistorySnapshot { segments, filter }
    }

    /// Forgets every record.
    pub fn erase(&mut self) {
        *self = History::new(self.limit);
    }

    /// Has at most `limit` octets from the next record on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        self.worst.set_limit(limit / WORST_SHARE);
    }

    /// The most octets.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Records, with the worst of earlier hours.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records + self.worst.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets of memory.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.octets + self.growing.octets() + self.worst.octets()
    }

    /// The second of the oldest record in full, without the worst of earlier hours.
    #[must_use]
    pub fn oldest_s(&self) -> Option<u64> {
        let oldest = self.segments.front().map(Segment::view);
        let oldest = oldest.unwrap_or_else(|| self.growing.view());
        (self.records > 0).then(|| oldest.base_s())
    }
}

#[cfg(test)]
mod tests;
