//! A proven range and its memory.

use bytes::Bytes;
use zoners_dns::{Moment, Name, RRset, Records};

use super::NameKey;

/// Octets of a slot in a map, whose nodes are half empty, and of the reference count of the shared
/// octets.
pub(super) const NODE_OCTETS: usize = 64 + 48;

/// A secure NSEC or NSEC3 RRset and its expiry.
#[derive(Clone, Debug)]
pub(super) struct ProvenRange {
    pub(super) set: RRset,
    pub(super) expires: Moment,
    /// The sort key of the next name; empty for NSEC3.
    pub(super) next: NameKey,
}

impl ProvenRange {
    pub(super) fn new(set: &RRset, next: &[u8], expires: Moment) -> Option<Box<Self>> {
        Some(Box::new(ProvenRange { set: compact(set)?, expires, next: next.into() }))
    }

    /// Octets of memory of the range and its map key.
    pub(super) fn cost(&self) -> usize {
        let place = self.set.owner.len();
        let octets =
            place + self.set.records.as_bytes().len() + self.set.signatures.as_bytes().len();
        let boxes = [size_of::<ProvenRange>(), octets, self.next.len(), place];
        NODE_OCTETS + boxes.map(allocated).iter().sum::<usize>()
    }

    /// The RRset with its remaining TTL; `None` after the expiry.
    pub(super) fn at(&self, now: Moment) -> Option<RRset> {
        (self.expires > now)
            .then(|| RRset { ttl: now.seconds_until(self.expires), ..self.set.clone() })
    }
}

/// Copies an RRset into one allocation. Otherwise the RRset could keep a whole message in memory.
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

/// Octets that an allocator provides for a request, with size classes an eighth apart.
pub(super) fn allocated(octets: usize) -> usize {
    (octets + octets / 8).next_multiple_of(16)
}
