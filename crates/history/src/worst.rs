//! The failed and the slowest records of each hour, which are kept longest.

use std::collections::VecDeque;

use crate::record::ResolutionRecord;
use crate::segment::{RecordFilter, Segment, SegmentView, SegmentWriter};

/// Seconds of an hour.
const HOUR: u64 = 3600;
/// The most failed records of an hour, and as many of the slowest.
const RECORDS_OF_A_KIND: usize = 50;

/// The worst records of hours gone by.
#[derive(Debug)]
pub(crate) struct WorstRecords {
    limit: usize,
    /// One for each hour, the oldest first.
    hours: VecDeque<Segment>,
    /// The hour from which records still come.
    hour: u64,
    failed: Vec<ResolutionRecord>,
    slow: Vec<ResolutionRecord>,
    /// The records of `failed` and `slow`, to be found.
    current: Option<Segment>,
}

impl WorstRecords {
    /// Nothing, in at most `limit` octets.
    pub(crate) fn new(limit: usize) -> Self {
        WorstRecords {
            limit,
            hours: VecDeque::new(),
            hour: 0,
            failed: Vec::new(),
            slow: Vec::new(),
            current: None,
        }
    }

    /// Takes the worst records of a segment that is dropped.
    pub(crate) fn take_from(&mut self, segment: &Segment) {
        let all = segment.view().find(&RecordFilter::default(), usize::MAX);
        for record in all.into_iter().rev() {
            let hour = record.received_s / HOUR;
            if hour > self.hour {
                self.end_hour();
                self.hour = hour;
            }
            let list = if record.has_failed() { &mut self.failed } else { &mut self.slow };
            insert(list, record);
        }
        self.current = self.written();
        while self.octets() > self.limit && self.hours.pop_front().is_some() {}
        while self.octets() > self.limit {
            self.failed.truncate(self.failed.len() / 2);
            self.slow.truncate(self.slow.len() / 2);
            self.current = self.written();
        }
    }

    fn end_hour(&mut self) {
        let hour = self.written();
        self.hours.extend(hour);
        self.failed.clear();
        self.slow.clear();
        self.current = None;
    }

    /// The records of the present hour as a segment, in the order of time.
    fn written(&self) -> Option<Segment> {
        let mut records: Vec<&ResolutionRecord> = self.failed.iter().chain(&self.slow).collect();
        records.sort_by_key(|record| record.received_s);
        let mut writer = SegmentWriter::default();
        records.iter().for_each(|record| writer.add(record));
        (writer.count() > 0).then(|| writer.finish())
    }

    /// The segments, the newest first.
    pub(crate) fn views(&self) -> impl Iterator<Item = SegmentView<'_>> {
        self.current.iter().chain(self.hours.iter().rev()).map(Segment::view)
    }

    /// The segments, the oldest first.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.hours.iter().chain(&self.current)
    }

    /// Takes in segments of earlier hours, the oldest first.
    pub(crate) fn restore(&mut self, hours: Vec<Segment>) {
        hours.into_iter().rev().for_each(|hour| self.hours.push_front(hour));
        while self.octets() > self.limit && self.hours.pop_front().is_some() {}
    }

    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(crate) fn len(&self) -> usize {
        self.hours.iter().chain(&self.current).map(Segment::count).sum()
    }

    /// Octets of the segments. The hundred records at hand of the present hour are not counted.
    pub(crate) fn octets(&self) -> usize {
        self.hours.iter().chain(&self.current).map(Segment::octets).sum()
    }
}

/// Adds a record to a list of the slowest. Each name has one record in the list, so that a popular name leaves room.
fn insert(list: &mut Vec<ResolutionRecord>, record: ResolutionRecord) {
    if let Some(same) = list.iter_mut().find(|other| other.name == record.name) {
        if same.took < record.took {
            *same = record;
        }
        return;
    }
    let at = list.partition_point(|other| other.took >= record.took);
    if at < RECORDS_OF_A_KIND {
        list.insert(at, record);
        list.truncate(RECORDS_OF_A_KIND);
    }
}
