//! The client query behind each step of a recursion.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::Instant;

use crate::model::answer::Unresolved;
use crate::model::budget::Budget;
use crate::model::settings::Limits;
use crate::model::trace::Trace;

/// The part of the context that lasts as long as the work for a client query. The steps share the context
/// by `Arc`, so no step can start with a fresh budget. A question of our own (a prefetch, a probe) has a
/// client context too.
#[derive(Debug)]
pub(crate) struct ClientContext {
    /// The client's address or prefix; `None` for questions of our own.
    pub asker: Option<IpAddr>,
    /// When the query came.
    pub arrived: Instant,
    /// Charged by every step.
    pub budget: Budget,
    /// The steps towards the answer, on request.
    pub trace: Option<Arc<Trace>>,
}

impl ClientContext {
    /// The context of a query that has just come, with the whole budget.
    #[must_use]
    pub(crate) fn new(limits: Limits, asker: Option<IpAddr>, trace: Option<Arc<Trace>>) -> Self {
        let arrived = Instant::now();
        ClientContext { asker, arrived, budget: Budget::new(limits, arrived), trace }
    }

    /// Whether a failure concerns the question, and not only the budget of this client query: only such
    /// a failure is cached and handed to followers.
    pub(crate) fn blames_the_name(&self, unresolved: &Unresolved) -> bool {
        unresolved.cause.is_about_the_name() && self.budget.met().is_none()
    }
}
