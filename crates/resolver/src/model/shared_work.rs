//! Flights of questions, exchanges and keys: a result, or the failure of the question.

use std::sync::Arc;

use crate::model::answer::Unresolved;
use crate::model::flights::{Flights, Lead};
use crate::model::step::Step;

/// The flights of one kind of work.
pub(crate) type SharedWork<K, T> = Arc<Flights<K, Result<T, Unresolved>>>;
/// The duty of the leader: to land a result.
pub(crate) type WorkLead<K, T> = Lead<K, Result<T, Unresolved>>;

impl<K, T: Clone> WorkLead<K, T> {
    /// Hands the followers a result about the question; else the next follower leads.
    pub(crate) fn tell(self, result: &Result<T, Unresolved>, step: &Step) {
        if result.as_ref().err().is_none_or(|error| step.client.blames_the_name(error)) {
            self.land(|| result.clone());
        }
    }
}
