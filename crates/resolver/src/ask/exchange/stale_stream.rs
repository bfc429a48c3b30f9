//! A stream that may have died without a word: a router has forgotten it, or this machine has another address.
//!
//! Nothing tells of that but a reply that does not come. So when one is late on a stream that others were
//! using before, and that has been silent since, the query goes over another stream too.

use std::time::Duration;

use zoners_cache::{Evidence, ServerInfo};
use zoners_dns::{Counter, Exchange, Network};

use super::Query;
use super::receive::Read;
use super::wait::Wait;
use crate::env::environment::Env;

/// No reply over a stream is late before this: another stream costs more packets than a query.
const LEAST_LATE: Duration = Duration::from_millis(50);
/// A server of which nothing more is known is given so many times what is late as a rule: it may be that the
/// stream is yet to be opened.
const ROUND_TRIPS: u32 = 2;

/// After how long a reply over a stream is late, of a server of which this is known.
pub(super) fn late_after<N: Network>(env: &Env<N>, known: &ServerInfo) -> Duration {
    let unknown = || env.shared().habits.late() * ROUND_TRIPS;
    known.rto().unwrap_or_else(unknown).max(LEAST_LATE)
}

/// The reply is late on a stream: sends the query over another, if that may help and can be paid for.
pub(super) fn renew_stream<N: Network>(
    env: &Env<N>,
    query: &Query<'_>,
    wait: &mut Wait<N>,
) -> Read {
    wait.late_at = None;
    if !wait.exchange.doubt() {
        return Read::Nothing;
    }
    if let Err(exhausted) = query.context.budget.charge_aside(true) {
        env.count(exhausted.0);
        return Read::Nothing;
    }
    for counter in [Counter::UpstreamQueries, Counter::UpstreamTcp, Counter::UpstreamTcpReconnected]
    {
        env.count(counter);
    }
    let forgiven = env.shared().lines.to(wait.endpoint.address.ip()).forgiven();
    env.shared().teach(wait.endpoint, Evidence::Asked { forgiven });
    wait.send_again(query.asking, query.edns, env.settings().udp_payload_size);
    Read::Nothing
}
