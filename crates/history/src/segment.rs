//! A segment: records as octets, with dictionaries.

mod codec;
mod dictionary;
mod names;
mod saved;
mod writer;

use std::sync::Arc;

use zoners_dns::{Name, Prefix};

use crate::octets::Reader;
use crate::record::ResolutionRecord;
pub(crate) use writer::SegmentWriter;

/// The records that a caller wants; a field that is `None` admits every record.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    /// Records of this name alone.
    pub name: Option<Name>,
    /// Records of the names below, too.
    pub subtree: bool,
    /// Records of the clients in a prefix alone.
    pub client: Option<Prefix>,
    /// Records from this second on.
    pub since_s: Option<u64>,
    /// Records up to this second.
    pub until_s: Option<u64>,
}

/// A finished segment, which never changes; clones share the octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The second from which the seconds of records count.
    base_s: u64,
    /// The last second of a record.
    last_s: u64,
    count: usize,
    records: Arc<[u8]>,
    names: Arc<[u8]>,
    servers: Arc<[u8]>,
    clients: Arc<[u8]>,
}

impl Segment {
    /// Records in the segment.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Octets of memory.
    pub(crate) fn octets(&self) -> usize {
        let Segment { records, names, servers, clients, .. } = self;
        size_of::<Segment>() + records.len() + names.len() + servers.len() + clients.len()
    }

    pub(crate) fn view(&self) -> SegmentView<'_> {
        let Segment { base_s, last_s, records, names, servers, clients, .. } = self;
        SegmentView { base_s: *base_s, last_s: *last_s, records, names, servers, clients }
    }
}

/// A segment to be read, finished or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentView<'a> {
    base_s: u64,
    last_s: u64,
    records: &'a [u8],
    names: &'a [u8],
    servers: &'a [u8],
    clients: &'a [u8],
}

/// The head of a record, and its rest.
struct RecordHead<'a> {
    received_s: u64,
    client: usize,
    name: usize,
    rest: Reader<'a>,
}

impl<'a> SegmentView<'a> {
    /// The second of the first record.
    pub(crate) fn base_s(&self) -> u64 {
        self.base_s
    }

    /// Whether the time of the segment allows records that `filter` admits.
    pub(crate) fn may_have(&self, filter: &RecordFilter) -> bool {
        filter.since_s.is_none_or(|since| self.last_s >= since)
    }

    /// The records that `filter` admits, the newest first, at most `most`.
    pub(crate) fn find(&self, filter: &RecordFilter, most: usize) -> Vec<ResolutionRecord> {
        if !self.may_have(filter) {
            return Vec::new();
        }
        let wanted = |name| names::wanted(self.names, name, filter.subtree);
        let names = filter.name.as_ref().map(wanted);
        let clients = filter.client.as_ref().map(|prefix| self.clients_of(prefix));
        if names.as_ref().is_some_and(Vec::is_empty) || clients.as_ref().is_some_and(Vec::is_empty)
        {
            return Vec::new();
        }
        let has = |wanted: &Option<Vec<usize>>, number: usize| {
            wanted.as_ref().is_none_or(|wanted| wanted.binary_search(&number).is_ok())
        };
        let wanted = |head: &RecordHead<'_>| {
            has(&names, head.name)
                && has(&clients, head.client)
                && filter.since_s.is_none_or(|since| head.received_s >= since)
                && filter.until_s.is_none_or(|until| head.received_s <= until)
        };
        let heads: Vec<RecordHead<'a>> = self.heads().filter(wanted).collect();
        let entries = codec::Entries::of(self);
        let read = |head: &RecordHead<'a>| codec::read(head, &entries);
        heads.iter().rev().take(most).filter_map(read).collect()
    }

    /// The heads in the order of their writing.
    fn heads(&self) -> impl Iterator<Item = RecordHead<'a>> {
        let (mut reader, base_s) = (Reader(self.records), self.base_s);
        std::iter::from_fn(move || {
            let length = reader.index()?;
            let mut rest = Reader(reader.take(length)?);
            let received_s = base_s.saturating_add_signed(rest.signed()?);
            let (client, name) = (rest.index()?, rest.index()?);
            Some(RecordHead { received_s, client, name, rest })
        })
    }

    /// The numbers of the clients in a prefix, in ascending order.
    fn clients_of(&self, prefix: &Prefix) -> Vec<usize> {
        let is_wanted =
            |entry: &[u8]| codec::client(entry).is_some_and(|client| prefix.contains(client));
        let numbered = entries(self.clients).enumerate();
        numbered.filter(|(_, entry)| is_wanted(entry)).map(|(number, _)| number).collect()
    }
}

/// The entries of a dictionary: a length and so many octets each.
fn entries(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut reader = Reader(octets);
    std::iter::from_fn(move || {
        let length = reader.index()?;
        reader.take(length)
    })
}

#[cfg(test)]
pub(crate) mod tests;
