//! One exchange: a query to one server, up to its reply.
//!
//! Each query has a socket of its own. Messages that are no good reply raise `doubts`, and the wait
//! goes on, since anyone can send a UDP datagram; meanwhile TCP is tried. A server that fails on a
//! cookie or on EDNS is asked once more without. An outstanding query is repeated from its socket,
//! not sent as a new query.

mod attempt;
mod case_randomisation;
mod copies;
mod doubts;
mod matching;
mod outstanding;
mod query_secrets;
mod receive;
mod resume;
mod socket_wait;
mod stale_stream;
mod wait;

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use zoners_cache::EchoSupport;
use zoners_dns::query::{QueryOpt, QueryOptions};
use zoners_dns::{Counter, Endpoint, ExchangeEvent, Message, Network, Transport};

use crate::ask::exchange::copies::await_copies;
use crate::ask::exchange::doubts::{act_on, give_up, longest_rest};
use crate::ask::exchange::outstanding::{may_send, wait_for_resend};
use crate::ask::exchange::query_secrets::secrets_for;
use crate::ask::exchange::receive::read_event;
use crate::ask::exchange::socket_wait::wait_for_room;
use crate::ask::exchange::stale_stream::{late_after, renew_stream};
use crate::env::environment::Env;
use crate::infra::round_trips::RoundTrips;
use crate::model::asking::UpstreamQuery;
use crate::model::budget::Exhausted;
use crate::model::step::Step;
use crate::model::verdict::Fault;
use crate::selection::candidates::Attempt;
use crate::selection::observation::{Observation, observe};
use doubts::Suspicions;
use matching::{rejects_edns, wants_cookie};
use outstanding::{LIVES, QueryLead, UnansweredGuard, publish};
use receive::Received;
use wait::{PendingQuery, compose};

pub(crate) use attempt::{StartedAttempt, attempt};
pub(crate) use doubts::Suspicion;

/// The result of an attempt.
#[derive(Debug)]
pub(crate) struct Report {
    /// The attempt.
    pub attempt: Attempt,
    /// The time of the exchange, repetitions included.
    pub took: Duration,
    /// The matching reply, or the reason why there is none.
    pub result: Result<Box<Message>, Fault>,
}

/// The reply to a query, or why there is none.
type QueryResult = Result<Box<Message>, Fault>;

/// A query to one server over one transport.
#[derive(Clone, Copy)]
struct ServerQuery<'a> {
    asking: &'a UpstreamQuery,
    endpoint: Endpoint,
    edns: bool,
    /// Whether the query may carry a cookie.
    cookie: bool,
    /// Whether the address was unproven when it was chosen.
    is_unproven: bool,
    step: &'a Step,
}

impl<'a> ServerQuery<'a> {
    fn of(asking: &'a UpstreamQuery, attempt: &Attempt, step: &'a Step) -> Self {
        let Attempt { endpoint, edns, is_unproven, .. } = *attempt;
        ServerQuery { asking, endpoint, edns, cookie: true, is_unproven, step }
    }

    /// The same over a stream; in clear only if it was in clear before.
    fn over_tcp(&self) -> Self {
        if self.endpoint.transport.is_stream() {
            return *self;
        }
        ServerQuery { endpoint: self.endpoint.over(Transport::Tcp), ..*self }
    }

    /// Whether the server must be asked differently after this reply.
    fn is_unfinished(&self, reply: &Message) -> bool {
        self.edns && (rejects_edns(reply) || wants_cookie(reply))
    }
}

/// Sends a query, waits for the reply and tells the followers.
async fn carry_out<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    lead: &mut Option<QueryLead>,
) -> QueryResult {
    let damped = lead.is_some() && wait_for_resend(env, query.asking, query.endpoint).await;
    let (room, waited) = match env.network().room(query.endpoint) {
        Some(room) => (Some(room), damped),
        // Boxed, since it is rare: many queries wait at a time.
        None => (Box::pin(wait_for_room(env, query)).await, true),
    };
    let result = match room {
        None => Err(Fault::Exhausted(Exhausted(Counter::BudgetSockets))),
        // The permit was for an earlier moment.
        Some(_) if waited && !may_send(env, query) => Err(Fault::Timeout),
        Some(room) => ask_server(env, query, lead.as_ref(), room).await,
    };
    if let Some(lead) = lead.take() {
        publish(lead, &result);
    }
    result
}

/// Sends a query and waits for its reply.
async fn ask_server<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    lead: Option<&QueryLead>,
    room: N::Room,
) -> QueryResult {
    let mut wait = send_query(env, query, Some(room))?;
    if let Some(lead) = lead {
        lead.bell().hush(env.shared().now());
    }
    let mut unanswered = UnansweredGuard { env, query, sent: wait.sent, has_reply: false };
    let deadline = tokio::time::sleep(env.settings().limits.exchange);
    tokio::pin!(deadline);
    let mut doubts = Suspicions::default();
    let mut beside: Option<Box<PendingQuery<N>>> = None;
    let result = loop {
        let received = tokio::select! {
            biased;
            event = wait.receive(), if doubts.leave_room() => read_or_renew(env, query, &mut wait, event),
            event = receive(&mut beside) => read_beside(env, query, &mut beside, event),
            edns = rung(lead) => {
                let asked = ServerQuery { edns, ..*query };
                repeat(env, &asked, &mut wait, &doubts, deadline.as_mut());
                continue;
            }
            () = &mut deadline => break give_up(env, &wait, doubts),
        };
        let doubtful = match received {
            Received::Reply(message) => break Ok(message),
            Received::Ended(fault) => break Err(fault),
            Received::Nothing => continue,
            doubtful => doubtful,
        };
        if doubts.add(doubtful) {
            env.count(Counter::LimitPortFlooded);
        }
        let acted = act_on(env, &mut doubts, query, &mut beside, deadline.as_mut());
        if let Err(fault) = acted {
            break Err(fault);
        }
        if beside.is_none() && !doubts.leave_room() {
            break give_up(env, &wait, doubts);
        }
        if let (Some(lead), Some(doubt)) = (lead, doubts.new_suspicion()) {
            lead.doubt(doubt as u8);
        }
    };
    unanswered.observe(&result);
    if unanswered.has_reply {
        await_copies(env, wait, &query.asking.question);
    }
    result
}

/// Reads an event of a wait; without an event, the reply is late and the stream may be dead.
fn read_or_renew<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    wait: &mut PendingQuery<N>,
    event: Option<ExchangeEvent>,
) -> Received {
    match event {
        Some(event) => read_event(env, query, wait, event),
        None => renew_stream(env, query, wait),
    }
}

/// Reads an event of the wait over TCP beside. A failure there does not end the wait.
fn read_beside<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    beside: &mut Option<Box<PendingQuery<N>>>,
    event: Option<ExchangeEvent>,
) -> Received {
    let Some(tcp) = beside else { return Received::Nothing };
    match read_or_renew(env, query, tcp, event) {
        Received::Ended(fault) => {
            *beside = None;
            env.count(Counter::UpstreamTcpFallbackFailed);
            Received::TcpFailed(fault)
        }
        read => read,
    }
}

/// Repeats the query for a follower; the reply to the follower has a time of its own.
fn repeat<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    wait: &mut PendingQuery<N>,
    doubts: &Suspicions,
    mut deadline: Pin<&mut Sleep>,
) {
    wait.send_again(query, env.settings().udp_payload_size);
    // A port and ID are not kept open forever.
    let (limit, now) = (env.settings().limits.exchange, Instant::now());
    let latest = wait.sent + limit * LIVES;
    let until = if doubts.are_short() { longest_rest(env, query.endpoint) } else { limit };
    let until = deadline.deadline().max(now + until).min(latest);
    deadline.as_mut().reset(until);
}

/// Sends a query; without room, as soon as there is some.
fn send_query<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    room: Option<N::Room>,
) -> Result<PendingQuery<N>, Fault> {
    let tcp = query.endpoint.transport.is_stream();
    query.step.charge_query(tcp, query.asking.retry).map_err(|exhausted| {
        env.count(exhausted.0);
        Fault::Exhausted(exhausted)
    })?;
    Ok(send_charged(env, query, room))
}

/// Counts a query, in all and by its transport.
fn count_query<N: Network>(env: &Env<N>, transport: Transport) {
    env.count(Counter::UpstreamQueries);
    match transport {
        Transport::Udp => {}
        Transport::Tcp => env.count(Counter::UpstreamTcp),
        Transport::Tls => env.count(Counter::UpstreamTls),
        Transport::Https => env.count(Counter::UpstreamHttps),
        Transport::Quic => env.count(Counter::UpstreamQuic),
    }
}

/// Sends a query that has been charged.
fn send_charged<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    room: Option<N::Room>,
) -> PendingQuery<N> {
    let ServerQuery { asking, endpoint, edns, .. } = *query;
    let shared = env.shared();
    count_query(env, endpoint.transport);
    let known = observe(env, endpoint, Observation::QuerySent).unwrap_or_default();
    let is_stream = endpoint.transport.is_stream();
    let round_trips = RoundTrips::of(env.network(), endpoint);
    let late_at =
        is_stream.then(|| Instant::now() + late_after(env, &known) * round_trips.expected());
    shared.session_budget.earn(endpoint.is_opportunistic() && round_trips == RoundTrips::ONE);
    let proof = match endpoint.transport {
        Transport::Udp => known.echo,
        // UDP and TCP share the record.
        Transport::Tcp => shared.cache.server(endpoint.over(Transport::Udp), shared.now()).echo,
        Transport::Tls | Transport::Https | Transport::Quic => EchoSupport::default(),
    };
    let shown = secrets_for(env, query, &proof);
    let id = shared.random.id();
    let udp_payload_size = env.settings().udp_payload_size;
    let is_padded = endpoint.transport.is_encrypted();
    let opt = QueryOpt { udp_payload_size, cookie: shown.option(), is_padded };
    let options = QueryOptions { id, recursion_desired: asking.recursion_desired, edns };
    let wire = compose(&asking.question, options, opt, shown.letters.as_deref());
    PendingQuery {
        id,
        endpoint,
        sent: Instant::now(),
        last_sent: None,
        times: 1,
        took: None,
        late_at,
        round_trips,
        shown,
        under_way: env.enter_server(endpoint),
        exchange: env.network().exchange(endpoint, wire, room),
    }
}

async fn receive<N: Network>(wait: &mut Option<Box<PendingQuery<N>>>) -> Option<ExchangeEvent> {
    match wait {
        Some(wait) => wait.receive().await,
        None => std::future::pending().await,
    }
}

/// Waits until a follower wants the query repeated, with or without EDNS.
async fn rung(lead: Option<&QueryLead>) -> bool {
    match lead {
        Some(lead) => lead.bell().rung().await,
        None => std::future::pending().await,
    }
}
