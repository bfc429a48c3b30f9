//! A segment that still grows.

use super::dictionary::Dictionaries;
use super::{Segment, SegmentView, codec};
use crate::octets::put_number;
use crate::record::ResolutionRecord;

/// A segment that still grows.
#[derive(Debug, Default)]
pub(crate) struct SegmentWriter {
    base_s: u64,
    last_s: u64,
    count: usize,
    records: Vec<u8>,
    dictionaries: Dictionaries,
    /// The record that is being written; its length goes first into `records`.
    body: Vec<u8>,
}

impl SegmentWriter {
    /// Adds a record.
    pub(crate) fn add(&mut self, record: &ResolutionRecord) {
        if self.count == 0 {
            self.base_s = record.received_s;
        }
        self.last_s = self.last_s.max(record.received_s);
        self.body.clear();
        codec::write(record, self.base_s, &mut self.dictionaries, &mut self.body);
        put_number(&mut self.records, self.body.len() as u64);
        self.records.extend_from_slice(&self.body);
        self.count += 1;
    }

    /// Records so far.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Octets of memory, with the indexes.
    pub(crate) fn octets(&self) -> usize {
        let Dictionaries { names, servers, clients } = &self.dictionaries;
        self.records.capacity() + names.memory() + servers.memory() + clients.memory()
    }

    pub(crate) fn view(&self) -> SegmentView<'_> {
        let Dictionaries { names, servers, clients } = &self.dictionaries;
        SegmentView {
            base_s: self.base_s,
            last_s: self.last_s,
            records: &self.records,
            names: &names.octets,
            servers: &servers.octets,
            clients: &clients.octets,
        }
    }

    /// The records so far as a finished segment; `None` without a record.
    pub(crate) fn copy(&self) -> Option<Segment> {
        let SegmentView { base_s, last_s, records, names, servers, clients } = self.view();
        (self.count > 0).then(|| Segment {
            base_s,
            last_s,
            count: self.count,
            records: records.into(),
            names: names.into(),
            servers: servers.into(),
            clients: clients.into(),
        })
    }

    /// The finished segment. The writer is empty again.
    pub(crate) fn finish(&mut self) -> Segment {
        let SegmentWriter { base_s, last_s, count, records, dictionaries, .. } =
            std::mem::take(self);
        let Dictionaries { names, servers, clients } = dictionaries;
        Segment {
            base_s,
            last_s,
            count,
            records: records.into(),
            names: names.octets.into(),
            servers: servers.octets.into(),
            clients: clients.octets.into(),
        }
    }
}
