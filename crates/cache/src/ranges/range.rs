//! One range, and what it takes of memory.

use bytes::Bytes;
use zoners_dns::{Moment, Name, RRset, Records};

use super::NameKey;

/// Octets of a place in a map, whose nodes are half empty, and of what the octets of a range are counted by.
pub(super) const NODE: usize = 64 + 48;

/// A record that was proven, and until when.
#[derive(Clone, Debug)]
pub(super) struct ProvenRange {
    pub(super) set: RRset,
    pub(super) expires: Moment,
    /// The place of the next name; nothing of a hash.
    pub(super) next: NameKey,
}

impl ProvenRange {
    pub(super) fn new(set: &RRset, next: &[u8], expires: Moment) -> Option<Box<Self>> {
        Some(Box::new(ProvenRange { set: compact(set)?, expires, next: next.into() }))
    }

    /// Octets of memory that it takes, with the place under which it lies.
    pub(super) fn cost(&self) -> usize {
        let place = self.set.owner.len();
        let octets =
            place + self.set.records.as_bytes().len() + self.set.signatures.as_bytes().len();
        let boxes = [size_of::<ProvenRange>(), octets, self.next.len(), place];
        NODE + boxes.map(allocated).iter().sum::<usize>()
    }

    /// The record, its TTL what is left of it.
    pub(super) fn at(&self, now: Moment) -> Option<RRset> {
        (self.expires > now)
            .then(|| RRset { ttl: now.seconds_until(self.expires), ..self.set.clone() })
    }
}

/// The same in one piece of memory of its own: what it was part of may be a whole message.
fn compact(set: &RRset) -> Option<RRset> {
    let (owner, records) = (set.owner.as_slice(), set.records.as_bytes());
    let octets = Bytes::from([owner, records, set.signatures.as_bytes()].concat());
    let (first, second) = (owner.len(), owner.len() + records.len());
    Some(RRset {
        owner: Name::from_octets(octets.slice(..first)).ok()?,
        records: Records::from_bytes(octets.slice(first..second)),
        signatures: Records::from_bytes(octets.slice(second..)),
        ..*set
    })
}

/// Octets that an allocator gives for so many: its sizes are an eighth apart.
pub(super) fn allocated(octets: usize) -> usize {
    (octets + octets / 8).next_multiple_of(16)
}
