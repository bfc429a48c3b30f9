//! Single flight: identical look-ups wait for the first, whether client questions, exchanges with
//! zones, keys, or probes of silent zones.
//!
//! A result about the question is shared with the followers. After a failure of the leader alone
//! (budget, time, slot, client) the next follower leads, within its own limits; the rest wait on.

use std::future::Future;
use std::hash::Hash;

use tokio::time::timeout_at;
use zoners_dns::{Counter, Name, Network, Question};

use crate::env::environment::Env;
use crate::model::answer::{Cause, Unresolved};
use crate::model::flights::{Boarding, Follow, Landed};
use crate::model::shared_work::{Leader, SharedWork};
use crate::model::step::Step;

/// The end of a flight for one caller.
pub(crate) enum FlightEnd<R, T> {
    /// The result of the caller's work, as a leader or alone.
    Own(R),
    /// The result, or the failure, of a different leader.
    Joined(Result<T, Unresolved>),
}

impl<T> FlightEnd<Result<T, Unresolved>, T> {
    /// The result, whose work it ever was.
    pub(crate) fn result(self) -> Result<T, Unresolved> {
        match self {
            FlightEnd::Own(result) | FlightEnd::Joined(result) => result,
        }
    }
}

/// The end of a wait for a leader.
enum FollowEnd<K, T> {
    Result(Result<T, Unresolved>),
    /// The leader has failed, and this caller leads.
    Lead(Leader<K, T>),
}

impl<N: Network> Env<N> {
    /// Leads the flight for `key` with `work`, which lands a result, or joins the flight under way. `zone` is asked
    /// `question` for it.
    ///
    /// A leader that depends on the caller is not waited for. If the caller's own work is inside that flight, the
    /// question depends on itself and fails; else the caller works `on_cycle`, alone.
    pub(crate) async fn lead_or_join<K, T, R, W, A>(
        &self,
        flights: &SharedWork<K, T>,
        key: &K,
        (zone, question): (&Name, &Question),
        step: &Step,
        work: impl FnOnce(Leader<K, T>) -> W,
        on_cycle: impl FnOnce() -> A,
    ) -> FlightEnd<R, T>
    where
        K: Eq + Hash + Clone,
        T: Clone,
        W: Future<Output = R>,
        A: Future<Output = R>,
    {
        let leader = match flights.board(key, step.flight()) {
            Boarding::Lead(lead) => Leader::first(lead, step),
            // Boxed, since most lead.
            Boarding::Follow(follow) => {
                match Box::pin(self.follow(follow, zone, question, step)).await {
                    FollowEnd::Lead(leader) => leader,
                    FollowEnd::Result(result) => return FlightEnd::Joined(result),
                }
            }
            Boarding::Cycle(flight) if step.descends_from(flight) => {
                self.count(Counter::FlightCycles);
                let text = format!("{question} depends on itself");
                return FlightEnd::Joined(Err(Unresolved::new(Cause::Cycle, text)));
            }
            // Boxed, since it is rare and large.
            Boarding::Cycle(_) => return FlightEnd::Own(Box::pin(on_cycle()).await),
        };
        FlightEnd::Own(work(leader).await)
    }

    /// Waits until there is a result, or the caller becomes the leader.
    async fn follow<K, T: Clone>(
        &self,
        mut follow: Follow<K, Result<T, Unresolved>>,
        zone: &Name,
        question: &Question,
        step: &Step,
    ) -> FollowEnd<K, T> {
        self.count(Counter::FlightJoined);
        // No follower waits beyond its own deadline, however many leaders follow each other.
        let landed = step.wait(zone, question, follow.landing());
        match timeout_at(step.client.budget.deadline, landed).await {
            Ok(Landed::Value(result)) => FollowEnd::Result(result),
            Ok(Landed::Lead(lead)) => {
                self.count(Counter::FlightTakenOver);
                FollowEnd::Lead(Leader::successor(lead, step))
            }
            Ok(Landed::Lost) => {
                self.count(Counter::LimitFlightLeaders);
                let text = format!("too many queries for {question} were given up");
                FollowEnd::Result(Err(Unresolved::new(Cause::Cancelled, text)))
            }
            Err(_) => FollowEnd::Result(Err(Unresolved::deadline(question))),
        }
    }
}

#[cfg(test)]
mod tests;
