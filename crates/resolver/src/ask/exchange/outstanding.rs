//! Queries that wait for their reply: the same one is never put to a server twice at a time.
//!
//! An attempt finds the query that is outstanding, even where that was sent for another question or its
//! race is over, and has it sent again from the same port with the same ID: nothing is gained for a
//! forger of replies (RFC 5452 section 5), and a lost datagram is made up for all the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zoners_cache::Evidence;
use zoners_dns::{Counter, Endpoint, Message, Network, OptRcode, Transport};

use super::{Asked, Asking, Query};
use crate::ask::exchange::carry_out;
use crate::env::environment::Env;
use crate::env::shared::Sharing;
use crate::infra::resend_limit::QueryKey;
use crate::infra::unproven_addresses::Admission;
use crate::model::budget::Exhausted;
use crate::model::flights::{Boarding, Follow, Landed, Lead};
use crate::model::verdict::Fault;

/// The duty to send a query, and to tell how it ended.
pub(super) type Sending = Lead<QueryKey, Sharing>;

/// The wait for a query that was sent for another.
pub(super) type Waiting = Follow<QueryKey, Sharing>;

/// A query that is sent again and again is waited for so many times as long as one that is not.
pub(super) const LIVES: u32 = 2;
/// The configuration allows for no query that is waited for longer.
const LONGEST: Duration = Duration::from_secs(LIVES as u64 * 60);

/// What falls to an attempt that has a query to send.
pub(super) enum Turn {
    /// To send it; with a duty, if others may wait for it.
    Send(Option<Sending>),
    /// The same is outstanding.
    Wait(Waiting),
}

/// To send a query, or to wait for the same one. Over TCP no reply can be forged, and all go.
pub(super) fn lead_or_join_query<N: Network>(
    env: &Env<N>,
    asking: &Asking,
    endpoint: Endpoint,
) -> Turn {
    if endpoint.transport == Transport::Tcp {
        return Turn::Send(None);
    }
    let (key, outstanding) = (key(asking, endpoint), &env.shared().outstanding);
    // A sender waits for no other, so there is no circle.
    match outstanding.board(&key, None) {
        Boarding::Lead(lead) => Turn::Send(Some(lead)),
        Boarding::Follow(follow) if is_over(env, &follow) => {
            follow.supersede();
            match outstanding.board(&key, None) {
                Boarding::Lead(lead) => Turn::Send(Some(lead)),
                Boarding::Follow(follow) => Turn::Wait(follow),
                Boarding::Cycle(_) => Turn::Send(None),
            }
        }
        Boarding::Follow(follow) => Turn::Wait(follow),
        Boarding::Cycle(_) => Turn::Send(None),
    }
}

/// Whether the query was sent before the machine slept, longer ago than any is waited for, or from a
/// network that it has left: no reply comes to its socket, however often it is sent again.
fn is_over<N: Network>(env: &Env<N>, follow: &Waiting) -> bool {
    let (now, moved) = (env.shared().now(), env.shared().moved());
    follow.begun().is_some_and(|begun| now.since(begun) > LONGEST || begun < moved)
}

/// Has an outstanding query sent again, and waits for its reply; sends it anew if its sender goes
/// away.
pub(super) async fn join_outstanding<N: Network>(
    env: &Env<N>,
    query: &Query<'_>,
    mut follow: Waiting,
) -> Asked {
    let Query { asking, endpoint, edns, context, .. } = *query;
    if let Err(exhausted) = context.charge_query(false, asking.retry) {
        env.count(exhausted.0);
        return Err(Fault::Exhausted(exhausted));
    }
    if follow.ring(edns) {
        env.count(Counter::UpstreamQueries);
        env.count(Counter::UpstreamRetransmitted);
        let forgiven = env.shared().lines.to(endpoint.address.ip()).forgiven();
        env.shared().teach(endpoint, Evidence::Asked { forgiven });
    } else if follow.begun().is_some() {
        env.count(Counter::LimitRetransmissions);
    }
    match follow.landing().await {
        Landed::Value(shared) => shared.map(|message| Box::new(Message::clone(&message))),
        // Its leave was for the packet that it had sent again.
        Landed::Lead(_) if !may_send(env, query) => Err(Fault::Timeout),
        Landed::Lead(lead) => Box::pin(carry_out(env, query, &mut Some(lead))).await,
        Landed::Lost => {
            env.count(Counter::LimitFlightLeaders);
            Err(Fault::Exhausted(Exhausted(Counter::LimitFlightLeaders)))
        }
    }
}

/// Waits until a query may be sent that has often been sent in vain; whether that took time.
pub(super) async fn wait_for_resend<N: Network>(
    env: &Env<N>,
    asking: &Asking,
    endpoint: Endpoint,
) -> bool {
    let repeats = &env.shared().repeats;
    let free_at = repeats.free_at(|| key(asking, endpoint), Instant::now());
    if let Some(free_at) = free_at {
        env.count(Counter::LimitRepeatedQueries);
        Box::pin(tokio::time::sleep_until(free_at)).await;
    }
    free_at.is_some()
}

/// Whether a packet may be sent for which its race had no leave: to a server that has answered
/// meanwhile, or not too often. The race tries again where not.
pub(super) fn may_send<N: Network>(env: &Env<N>, query: &Query<'_>) -> bool {
    let has_answered = |endpoint| {
        let shared = env.shared();
        shared.cache.server(endpoint, shared.now()).replied_at > 0
    };
    !query.stranger
        || has_answered(query.endpoint.over(Transport::Udp))
        || has_answered(query.endpoint.over(Transport::Tcp))
        || matches!(env.admit_stranger(query.endpoint), Admission::Admitted(_))
}

/// Remembers that a query was sent in vain.
pub(crate) fn observe_failed_query<N: Network>(
    env: &Env<N>,
    asking: &Asking,
    endpoint: Endpoint,
    sent: Instant,
) {
    if endpoint.transport == Transport::Udp
        && env.shared().repeats.failed(key(asking, endpoint), sent, Instant::now())
    {
        env.count(Counter::LimitRepeatedTable);
    }
}

/// Tells the followers how the query ended, unless that says something of its sender alone.
pub(super) fn tell(lead: Sending, result: &Asked) {
    if !matches!(result, Err(Fault::Exhausted(_))) {
        lead.land(|| match result {
            Ok(message) => Ok(Arc::new(Message::clone(message))),
            Err(fault) => Err(*fault),
        });
    }
}

fn key(asking: &Asking, endpoint: Endpoint) -> QueryKey {
    let Asking { question, recursion_desired, .. } = asking;
    QueryKey {
        server: endpoint.address,
        question: question.clone(),
        recursion_desired: *recursion_desired,
    }
}

/// A query over UDP that has not yet been answered usefully: dropped as it is, it has come to nothing.
pub(super) struct Unheard<'a, N: Network> {
    pub(super) env: &'a Env<N>,
    pub(super) query: &'a Query<'a>,
    pub(super) sent: Instant,
    pub(super) heard: bool,
}

impl<N: Network> Unheard<'_, N> {
    pub(super) fn hear(&mut self, result: &Asked) {
        self.heard = result.as_ref().is_ok_and(|message| {
            let useful = matches!(message.rcode, OptRcode::NOERROR | OptRcode::NXDOMAIN);
            useful && !message.header.tc()
        });
    }
}

impl<N: Network> Drop for Unheard<'_, N> {
    fn drop(&mut self) {
        if !self.heard {
            let Query { asking, endpoint, .. } = *self.query;
            observe_failed_query(self.env, asking, endpoint, self.sent);
        }
    }
}
