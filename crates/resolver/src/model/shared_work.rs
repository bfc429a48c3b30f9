//! Work whose result all wait for who need it: the flights of questions, exchanges and keys.

use std::sync::Arc;

use crate::model::answer::Unresolved;
use crate::model::context::Context;
use crate::model::flights::{Flights, Lead};

/// The questions under way, each with a leader and followers.
pub(crate) type SharedWork<K, T> = Arc<Flights<K, Result<T, Unresolved>>>;
/// The duty to find out.
pub(crate) type WorkLead<K, T> = Lead<K, Result<T, Unresolved>>;

impl<K, T: Clone> WorkLead<K, T> {
    /// Tells the followers a result about the question; else the next follower leads.
    pub(crate) fn tell(self, result: &Result<T, Unresolved>, context: &Context) {
        if result.as_ref().err().is_none_or(|error| context.blames_the_name(error)) {
            self.land(|| result.clone());
        }
    }
}
