//! Single flight: of several callers with the same key, one leads and does the work, and the followers wait for the
//! result.
//!
//! All workers share one table. No runtime owns the channels of the wait, so leader and followers may live on
//! different runtimes. A leader stopped by limits of its own client query lands no result: the longest-waiting follower
//! leads the flight on, so that at most one query is sent at a time (many identical queries at once are the birthday
//! attack of RFC 5452 section 5). The [`WaitGraph`] records which flight waits for which flight, and prevents deadlock.

mod bell;
mod follow;
mod wait_graph;

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::model::sync::Mutex;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use tokio::sync::Notify;

use bell::Bell;
use wait_graph::Edge;

pub(crate) use follow::{Follow, Landed};
pub(crate) use wait_graph::{FlightId, WaitGraph};

/// The most leaders of a flight, in turn; with the last leader the followers are lost too.
pub(crate) const MOST_LEADERS: u32 = 1024;

/// The landing of a flight. Followers wake in the order of arrival, so that the same seed gives the
/// same trace.
#[derive(Debug)]
struct Landing<V> {
    inner: Mutex<FlightInner<V>>,
    changed: Notify,
    bell: Bell,
    /// The suspicion of the leader about the messages received so far.
    doubt: AtomicU8,
}

#[derive(Debug)]
struct FlightInner<V> {
    state: FlightState<V>,
    /// Waiting followers.
    followers: u32,
    /// Leaders so far.
    leaders: u32,
}

#[derive(Clone, Debug)]
enum FlightState<V> {
    /// A leader is at work.
    Led,
    /// The leader went away: the next follower to look leads.
    Vacant,
    Landed(V),
    /// The last leader went away.
    Lost,
}

/// A flight under way.
#[derive(Debug)]
struct Flight<K, V> {
    key: K,
    id: FlightId,
    landing: Arc<Landing<V>>,
}

/// The flights under way, by key.
#[derive(Debug)]
pub(crate) struct Flights<K, V> {
    table: Mutex<HashTable<Flight<K, V>>>,
    hasher: RandomState,
    graph: Arc<WaitGraph>,
}

/// The role of a caller in a flight.
#[derive(Debug)]
pub(crate) enum Boarding<K, V> {
    /// The leader: does the work and lands the result.
    Lead(Lead<K, V>),
    /// A follower: waits for the leader.
    Follow(Follow<K, V>),
    /// Neither: a wait would be a deadlock, because the named flight waits for the caller.
    Cycle(FlightId),
}

impl<K: Eq + Hash + Clone, V: Clone> Flights<K, V> {
    /// An empty table; flights of tables with the same `graph` may wait for each other.
    #[must_use]
    pub(crate) fn new(graph: Arc<WaitGraph>) -> Arc<Self> {
        Arc::new(Flights { table: Mutex::default(), hasher: RandomState::new(), graph })
    }

    /// Leads or follows the flight for `key`. `waiter` is the flight led by the caller, which waits when
    /// the caller waits; a client query has none.
    pub(crate) fn board(self: &Arc<Self>, key: &K, waiter: Option<FlightId>) -> Boarding<K, V> {
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
                let place =
                    FlightPlace { flights: self.clone(), hash, id: *id, landing: landing.clone() };
                landing.inner.lock().followers += 1;
                Boarding::Follow(Follow { place: Some(place), edge })
            }
            Entry::Vacant(vacant) => {
                let id = self.graph.new_flight();
                let inner = FlightInner { state: FlightState::Led, followers: 0, leaders: 1 };
                let landing = Arc::new(Landing {
                    inner: Mutex::new(inner),
                    changed: Notify::new(),
                    bell: Bell::default(),
                    doubt: AtomicU8::new(0),
                });
                vacant.insert(Flight { key: key.clone(), id, landing: landing.clone() });
                let place = FlightPlace { flights: self.clone(), hash, id, landing };
                let edge = waiter.map(|waiter| self.graph.wait_for_new(waiter, id));
                Boarding::Lead(Lead { place, landed: false, _edge: edge })
            }
        }
    }

    /// Lets no caller join the flights under way, which go on for those on board.
    pub(crate) fn close_all(&self) {
        self.table.lock().clear();
    }

    /// Flights under way.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.table.lock().len()
    }
}

/// The place of a leader or a follower in a flight.
#[derive(Debug)]
struct FlightPlace<K, V> {
    flights: Arc<Flights<K, V>>,
    /// The hash of the key.
    hash: u64,
    id: FlightId,
    landing: Arc<Landing<V>>,
}

impl<K, V> FlightPlace<K, V> {
    /// No further caller boards.
    fn close(&self, table: &mut HashTable<Flight<K, V>>) {
        if let Ok(flight) = table.find_entry(self.hash, |flight| flight.id == self.id) {
            flight.remove();
        }
    }

    /// Shows the end of the flight to the followers, if any.
    fn end(&self, state: impl FnOnce() -> FlightState<V>) {
        let mut inner = self.landing.inner.lock();
        if inner.followers > 0 {
            inner.state = state();
            self.landing.changed.notify_waiters();
        }
    }

    /// Leaves the flight to the longest-waiting follower; without followers, or after too many
    /// leaders, the flight ends.
    fn resign(&self) {
        let mut table = self.flights.table.lock();
        let mut inner = self.landing.inner.lock();
        if inner.followers > 0 && inner.leaders < MOST_LEADERS {
            inner.state = FlightState::Vacant;
            self.landing.changed.notify_one();
        } else {
            drop(inner);
            self.close(&mut table);
            self.end(|| FlightState::Lost);
        }
    }
}

/// The duty to land a flight. Dropping it without landing leaves the duty to a follower.
#[derive(Debug)]
pub(crate) struct Lead<K, V> {
    place: FlightPlace<K, V>,
    landed: bool,
    /// Followers of the leader's own flight wait for this flight too.
    _edge: Option<Edge>,
}

impl<K, V> Lead<K, V> {
    /// The flight's number.
    #[must_use]
    pub(crate) fn id(&self) -> FlightId {
        self.place.id
    }

    /// Hands the result to the followers, and ends the flight. Without followers, no result is made.
    pub(crate) fn land(mut self, value: impl FnOnce() -> V) {
        self.landed = true;
        let mut table = self.place.flights.table.lock();
        self.place.close(&mut table);
        drop(table);
        self.place.end(|| FlightState::Landed(value()));
    }

    /// Whether callers can still join the flight.
    pub(crate) fn is_joinable(&self) -> bool {
        let FlightPlace { flights, hash, id, .. } = &self.place;
        flights.table.lock().find(*hash, |flight| flight.id == *id).is_some()
    }

    /// The bell with which followers ask for a repetition.
    pub(crate) fn bell(&self) -> &Bell {
        &self.place.landing.bell
    }

    /// Shows the suspicion of the leader to the watchers.
    pub(crate) fn doubt(&self, doubt: u8) {
        self.place.landing.doubt.store(doubt, Ordering::Relaxed);
    }

    /// Watches the flight.
    pub(crate) fn watch(&self) -> FlightWatch<V> {
        FlightWatch(self.place.landing.clone())
    }
}

/// Watches a flight while it is under way.
#[derive(Debug)]
pub(crate) struct FlightWatch<V>(Arc<Landing<V>>);

impl<V> FlightWatch<V> {
    /// The suspicion of the leader. A change by a leader in a different task is seen late, since no watcher is
    /// woken.
    pub(crate) fn doubt(&self) -> u8 {
        self.0.doubt.load(Ordering::Relaxed)
    }

    /// Whether the leader has yet to begin.
    pub(crate) fn is_to_begin(&self) -> bool {
        self.0.bell.sent().is_none()
    }
}

impl<K, V> Drop for Lead<K, V> {
    fn drop(&mut self) {
        if !self.landed {
            self.place.resign();
        }
    }
}

#[cfg(all(test, feature = "loom"))]
mod loom_tests;
#[cfg(test)]
mod tests;
