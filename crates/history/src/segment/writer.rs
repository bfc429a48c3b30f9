//! A segment that still grows.

use std::collections::HashMap;

use super::{Segment, SegmentView, codec};
use crate::octets::put_number;
use crate::record::ResolutionRecord;

/// Octets of an index entry beside the key: a boxed slice, a number, and the free places of the table.
const INDEX_ENTRY_OCTETS: usize = 40;

/// Texts or addresses by number.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    octets: Vec<u8>,
    index: HashMap<Box<[u8]>, u32>,
}

impl Dictionary {
    /// The number of an entry. A new entry is added.
    pub(super) fn number_of(&mut self, entry: &[u8]) -> u64 {
        if let Some(number) = self.index.get(entry) {
            return u64::from(*number);
        }
        let number = self.index.len() as u32;
        put_number(&mut self.octets, entry.len() as u64);
        self.octets.extend_from_slice(entry);
        self.index.insert(entry.into(), number);
        u64::from(number)
    }

    /// Octets of memory, with the index.
    fn memory(&self) -> usize {
        2 * self.octets.len() + self.index.len() * INDEX_ENTRY_OCTETS
    }
}

/// The dictionaries of a segment.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    pub(super) names: Dictionary,
    pub(super) servers: Dictionary,
    pub(super) clients: Dictionary,
}

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
