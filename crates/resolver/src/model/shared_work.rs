//! Work shared by identical look-ups in a flight, and the leader of the work.

use std::hash::Hash;
use std::sync::Arc;

use crate::model::answer::Unresolved;
use crate::model::flights::{Boarding, Flights, Lead};
use crate::model::step::Step;

/// The flights of one kind of work, with a result or the failure of the question.
pub(crate) type SharedWork<K, T> = Arc<Flights<K, Result<T, Unresolved>>>;

/// The leader of a flight, which does the work and lands the result. A leader that goes away before leaves the work
/// to the next follower.
#[derive(Debug)]
pub(crate) struct Leader<K, T> {
    lead: Lead<K, Result<T, Unresolved>>,
    // No field is public: an async block that names a field alone would take the field and drop the lead.
    step: Step,
    is_successor: bool,
}

impl<K, T: Clone> Leader<K, T> {
    /// The leader of a new flight.
    pub(crate) fn first(lead: Lead<K, Result<T, Unresolved>>, step: &Step) -> Self {
        Leader { step: step.leading(lead.id()), lead, is_successor: false }
    }

    /// The leader after one that has failed.
    pub(crate) fn successor(lead: Lead<K, Result<T, Unresolved>>, step: &Step) -> Self {
        Leader { is_successor: true, ..Leader::first(lead, step) }
    }

    /// Leads a flight for `key` as work of our own; `None` if there is one under way, which does the work.
    pub(crate) fn unless_under_way(flights: &SharedWork<K, T>, key: &K, step: &Step) -> Option<Self>
    where
        K: Eq + Hash + Clone,
    {
        match flights.board(key, None) {
            Boarding::Lead(lead) => Some(Leader::first(lead, step)),
            Boarding::Follow(_) | Boarding::Cycle(_) => None,
        }
    }

    /// The step of the work, inside the flight.
    pub(crate) fn step(&self) -> &Step {
        &self.step
    }

    /// Whether an earlier leader has failed: the cache may have data by now.
    pub(crate) fn is_successor(&self) -> bool {
        self.is_successor
    }

    /// Whether the result is of use to later questions: other resolvers may answer by now.
    pub(crate) fn is_joinable(&self) -> bool {
        self.lead.is_joinable()
    }

    /// Hands the followers a result about the question; after a failure of this client query alone, the next
    /// follower leads.
    pub(crate) fn land(self, result: &Result<T, Unresolved>) {
        let client = &self.step.client;
        if result.as_ref().err().is_none_or(|error| client.blames_the_name(error)) {
            self.lead.land(|| result.clone());
        }
    }
}
