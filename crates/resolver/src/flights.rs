//! Questions in flight: who asks the same waits for the same answer.
//!
//! One table for all workers. Whoever comes first leads and lands the result; the others follow.
//! The waiting goes through channels that no runtime owns, so leader and followers may live on
//! different ones. A [`WaitGraph`] knows which flight waits for which, so that no two ever wait
//! for each other.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Flights visited when looking for a cycle; beyond that it is taken for one.
const MAX_WALK: usize = 512;

/// A flight's number, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlightId(u64);

/// Which flight waits for which.
#[derive(Debug, Default)]
pub struct WaitGraph {
    next: AtomicU64,
    waits_for: Mutex<HashMap<FlightId, Vec<FlightId>>>,
}

impl WaitGraph {
    fn new_flight(&self) -> FlightId {
        FlightId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Lets `waiter` wait for `target`, unless that would close a circle.
    fn wait(self: &Arc<Self>, waiter: FlightId, target: FlightId) -> Option<Edge> {
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

/// A wait under way; dropping it ends it.
#[derive(Debug)]
struct Edge {
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

/// Where a flight ends. Followers are woken in the order in which they came, so that the same
/// seed gives the same trace.
#[derive(Debug)]
struct Landing<V> {
    state: Mutex<State<V>>,
    changed: Notify,
}

#[derive(Clone, Debug)]
enum State<V> {
    Flying,
    Landed(V),
    /// The leader went away.
    Lost,
}

impl<V> Landing<V> {
    fn end(&self, state: State<V>) {
        *self.state.lock() = state;
        self.changed.notify_waiters();
    }
}

/// One that is under way.
#[derive(Debug)]
struct Flight<K, V> {
    key: K,
    id: FlightId,
    landing: Arc<Landing<V>>,
}

/// What is under way, by what is asked.
#[derive(Debug)]
pub struct Flights<K, V> {
    table: Mutex<HashTable<Flight<K, V>>>,
    hasher: RandomState,
    graph: Arc<WaitGraph>,
}

/// What one who asks becomes.
#[derive(Debug)]
pub enum Boarding<K, V> {
    /// The first: must work it out and land it.
    Lead(Lead<K, V>),
    /// One who waits for the first.
    Follow(Follow<V>),
    /// One who may not wait, because the named flight waits for the asker.
    Cycle(FlightId),
}

impl<K: Eq + Hash + Clone, V: Clone> Flights<K, V> {
    /// An empty table; those that share `graph` may wait for each other's flights.
    #[must_use]
    pub fn new(graph: Arc<WaitGraph>) -> Arc<Self> {
        Arc::new(Flights { table: Mutex::default(), hasher: RandomState::new(), graph })
    }

    /// Leads or follows the flight for `key`. `waiter` is the flight that waits when the caller
    /// waits; a client has none.
    pub fn board(self: &Arc<Self>, key: &K, waiter: Option<FlightId>) -> Boarding<K, V> {
        let hash = self.hasher.hash_one(key);
        let rehash = |flight: &Flight<K, V>| self.hasher.hash_one(&flight.key);
        let mut table = self.table.lock();
        match table.entry(hash, |flight| flight.key == *key, rehash) {
            Entry::Occupied(flight) => {
                let Flight { id, landing, .. } = flight.get();
                let edge = match waiter {
                    Some(waiter) => match self.graph.wait(waiter, *id) {
                        None => return Boarding::Cycle(*id),
                        edge => edge,
                    },
                    None => None,
                };
                Boarding::Follow(Follow { landing: landing.clone(), _edge: edge })
            }
            Entry::Vacant(place) => {
                let id = self.graph.new_flight();
                let landing =
                    Arc::new(Landing { state: Mutex::new(State::Flying), changed: Notify::new() });
                place.insert(Flight { key: key.clone(), id, landing: landing.clone() });
                Boarding::Lead(Lead { flights: self.clone(), hash, id, landing, landed: false })
            }
        }
    }

    /// How many are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.lock().len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The duty to land a flight. Dropping it without landing tells the followers to see for
/// themselves.
#[derive(Debug)]
pub struct Lead<K, V> {
    flights: Arc<Flights<K, V>>,
    /// Of the key.
    hash: u64,
    id: FlightId,
    landing: Arc<Landing<V>>,
    landed: bool,
}

impl<K, V> Lead<K, V> {
    /// The flight's number.
    #[must_use]
    pub fn id(&self) -> FlightId {
        self.id
    }

    /// Waits for this flight while another task leads it.
    #[must_use]
    pub fn follow(&self, waiter: Option<FlightId>) -> Follow<V> {
        // The flight is new: nothing can lead from it back to the waiter.
        let edge = waiter.and_then(|waiter| self.flights.graph.wait(waiter, self.id));
        Follow { landing: self.landing.clone(), _edge: edge }
    }

    /// Hands the result to all who wait, and ends the flight.
    pub fn land(mut self, value: V) {
        self.landed = true;
        self.leave();
        self.landing.end(State::Landed(value));
    }

    /// Nobody boards any more.
    fn leave(&self) {
        let mut table = self.flights.table.lock();
        if let Ok(flight) = table.find_entry(self.hash, |flight| flight.id == self.id) {
            flight.remove();
        }
    }
}

impl<K, V> Drop for Lead<K, V> {
    fn drop(&mut self) {
        if !self.landed {
            self.leave();
            self.landing.end(State::Lost);
        }
    }
}

/// A wait for a flight that another leads.
#[derive(Debug)]
pub struct Follow<V> {
    landing: Arc<Landing<V>>,
    _edge: Option<Edge>,
}

impl<V: Clone> Follow<V> {
    /// The result, or `None` if the leader went away without one.
    pub async fn landing(self) -> Option<V> {
        let changed = self.landing.changed.notified();
        tokio::pin!(changed);
        // Listen before looking: what ends in between is heard.
        changed.as_mut().enable();
        loop {
            match self.landing.state.lock().clone() {
                State::Landed(value) => return Some(value),
                State::Lost => return None,
                State::Flying => {}
            }
            changed.as_mut().await;
            changed.set(self.landing.changed.notified());
            changed.as_mut().enable();
        }
    }
}

#[cfg(test)]
mod tests;
