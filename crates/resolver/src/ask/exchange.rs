//! Asking one server.
//!
//! A query has a socket to itself. Whatever comes there that is no good reply raises `doubts`, and the
//! wait goes on, since over UDP anyone can send anything; TCP is asked beside it. A server that chokes
//! on a cookie or on EDNS is asked once more without. A query that is outstanding already is sent again, not sent
//! anew.

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

use std::time::Duration;

use tokio::time::Instant;
use zoners_cache::Evidence;
use zoners_dns::query::QueryOpt;
use zoners_dns::{Counter, Endpoint, ExchangeEvent, Message, Network, Question, Transport};

use doubts::Doubts;
use matching::{chokes_on_edns, wants_cookie};
use outstanding::{LIVES, Sending, Unheard, tell};
use receive::Read;
use wait::{Wait, compose};

use crate::env::worker::Worker;
use crate::model::budget::Exhausted;
use crate::model::context::Context;
use crate::model::verdict::Fault;
use crate::selection::candidates::Attempt;

pub(crate) use attempt::{Attempting, attempt};
pub(crate) use doubts::Doubt;
pub(crate) use outstanding::Sharing;

/// How an attempt at one server ended.
#[derive(Debug)]
pub(crate) struct Report {
    /// What was tried.
    pub attempt: Attempt,
    /// How long it took, repetitions included.
    pub took: Duration,
    /// The reply that matched, or why there is none.
    pub result: Result<Box<Message>, Fault>,
}

/// A query as it goes to one server.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) question: Question,
    pub(crate) recursion_desired: bool,
    /// It goes beside another query.
    pub(crate) retry: bool,
}

/// The reply to a query, or why there is none.
type Asked = Result<Box<Message>, Fault>;

/// A query, to one server in one way.
#[derive(Clone, Copy)]
struct Query<'a> {
    asking: &'a Asking,
    endpoint: Endpoint,
    edns: bool,
    /// It may have a cookie.
    cookie: bool,
    /// An outsider named the server, which had never answered when it was chosen.
    stranger: bool,
    context: &'a Context,
}

impl<'a> Query<'a> {
    fn of(asking: &'a Asking, attempt: &Attempt, context: &'a Context) -> Self {
        let Attempt { endpoint, edns, stranger, .. } = *attempt;
        Query { asking, endpoint, edns, cookie: true, stranger, context }
    }

    fn over_tcp(&self) -> Self {
        Query { endpoint: self.endpoint.over(Transport::Tcp), ..*self }
    }

    /// Whether the server is to be asked in another way after this reply.
    fn is_unfinished(&self, reply: &Message) -> bool {
        self.edns && (chokes_on_edns(reply) || wants_cookie(reply))
    }
}

impl<N: Network> Worker<N> {
    /// Sends a query, waits for the reply and tells the followers.
    async fn carry_out(&self, query: &Query<'_>, lead: &mut Option<Sending>) -> Asked {
        let damped = lead.is_some() && self.damp(query.asking, query.endpoint).await;
        let (room, waited) = match self.network().room(query.endpoint) {
            Some(room) => (Some(room), damped),
            // Boxed, as all that is rare: many queries wait at a time.
            None => (Box::pin(self.wait_for_room(query)).await, true),
        };
        let result = match room {
            None => Err(Fault::Exhausted(Exhausted(Counter::BudgetSockets))),
            // The leave that it had was for another moment.
            Some(_) if waited && !self.may_meet(query) => Err(Fault::Timeout),
            Some(room) => self.ask(query, lead.as_ref(), room).await,
        };
        if let Some(lead) = lead.take() {
            tell(lead, &result);
        }
        result
    }

    async fn ask(&self, query: &Query<'_>, lead: Option<&Sending>, room: N::Room) -> Asked {
        let Query { asking, context, .. } = *query;
        let mut wait = self.send(query, Some(room))?;
        if let Some(lead) = lead {
            lead.bell().hush(self.shared().now());
        }
        let mut unheard = Unheard { worker: self, query, sent: wait.sent, heard: false };
        let deadline = tokio::time::sleep(self.settings().limits.exchange);
        tokio::pin!(deadline);
        let mut doubts = Doubts::default();
        let mut beside: Option<Box<Wait<N>>> = None;
        let result = loop {
            let read = tokio::select! {
                biased;
                outcome = wait.receive(), if doubts.leave_room() => match outcome {
                    Some(outcome) => self.read(asking, &mut wait, outcome, context),
                    None => self.renew(query, &mut wait),
                },
                outcome = receive(&mut beside) => {
                    let read = beside.as_mut().map(|tcp| match outcome {
                        Some(outcome) => self.read(asking, tcp, outcome, context),
                        None => self.renew(query, tcp),
                    });
                    match read {
                        Some(Read::Ended(fault)) => {
                            beside = None;
                            self.count(Counter::UpstreamTcpFallbackFailed);
                            Read::NotBeside(fault)
                        }
                        read => read.unwrap_or(Read::Nothing),
                    }
                }
                edns = rung(lead) => {
                    wait.send_again(asking, edns, self.settings().udp_payload_size);
                    // One port and one ID are not open for ever.
                    let (limit, now) = (self.settings().limits.exchange, Instant::now());
                    let latest = wait.sent + limit * LIVES;
                    let until = if doubts.are_short() { self.rest(query.endpoint) } else { limit };
                    let until = deadline.deadline().max(now + until).min(latest);
                    deadline.as_mut().reset(until);
                    Read::Nothing
                }
                () = &mut deadline => break self.give_up(&wait, doubts),
            };
            let doubtful = match read {
                Read::Reply(message) => break Ok(message),
                Read::Ended(fault) => break Err(fault),
                Read::Nothing => continue,
                doubtful => doubtful,
            };
            if doubts.add(doubtful) {
                self.count(Counter::LimitPortFlooded);
            }
            let acted = self.act_on(&mut doubts, query, &mut beside, deadline.as_mut());
            if let Err(fault) = acted {
                break Err(fault);
            }
            if beside.is_none() && !doubts.leave_room() {
                break self.give_up(&wait, doubts);
            }
            if let (Some(lead), Some(doubt)) = (lead, doubts.news()) {
                lead.doubt(doubt as u8);
            }
        };
        unheard.hear(&result);
        if unheard.heard {
            self.hear_copies(wait, &asking.question);
        }
        result
    }

    /// Sends a query; without room, as soon as there is some.
    fn send(&self, query: &Query<'_>, room: Option<N::Room>) -> Result<Wait<N>, Fault> {
        let tcp = query.endpoint.transport == Transport::Tcp;
        query.context.charge_query(tcp, query.asking.retry).map_err(|exhausted| {
            self.count(exhausted.0);
            Fault::Exhausted(exhausted)
        })?;
        Ok(self.send_charged(query, room))
    }

    /// Sends a query that is paid for.
    fn send_charged(&self, query: &Query<'_>, room: Option<N::Room>) -> Wait<N> {
        let Query { asking, endpoint, edns, .. } = *query;
        let shared = self.shared();
        self.count(Counter::UpstreamQueries);
        let forgiven = shared.lines.to(endpoint.address.ip()).forgiven();
        let known = shared.teach(endpoint, Evidence::Asked { forgiven });
        let (mut proof, mut late_at) = (known.echo, None);
        if endpoint.transport == Transport::Tcp {
            self.count(Counter::UpstreamTcp);
            proof = shared.cache.server(endpoint.over(Transport::Udp), shared.now()).echo;
            late_at = Some(Instant::now() + self.late(&known));
        }
        let shown = self.shown(query, &proof);
        let id = shared.random.id();
        let udp_payload_size = self.settings().udp_payload_size;
        let opt = QueryOpt { udp_payload_size, cookie: shown.option() };
        let wire = compose(asking, id, edns, opt, shown.letters.as_deref());
        Wait {
            id,
            endpoint,
            sent: Instant::now(),
            last_sent: None,
            times: 1,
            took: None,
            late_at,
            shown,
            under_way: self.enter_server(endpoint),
            exchange: self.network().send(endpoint, wire, room),
        }
    }
}

async fn receive<N: Network>(wait: &mut Option<Box<Wait<N>>>) -> Option<ExchangeEvent> {
    match wait {
        Some(wait) => wait.receive().await,
        None => std::future::pending().await,
    }
}

/// Waits until another wants the query sent again; with EDNS, or not.
async fn rung(lead: Option<&Sending>) -> bool {
    match lead {
        Some(lead) => lead.bell().rung().await,
        None => std::future::pending().await,
    }
}
