//! Waiting for a socket, where the process may have few.
//!
//! A waiting query is not sent, so events meanwhile do not count against its server. Optional work
//! gives way: stragglers end, and none is added.

use std::time::Duration;

use tokio::time::timeout_at;
use zoners_dns::{Counter, Network};

use super::ServerQuery;
use crate::env::environment::Env;

/// A client gets the reason of a failure before its time ends.
const TELLING: Duration = Duration::from_millis(100);

/// Waits for a socket, at most as long as the client waits; `None` if there was none.
pub(super) async fn wait_for_room<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
) -> Option<N::Room> {
    env.count(Counter::UpstreamSocketWaits);
    env.stragglers().give_way();
    let client = &query.step.client;
    let patience = env.settings().limits.client.saturating_sub(TELLING);
    let until = client.budget.deadline.min(client.arrived + patience);
    let room = timeout_at(until, env.network().wait_for_room(query.endpoint)).await.ok();
    if room.is_none() {
        env.count(Counter::BudgetSockets);
    }
    room
}
