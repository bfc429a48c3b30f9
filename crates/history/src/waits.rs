//! What the client waited for: each moment belongs to one hop, or to the resolver itself.
//!
//! As in `bench`: of the hops under way at a moment, a useful reply counts before a shared wait, and a shared wait before
//! a hop without a useful reply.

use std::cmp::Reverse;
use std::time::Duration;

use crate::hop::{HopEvent, HopRecord};
use crate::record::ResolutionRecord;

/// A stretch of the time of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// The hop; `None` for time of the resolver.
    pub(crate) hop: Option<usize>,
    /// How long.
    pub(crate) took: Duration,
}

/// The time of a record as waits, which add up to the whole: a wait for each hop, and a wait for the resolver.
pub(crate) fn waits(record: &ResolutionRecord) -> Vec<Wait> {
    let took = record.took;
    let edges = record.hops.iter().flat_map(|hop| [hop.begun, hop.ended()]);
    let mut edges: Vec<Duration> =
        edges.chain([Duration::ZERO, took]).map(|edge| edge.min(took)).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut waits: Vec<Wait> = Vec::new();
    for edge in edges.windows(2) {
        let &[from, until] = edge else { continue };
        let under_way = record.hops.iter().enumerate().filter(|(_, hop)| {
            hop.begun <= from
                && hop.ended() >= until
                && !matches!(hop.event, HopEvent::Skipped { .. })
        });
        let hop = under_way.max_by_key(|(_, hop)| weight(hop)).map(|(at, _)| at);
        match waits.iter_mut().find(|wait| wait.hop == hop) {
            Some(wait) => wait.took += until - from,
            None => waits.push(Wait { hop, took: until - from }),
        }
    }
    waits
}

/// The time of a record without a hop under way: the resolver's own.
#[must_use]
pub fn own_time(record: &ResolutionRecord) -> Duration {
    waits(record).iter().filter(|wait| wait.hop.is_none()).map(|wait| wait.took).sum()
}

/// The weight of a hop: a moment belongs to the hop with the greatest weight; of equal hops to the first.
fn weight(hop: &HopRecord) -> (u8, Reverse<u8>, Reverse<Duration>) {
    let kind = match &hop.event {
        HopEvent::Asked { end, .. } if end.is_useful() => 2,
        HopEvent::Waited => 1,
        HopEvent::Asked { .. } | HopEvent::Skipped { .. } => 0,
    };
    (kind, Reverse(hop.depth), Reverse(hop.begun))
}
