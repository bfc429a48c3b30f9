//! Waiting for a socket, where the process may have few.
//!
//! A query that waits is not sent, so nothing that happens meanwhile is held against its server. What need not
//! be done gives way: losers of races that live on to teach something end, and none joins them.

use std::time::Duration;

use tokio::time::timeout_at;
use zoners_dns::{Counter, Network};

use super::Query;
use crate::env::environment::Env;

/// A client is told why there is no answer before its time is over.
const TELLING: Duration = Duration::from_millis(100);

/// Waits for room for a query, for as long as its client waits; none, if there was none.
pub(super) async fn wait_for_room<N: Network>(env: &Env<N>, query: &Query<'_>) -> Option<N::Room> {
    env.count(Counter::UpstreamSocketWaits);
    env.nursery().give_way();
    let budget = &query.context.budget;
    let client = env.settings().limits.client.saturating_sub(TELLING);
    let until = budget.deadline.min(budget.arrived + client);
    let room = timeout_at(until, env.network().wait_for_room(query.endpoint)).await.ok();
    if room.is_none() {
        env.count(Counter::BudgetSockets);
    }
    room
}
