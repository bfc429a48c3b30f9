//! Single flight: identical look-ups wait for the first, whether client questions, exchanges with
//! zones, or keys.
//!
//! A result about the question is shared with the followers. After a failure of the leader alone
//! (budget, time, slot, client) the next follower leads, within its own limits; the rest wait on.

use std::hash::Hash;

use tokio::time::timeout_at;
use zoners_dns::{Counter, Name, Network, Question};

use crate::env::environment::Env;
use crate::model::answer::{Cause, Unresolved};
use crate::model::flights::{Boarding, Follow, Landed};
use crate::model::shared_work::{SharedWork, WorkLead};
use crate::model::step::Step;

/// The role of a look-up.
pub(crate) enum Turn<K, T> {
    /// To find out, and tell.
    First(WorkLead<K, T>),
    /// Leads after an earlier leader has failed: the cache may have data by now.
    Next(WorkLead<K, T>),
    /// The result of a different leader, or its failure.
    Told(Result<T, Unresolved>),
    /// Works alone: the look-up of the leader waits for ours.
    Alone,
}

impl<N: Network> Env<N> {
    /// Waits for the leader of `key`, until there is a result or this look-up becomes the leader.
    /// `zone` is asked `question` for it.
    pub(crate) async fn take_turn<K: Eq + Hash + Clone, T: Clone>(
        &self,
        flights: &SharedWork<K, T>,
        key: &K,
        (zone, question): (&Name, &Question),
        step: &Step,
    ) -> Turn<K, T> {
        match flights.board(key, step.flight()) {
            Boarding::Lead(lead) => Turn::First(lead),
            // Boxed, since most lead.
            Boarding::Follow(follow) => Box::pin(self.follow(follow, zone, question, step)).await,
            Boarding::Cycle(flight) if step.descends_from(flight) => {
                self.count(Counter::FlightCycles);
                let text = format!("{question} depends on itself");
                Turn::Told(Err(Unresolved::new(Cause::Cycle, text)))
            }
            Boarding::Cycle(_) => Turn::Alone,
        }
    }

    async fn follow<K, T: Clone>(
        &self,
        mut follow: Follow<K, Result<T, Unresolved>>,
        zone: &Name,
        question: &Question,
        step: &Step,
    ) -> Turn<K, T> {
        self.count(Counter::FlightJoined);
        // No follower waits longer than its own time, however many leaders follow each other.
        let landed = step.wait(zone, question, follow.landing());
        match timeout_at(step.client.budget.deadline, landed).await {
            Ok(Landed::Value(result)) => Turn::Told(result),
            Ok(Landed::Lead(lead)) => {
                self.count(Counter::FlightTakenOver);
                Turn::Next(lead)
            }
            Ok(Landed::Lost) => {
                self.count(Counter::LimitFlightLeaders);
                let text = format!("too many askers of {question} gave up");
                Turn::Told(Err(Unresolved::new(Cause::Cancelled, text)))
            }
            Err(_) => Turn::Told(Err(Unresolved::deadline(question))),
        }
    }
}
