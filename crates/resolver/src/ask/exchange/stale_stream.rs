//! A stream may be dead without notice: a NAT has forgotten it, or the machine's address has
//! changed.
//!
//! Only a missing reply shows this. So if a reply is late on a stream that was in use before, and
//! the stream has been silent since, the query is repeated over a new stream.

use std::time::Duration;

use zoners_cache::ServerInfo;
use zoners_dns::{Counter, Exchange, Network};

use super::receive::Received;
use super::wait::PendingQuery;
use super::{ServerQuery, count_query};
use crate::env::environment::Env;
use crate::selection::observation::{Observation, observe};

/// The least time after which a reply over a stream is late: a new stream costs more packets than a
/// query.
const LEAST_LATE: Duration = Duration::from_millis(50);
/// Without an RTT estimate, a server gets this many times the usual late time, since the stream may
/// have to be opened first.
const ROUND_TRIPS: u32 = 2;

/// After how long a reply over a stream is late, of a server of which this is known.
pub(super) fn late_after<N: Network>(env: &Env<N>, known: &ServerInfo) -> Duration {
    let unknown = || env.shared().rtt_prior.late() * ROUND_TRIPS;
    known.rto().unwrap_or_else(unknown).max(LEAST_LATE)
}

/// A reply is late on a stream: repeats the query over a new stream, if that may help and the
/// budget allows.
pub(super) fn renew_stream<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    wait: &mut PendingQuery<N>,
) -> Received {
    wait.late_at = None;
    if !wait.exchange.doubt() {
        return Received::Nothing;
    }
    if let Err(exhausted) = query.step.client.budget.charge_aside(true) {
        env.count(exhausted.0);
        return Received::Nothing;
    }
    count_query(env, wait.endpoint.transport);
    env.count(Counter::UpstreamTcpReconnected);
    observe(env, wait.endpoint, Observation::QuerySent);
    wait.send_again(query, env.settings().udp_payload_size);
    Received::Nothing
}
