//! Asking one server.
//!
//! A query has a socket to itself; whatever does not match it is discarded and the wait goes on, since
//! over UDP anyone can send anything; but what has the right ID and cannot be read ends it. A first
//! wrong ID is taken for an attempt at forgery: the query is repeated over TCP beside the wait. TC
//! moves to TCP too, and a server that chokes on EDNS is asked once more without it. A query that is
//! outstanding already is sent again, not sent anew.

mod attempting;
mod copies;
mod outstanding;
mod reply;
mod wait;

use std::time::Duration;

use tokio::time::Instant;
use zoners_cache::{Evidence, Trouble};
use zoners_dns::query::{Options, query_with_size};
use zoners_dns::{
    Counter, Endpoint, Exchange, Malformed, Message, Network, Outcome, Question, Transport,
};

use outstanding::{LIVES, Sending, Turn, Unheard, tell};
use reply::{Match, chokes_on_edns, matches};
use wait::Wait;

use crate::candidates::Attempt;
use crate::context::Context;
use crate::verdict::Fault;
use crate::worker::Worker;

pub(crate) use attempting::{Attempting, attempt};
pub(crate) use outstanding::Sharing;

/// How an attempt at one server ended.
#[derive(Debug)]
pub struct Report {
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
    context: &'a Context,
}

impl<'a> Query<'a> {
    fn of(asking: &'a Asking, attempt: &Attempt, context: &'a Context) -> Self {
        Query { asking, endpoint: attempt.endpoint, edns: attempt.edns, context }
    }

    fn over_tcp(&self) -> Self {
        Query { endpoint: self.endpoint.over(Transport::Tcp), ..*self }
    }

    /// Whether the server is to be asked in another way after this reply.
    fn is_unfinished(&self, reply: &Message) -> bool {
        self.is_cut(reply) || self.edns && chokes_on_edns(reply)
    }

    fn is_cut(&self, reply: &Message) -> bool {
        reply.header.tc() && self.endpoint.transport == Transport::Udp
    }
}

impl<N: Network> Worker<N> {
    /// Asks over TCP after a reply with TC, and without EDNS after one that it made fail.
    async fn go_on(&self, query: &Query<'_>, result: Asked) -> Asked {
        let reply = self.whole(query, result?).await?;
        if !(query.edns && chokes_on_edns(&reply)) {
            return Ok(reply);
        }
        self.count(Counter::UpstreamPlain);
        let plain = Query { edns: false, ..*query };
        let reply = match self.outstanding(plain.asking, plain.endpoint) {
            Turn::Send(mut lead) => self.carry_out(&plain, &mut lead).await,
            Turn::Wait(follow) => self.wait_with(&plain, follow).await,
        };
        let reply = self.whole(&plain, reply?).await?;
        if !chokes_on_edns(&reply) {
            self.shared().teach(plain.endpoint, Evidence::PlainOnly);
        }
        Ok(reply)
    }

    /// A reply that is not truncated: over a stream TC says that it is broken (RFC 2181 section 9).
    fn untruncated(&self, reply: Box<Message>, from: Endpoint) -> Asked {
        if !reply.header.tc() {
            return Ok(reply);
        }
        self.count(Counter::UpstreamMalformed);
        self.blame(from, Trouble::FormErr);
        Err(Fault::Malformed(Malformed::Truncated))
    }

    async fn whole(&self, query: &Query<'_>, reply: Box<Message>) -> Asked {
        if !query.is_cut(&reply) {
            return self.untruncated(reply, query.endpoint);
        }
        self.count(Counter::UpstreamTruncated);
        let over_tcp = query.over_tcp();
        let reply = self.carry_out(&over_tcp, &mut None).await?;
        self.untruncated(reply, over_tcp.endpoint)
    }

    /// Sends a query, waits for the reply and tells the followers.
    async fn carry_out(&self, query: &Query<'_>, lead: &mut Option<Sending>) -> Asked {
        if lead.is_some() {
            self.damp(query.asking, query.endpoint).await;
        }
        let result = self.ask(query, lead.as_ref()).await;
        if let Some(lead) = lead.take() {
            tell(lead, &result);
        }
        result
    }

    async fn ask(&self, query: &Query<'_>, lead: Option<&Sending>) -> Asked {
        let Query { asking, endpoint, context, .. } = *query;
        let mut wait = self.send(query)?;
        if let Some(lead) = lead {
            lead.bell().hush(self.shared().now());
        }
        let mut unheard = Unheard { worker: self, asking, endpoint, sent: wait.sent, heard: false };
        let limit = self.settings().limits.exchange;
        let deadline = tokio::time::sleep(limit);
        tokio::pin!(deadline);
        let mut beside: Option<Box<Wait<N>>> = None;
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = wait.exchange.receive() => self.read(asking, &mut wait, outcome, context),
                outcome = receive(&mut beside) => match beside.as_mut() {
                    Some(wait) => self.read(asking, wait, outcome, context),
                    None => Read::GoOn,
                },
                edns = rung(lead) => {
                    wait.send_again(asking, edns);
                    // One port and one ID are not open for ever.
                    let latest = wait.sent + limit * LIVES;
                    deadline.as_mut().reset(latest.min(Instant::now() + limit));
                    Read::GoOn
                }
                () = &mut deadline => {
                    (0..wait.times).for_each(|_| self.blame(endpoint, Trouble::Timeout));
                    Read::Done(Err(Fault::Timeout))
                }
            };
            match outcome {
                Read::Done(result) => {
                    unheard.hear(&result);
                    if unheard.heard {
                        self.hear_copies(wait, &asking.question);
                    }
                    return result;
                }
                Read::GoOn => {}
                Read::Forged if beside.is_none() && endpoint.transport == Transport::Udp => {
                    beside = self.send(&query.over_tcp()).ok().map(Box::new);
                }
                Read::Forged => {}
            }
        }
    }

    fn send(&self, query: &Query<'_>) -> Result<Wait<N>, Fault> {
        let Query { asking, endpoint, edns, context } = *query;
        let tcp = endpoint.transport == Transport::Tcp;
        context.charge_query(tcp, asking.retry).map_err(|exhausted| {
            self.count(exhausted.0);
            Fault::Exhausted(exhausted)
        })?;
        self.count(Counter::UpstreamQueries);
        if tcp {
            self.count(Counter::UpstreamTcp);
        }
        let forgiven = self.shared().line.forgiven();
        self.shared().teach(endpoint, Evidence::Asked { forgiven });
        let id = self.shared().random.id();
        let options = Options { id, recursion_desired: asking.recursion_desired, edns };
        let size = self.settings().udp_payload_size;
        let wire = query_with_size(&asking.question, options, size);
        Ok(Wait {
            id,
            endpoint,
            sent: Instant::now(),
            last_sent: None,
            times: 1,
            took: None,
            exchange: self.network().send(endpoint, wire),
        })
    }

    fn read(
        &self,
        asking: &Asking,
        wait: &mut Wait<N>,
        outcome: Outcome,
        context: &Context,
    ) -> Read {
        let octets = match outcome {
            Outcome::Message(octets) => octets,
            Outcome::Failed(failure) => {
                self.count(Counter::UpstreamErrors);
                let fault = Fault::Network(failure);
                if let Some(trouble) = fault.trouble() {
                    self.blame(wait.endpoint, trouble);
                }
                return Read::Done(Err(fault));
            }
        };
        if let Err(exhausted) = context.budget.charge_bytes(octets.len()) {
            self.count(exhausted.0);
            return Read::Done(Err(Fault::Exhausted(exhausted)));
        }
        match matches(&octets, wait.id, &asking.question) {
            Match::Reply(message) => {
                self.count(Counter::UpstreamReplies);
                let edns = message.edns.is_some();
                let took = wait.sent.elapsed();
                wait.took = Some(took);
                let reply = match wait.last_sent {
                    None => Evidence::Reply(took, edns),
                    Some(last) => {
                        let least = last.elapsed();
                        Evidence::ReplyToSome { most: took, least, edns }
                    }
                };
                self.shared().teach(wait.endpoint, reply);
                Read::Done(Ok(message))
            }
            Match::WrongId => {
                self.count(Counter::UpstreamMismatched);
                Read::Forged
            }
            Match::WrongQuestion => {
                self.count(Counter::UpstreamMismatched);
                Read::GoOn
            }
            Match::Malformed(malformed) => {
                self.count(Counter::UpstreamMalformed);
                if malformed.is_limit() {
                    self.count(Counter::LimitMessage);
                }
                if malformed == Malformed::Short {
                    return Read::GoOn;
                }
                // Whoever knows the ID could as well forge a whole answer: it is the server.
                self.blame(wait.endpoint, Trouble::FormErr);
                Read::Done(Err(Fault::Malformed(malformed)))
            }
        }
    }
}

async fn receive<N: Network>(wait: &mut Option<Box<Wait<N>>>) -> Outcome {
    match wait {
        Some(wait) => wait.exchange.receive().await,
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

enum Read {
    Done(Asked),
    GoOn,
    Forged,
}
