//! The wait graph: which flight waits for which, so that no two flights wait for each other.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::sync::Mutex;

/// Flights visited in the search for a cycle; a longer walk counts as a cycle.
pub(super) const MAX_WALK: usize = 512;

/// A flight's number, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlightId(u64);

/// The first and the last number.
const ALL: (FlightId, FlightId) = (FlightId(0), FlightId(u64::MAX));

/// Which flight waits for which.
#[derive(Debug, Default)]
pub(crate) struct WaitGraph {
    next: AtomicU64,
    /// The waits of each waiter for each target: numbers are ours, so that nothing need be hashed.
    pub(super) waits: Mutex<BTreeMap<(FlightId, FlightId), u32>>,
}

impl WaitGraph {
    pub(super) fn new_flight(&self) -> FlightId {
        FlightId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Lets `waiter` wait for `target`, unless that would close a cycle.
    pub(super) fn wait(self: &Arc<Self>, waiter: FlightId, target: FlightId) -> Option<Edge> {
        let mut waits = self.waits.lock();
        let (mut seen, mut at) = (vec![target], 0);
        while let Some(flight) = seen.get(at).copied() {
            if flight == waiter || seen.len() > MAX_WALK {
                return None;
            }
            for (_, next) in waits.range((flight, ALL.0)..=(flight, ALL.1)).map(|(wait, _)| wait) {
                if !seen.contains(next) {
                    seen.push(*next);
                }
            }
            at += 1;
        }
        *waits.entry((waiter, target)).or_default() += 1;
        Some(Edge { graph: self.clone(), waiter, target })
    }

    /// Lets `waiter` wait for a flight that begins: nothing can lead back from there.
    pub(super) fn wait_for_new(self: &Arc<Self>, waiter: FlightId, target: FlightId) -> Edge {
        *self.waits.lock().entry((waiter, target)).or_default() += 1;
        Edge { graph: self.clone(), waiter, target }
    }
}

/// A wait under way; dropping it ends the wait.
#[derive(Debug)]
pub(super) struct Edge {
    graph: Arc<WaitGraph>,
    waiter: FlightId,
    target: FlightId,
}

impl Drop for Edge {
    fn drop(&mut self) {
        if let Entry::Occupied(mut wait) = self.graph.waits.lock().entry((self.waiter, self.target))
        {
            *wait.get_mut() -= 1;
            if *wait.get() == 0 {
                wait.remove();
            }
        }
    }
}
