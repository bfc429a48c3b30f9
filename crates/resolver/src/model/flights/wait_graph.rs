//! The wait graph: which flight waits for which, so that no two flights wait for each other.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::sync::Mutex;

/// Flights visited in the search for a cycle; a longer walk counts as a cycle.
pub(super) const MAX_WALK: usize = 512;

/// A flight's number, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlightId(u64);

/// Which flight waits for which.
#[derive(Debug, Default)]
pub(crate) struct WaitGraph {
    next: AtomicU64,
    pub(super) waits_for: Mutex<HashMap<FlightId, Vec<FlightId>>>,
}

impl WaitGraph {
    pub(super) fn new_flight(&self) -> FlightId {
        FlightId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Lets `waiter` wait for `target`, unless that would close a cycle.
    pub(super) fn wait(self: &Arc<Self>, waiter: FlightId, target: FlightId) -> Option<Edge> {
        let mut waits_for = self.waits_for.lock();
        let (mut seen, mut at) = (vec![target], 0);
        while let Some(flight) = seen.get(at).copied() {
            if flight == waiter || seen.len() > MAX_WALK {
                return None;
            }
            for next in waits_for.get(&flight).into_iter().flatten() {
                if !seen.contains(next) {
                    seen.push(*next);
                }
            }
            at += 1;
        }
        waits_for.entry(waiter).or_default().push(target);
        Some(Edge { graph: self.clone(), waiter, target })
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
        let mut waits_for = self.graph.waits_for.lock();
        if let Some(targets) = waits_for.get_mut(&self.waiter) {
            if let Some(at) = targets.iter().position(|target| *target == self.target) {
                targets.swap_remove(at);
            }
            if targets.is_empty() {
                waits_for.remove(&self.waiter);
            }
        }
    }
}
