//! A segment in a file.

use std::sync::Arc;

use super::Segment;
use crate::octets::{Reader, put_number};

impl Segment {
    /// Writes the segment: the seconds, and the octets of records and dictionaries, each with the length first.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Segment { base_s, last_s, records, names, servers, clients, .. } = self;
        put_number(out, *base_s);
        put_number(out, *last_s);
        for part in [records, names, servers, clients] {
            put_number(out, part.len() as u64);
            out.extend_from_slice(part);
        }
    }

    /// Reads a segment; `None` if the octets are none.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (base_s, last_s) = (reader.number()?, reader.number()?);
        let mut part = || {
            let length = reader.index()?;
            reader.take(length).map(Arc::<[u8]>::from)
        };
        let (records, names, servers, clients) = (part()?, part()?, part()?, part()?);
        let segment = Segment { base_s, last_s, count: 0, records, names, servers, clients };
        Some(Segment { count: segment.view().heads().count(), ..segment })
    }
}
