//! The start of an attempt.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;
use zoners_dns::Network;

use super::doubts::Suspicion;
use super::outstanding::QueryTurn;
use super::{Report, ServerQuery, UpstreamQuery};
use crate::ask::exchange::carry_out;
use crate::ask::exchange::outstanding::{join_outstanding, lead_or_join_query};
use crate::ask::exchange::resume::ask_in_another_way;
use crate::env::environment::Env;
use crate::env::shared::Sharing;
use crate::model::flights::{FlightWatch, Lead};
use crate::model::step::Step;
use crate::selection::candidates::Attempt;

/// An attempt under way.
pub(crate) struct StartedAttempt {
    /// The attempt waits for the query of an earlier attempt.
    pub(crate) joined: bool,
    /// Over TCP there is nothing to watch.
    watch: Option<FlightWatch<Sharing>>,
    /// The future owns all data: an exchange can outlive the question.
    pub(crate) report: Pin<Box<dyn Future<Output = Report> + Send>>,
}

impl StartedAttempt {
    /// Whether bad messages make a reply doubtful, as far as known.
    pub(crate) fn doubt(&self) -> Suspicion {
        self.watch.as_ref().map_or(Suspicion::None, |watch| Suspicion::from(watch.doubt()))
    }

    /// Whether the query is yet to be sent, as far as known.
    pub(crate) fn is_to_be_sent(&self) -> bool {
        self.watch.as_ref().is_some_and(FlightWatch::is_to_begin)
    }
}

/// Begins an attempt.
pub(crate) fn attempt<N: Network>(
    env: Arc<Env<N>>,
    asking: UpstreamQuery,
    attempt: Attempt,
    step: Step,
) -> StartedAttempt {
    let started = Instant::now();
    // Blocks, since the arguments of an async function are stored twice.
    match lead_or_join_query(&env, &asking, attempt.endpoint) {
        QueryTurn::Send(mut lead) => {
            let watch = lead.as_ref().map(Lead::watch);
            let report = Box::pin(async move {
                let query = ServerQuery::of(&asking, &attempt, &step);
                let mut result = carry_out(&env, &query, &mut lead).await;
                // Boxed, since it is rare: most attempts are a single query, and many wait at a
                // time.
                result = match result {
                    Ok(reply) if query.is_unfinished(&reply) => {
                        Box::pin(ask_in_another_way(&env, &query, reply)).await
                    }
                    result => result,
                };
                Report { attempt, took: started.elapsed(), result }
            });
            StartedAttempt { joined: false, watch, report }
        }
        QueryTurn::Wait(follow) => {
            let watch = follow.watch();
            let report = Box::pin(async move {
                let query = ServerQuery::of(&asking, &attempt, &step);
                let mut result = join_outstanding(&env, &query, follow).await;
                result = match result {
                    Ok(reply) if query.is_unfinished(&reply) => {
                        Box::pin(ask_in_another_way(&env, &query, reply)).await
                    }
                    result => result,
                };
                Report { attempt, took: started.elapsed(), result }
            });
            StartedAttempt { joined: true, watch, report }
        }
    }
}
