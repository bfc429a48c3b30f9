//! Waiting for the result of a flight.

use zoners_dns::Moment;

use super::wait_graph::Edge;
use super::{FlightPlace, FlightState, FlightWatch, Landing, Lead};

/// A follower's wait for a flight.
#[derive(Debug)]
pub(crate) struct Follow<K, V> {
    /// None once the wait is over.
    pub(super) place: Option<FlightPlace<K, V>>,
    pub(super) edge: Option<Edge>,
}

/// How a wait for a flight ends.
#[derive(Debug)]
pub(crate) enum Landed<K, V> {
    /// With the result.
    Value(V),
    /// The leader went away, and this follower is the next.
    Lead(Lead<K, V>),
    /// Too many have led in vain.
    Lost,
}

impl<K, V: Clone> Follow<K, V> {
    /// The result of the flight; called once.
    pub(crate) async fn landing(&mut self) -> Landed<K, V> {
        let Some(landing) = self.place.as_ref().map(|place| place.landing.clone()) else {
            return Landed::Lost;
        };
        let changed = landing.changed.notified();
        tokio::pin!(changed);
        // Listen before looking: an end in between is not missed.
        changed.as_mut().enable();
        loop {
            if let Some(landed) = self.look(&landing) {
                return landed;
            }
            changed.as_mut().await;
            changed.set(landing.changed.notified());
            changed.as_mut().enable();
        }
    }

    /// The result of the flight, if there is a result for a follower.
    fn look(&mut self, landing: &Landing<V>) -> Option<Landed<K, V>> {
        let mut inner = landing.inner.lock();
        let landed = match inner.state.clone() {
            FlightState::Led => return None,
            FlightState::Landed(value) => Landed::Value(value),
            FlightState::Lost => Landed::Lost,
            FlightState::Vacant => {
                let (place, edge) = (self.place.take()?, self.edge.take());
                inner.state = FlightState::Led;
                inner.leaders += 1;
                inner.followers -= 1;
                return Some(Landed::Lead(Lead { place, landed: false, _edge: edge }));
            }
        };
        inner.followers -= 1;
        self.place = None;
        Some(landed)
    }

    /// Asks the leader for a repetition; false if there is no query yet, or too many repetitions.
    pub(crate) fn ring(&self, edns: bool) -> bool {
        self.place.as_ref().is_some_and(|place| place.landing.bell.ring(edns))
    }

    /// The start of the leader's query, if known.
    pub(crate) fn begun(&self) -> Option<Moment> {
        self.place.as_ref()?.landing.bell.sent()
    }

    /// Watches the flight.
    pub(crate) fn watch(&self) -> Option<FlightWatch<V>> {
        self.place.as_ref().map(|place| FlightWatch(place.landing.clone()))
    }

    /// Ends the flight for later questions, which need not follow a finished flight.
    pub(crate) fn supersede(self) {
        if let Some(place) = &self.place {
            place.close(&mut place.flights.table.lock());
        }
    }
}

impl<K, V> Drop for Follow<K, V> {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let mut table = place.flights.table.lock();
        let mut inner = place.landing.inner.lock();
        inner.followers -= 1;
        if matches!(inner.state, FlightState::Vacant) {
            // This follower may have been elected as the next leader.
            if inner.followers > 0 {
                place.landing.changed.notify_one();
            } else {
                place.close(&mut table);
            }
        }
    }
}
