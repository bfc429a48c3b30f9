//! Beginning an attempt at one server.

use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;
use zoners_dns::Network;

use super::outstanding::Turn;
use super::{Asking, Query, Report};
use crate::candidates::Attempt;
use crate::context::Context;
use crate::worker::Worker;

/// An attempt under way.
pub(crate) struct Attempting {
    /// The attempt waits for the query of an earlier attempt.
    pub(crate) joined: bool,
    /// The future owns its data, so that an exchange can outlive its question.
    pub(crate) report: Pin<Box<dyn Future<Output = Report> + Send>>,
}

/// Begins an attempt.
pub(crate) fn attempt<N: Network>(
    worker: Arc<Worker<N>>,
    asking: Asking,
    attempt: Attempt,
    context: Context,
) -> Attempting {
    let started = Instant::now();
    // Blocks, since the arguments of an async function are stored twice.
    match worker.outstanding(&asking, attempt.endpoint) {
        Turn::Send(mut lead) => {
            let report = Box::pin(async move {
                let query = Query::of(&asking, &attempt, &context);
                let mut result = worker.carry_out(&query, &mut lead).await;
                if result.as_ref().is_ok_and(|reply| query.is_unfinished(reply)) {
                    // Boxed, as all that is rare: most attempts are one query, and many wait at a time.
                    result = Box::pin(worker.go_on(&query, result)).await;
                }
                Report { attempt, took: started.elapsed(), result }
            });
            Attempting { joined: false, report }
        }
        Turn::Wait(follow) => {
            let report = Box::pin(async move {
                let query = Query::of(&asking, &attempt, &context);
                let mut result = worker.wait_with(&query, follow).await;
                if result.as_ref().is_ok_and(|reply| query.is_unfinished(reply)) {
                    result = Box::pin(worker.go_on(&query, result)).await;
                }
                Report { attempt, took: started.elapsed(), result }
            });
            Attempting { joined: true, report }
        }
    }
}
