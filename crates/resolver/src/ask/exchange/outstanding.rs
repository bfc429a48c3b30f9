//! Outstanding queries: an identical query is never outstanding twice at a server.
//!
//! An attempt that finds an outstanding query, even of a different question or a finished race, has
//! it repeated from the same port with the same ID: an attacker gains no further chance to forge a
//! reply (RFC 5452 section 5), and a lost datagram is replaced nevertheless.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::{Counter, Endpoint, Message, Network, OptRcode, Transport};

use super::{QueryResult, ServerQuery, UpstreamQuery};
use crate::ask::exchange::carry_out;
use crate::env::environment::Env;
use crate::env::shared::Sharing;
use crate::infra::resend_limit::QueryKey;
use crate::infra::unproven_addresses::UnprovenPermit;
use crate::model::budget::Exhausted;
use crate::model::flights::{Boarding, Follow, Landed, Lead};
use crate::model::verdict::Fault;
use crate::selection::observation::{Observation, observe};

/// The leader's duty to send a query and to publish its result.
pub(super) type QueryLead = Lead<QueryKey, Sharing>;

/// A follower's wait for a query of a different leader.
pub(super) type QueryFollow = Follow<QueryKey, Sharing>;

/// A repeated query is waited for this many times longer than a single one.
pub(super) const LIVES: u32 = 2;
/// The configuration allows no longer wait.
const LONGEST: Duration = Duration::from_secs(LIVES as u64 * 60);

/// The role of an attempt.
pub(super) enum QueryTurn {
    /// Send the query; as a leader, if followers are possible.
    Send(Option<QueryLead>),
    /// The same is outstanding.
    Wait(QueryFollow),
}

/// Leads or joins an outstanding query. Replies over TCP cannot be forged, so queries over TCP are
/// always sent.
pub(super) fn lead_or_join_query<N: Network>(
    env: &Env<N>,
    asking: &UpstreamQuery,
    endpoint: Endpoint,
) -> QueryTurn {
    if endpoint.transport.is_stream() {
        return QueryTurn::Send(None);
    }
    let (key, outstanding) = (QueryKey::of(asking, endpoint), &env.shared().outstanding);
    // A sender waits for no flight, so there is no cycle.
    match outstanding.board(&key, None) {
        Boarding::Lead(lead) => QueryTurn::Send(Some(lead)),
        Boarding::Follow(follow) if is_outdated(env, &follow) => {
            follow.supersede();
            match outstanding.board(&key, None) {
                Boarding::Lead(lead) => QueryTurn::Send(Some(lead)),
                Boarding::Follow(follow) => QueryTurn::Wait(follow),
                Boarding::Cycle(_) => QueryTurn::Send(None),
            }
        }
        Boarding::Follow(follow) => QueryTurn::Wait(follow),
        Boarding::Cycle(_) => QueryTurn::Send(None),
    }
}

/// Whether the query was sent before the machine slept, longer ago than any wait, or from a network
/// that the machine has left: its socket gets no reply, even to repetitions.
fn is_outdated<N: Network>(env: &Env<N>, follow: &QueryFollow) -> bool {
    let (now, moved) = (env.shared().now(), env.shared().moved());
    follow.begun().is_some_and(|begun| now.since(begun) > LONGEST || begun < moved)
}

/// Has an outstanding query repeated and waits for the reply; sends a new query if the leader goes
/// away.
pub(super) async fn join_outstanding<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    mut follow: QueryFollow,
) -> QueryResult {
    let ServerQuery { asking, endpoint, edns, step, .. } = *query;
    if let Err(exhausted) = step.charge_query(false, asking.retry) {
        env.count(exhausted.0);
        return Err(Fault::Exhausted(exhausted));
    }
    if follow.ring(edns) {
        env.count(Counter::UpstreamQueries);
        env.count(Counter::UpstreamRetransmitted);
        observe(env, endpoint, Observation::QuerySent);
    } else if follow.begun().is_some() {
        env.count(Counter::LimitRetransmissions);
    }
    match follow.landing().await {
        Landed::Value(shared) => shared.map(|message| Box::new(Message::clone(&message))),
        // The permit was for the repeated packet.
        Landed::Lead(_) if !may_send(env, query) => Err(Fault::Timeout),
        Landed::Lead(lead) => Box::pin(carry_out(env, query, &mut Some(lead))).await,
        Landed::Lost => {
            env.count(Counter::LimitFlightLeaders);
            Err(Fault::Exhausted(Exhausted(Counter::LimitFlightLeaders)))
        }
    }
}

/// Waits until a query that was often repeated in vain may be sent; returns whether that took time.
pub(super) async fn wait_for_resend<N: Network>(
    env: &Env<N>,
    asking: &UpstreamQuery,
    endpoint: Endpoint,
) -> bool {
    let repeats = &env.shared().resend_limit;
    let free_at = repeats.free_at(|| QueryKey::of(asking, endpoint), Instant::now());
    if let Some(free_at) = free_at {
        env.count(Counter::LimitRepeatedQueries);
        Box::pin(tokio::time::sleep_until(free_at)).await;
    }
    free_at.is_some()
}

/// Whether a packet without a permit of its race may be sent: to a server that has replied
/// meanwhile, or not too often. Otherwise the race tries again.
pub(super) fn may_send<N: Network>(env: &Env<N>, query: &ServerQuery<'_>) -> bool {
    let has_answered = |endpoint| {
        let shared = env.shared();
        shared.cache.server(endpoint, shared.now()).replied_at > 0
    };
    !query.is_unproven
        || query.endpoint.transport.is_encrypted() && has_answered(query.endpoint)
        || has_answered(query.endpoint.over(Transport::Udp))
        || has_answered(query.endpoint.over(Transport::Tcp))
        || matches!(env.admit_unproven(query.endpoint), UnprovenPermit::Admitted { .. })
}

/// Publishes the result to the followers, unless the result concerns the leader alone.
pub(super) fn publish(lead: QueryLead, result: &QueryResult) {
    if !matches!(result, Err(Fault::Exhausted(_))) {
        lead.land(|| match result {
            Ok(message) => Ok(Arc::new(Message::clone(message))),
            Err(fault) => Err(*fault),
        });
    }
}

/// A UDP query without a useful reply so far; dropping it records the failure.
pub(super) struct UnansweredGuard<'a, N: Network> {
    pub(super) env: &'a Env<N>,
    pub(super) query: &'a ServerQuery<'a>,
    pub(super) sent: Instant,
    pub(super) has_reply: bool,
}

impl<N: Network> UnansweredGuard<'_, N> {
    pub(super) fn observe(&mut self, result: &QueryResult) {
        self.has_reply = result.as_ref().is_ok_and(|message| {
            let useful = matches!(message.rcode, OptRcode::NOERROR | OptRcode::NXDOMAIN);
            useful && !message.header.tc()
        });
    }
}

impl<N: Network> Drop for UnansweredGuard<'_, N> {
    fn drop(&mut self) {
        if !self.has_reply {
            let ServerQuery { asking: query, endpoint, .. } = *self.query;
            let sent = self.sent;
            observe(self.env, endpoint, Observation::NoUsefulReply { query, sent });
        }
    }
}
