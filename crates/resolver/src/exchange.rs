//! Asking one server.
//!
//! A query has a socket to itself; whatever does not match it is discarded and the wait goes on, since
//! over UDP anyone can send anything; but what has the right ID and cannot be read ends it. A first
//! wrong ID is taken for an attempt at forgery: the query is repeated over TCP beside the wait. TC
//! moves to TCP too, and a server that chokes on EDNS is asked once more without it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use zoners_cache::{Evidence, Trouble};
use zoners_dns::query::{Options, query_with_size};
use zoners_dns::{
    Counter, Endpoint, Exchange, Malformed, Message, Network, OptRcode, Outcome, Question,
    Transport,
};

use crate::candidates::Attempt;
use crate::context::Context;
use crate::verdict::Fault;
use crate::worker::Worker;

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

/// Carries out an attempt. Holds all it needs, so that it can outlive the question it was for.
pub(crate) async fn attempt<N: Network>(
    worker: Arc<Worker<N>>,
    asking: Asking,
    attempt: Attempt,
    context: Context,
) -> Report {
    let started = Instant::now();
    let mut result = worker.ask(&asking, attempt.endpoint, attempt.edns, &context).await;
    if attempt.edns && result.as_ref().is_ok_and(|message| chokes_on_edns(message)) {
        worker.count(Counter::UpstreamPlain);
        result = worker.ask(&asking, attempt.endpoint, false, &context).await;
        if result.as_ref().is_ok_and(|message| !chokes_on_edns(message)) {
            worker.shared().teach(attempt.endpoint, Evidence::PlainOnly);
        }
    }
    Report { attempt, took: started.elapsed(), result }
}

/// The answers of servers that do not know EDNS (RFC 6891 section 7), or know it badly.
fn chokes_on_edns(message: &Message) -> bool {
    matches!(message.rcode, OptRcode::FORMERR | OptRcode::NOTIMP | OptRcode::BADVERS)
}

impl<N: Network> Worker<N> {
    async fn ask(
        &self,
        asking: &Asking,
        endpoint: Endpoint,
        edns: bool,
        context: &Context,
    ) -> Result<Box<Message>, Fault> {
        let reply = self.ask_over(asking, endpoint, edns, context).await?;
        if reply.header.tc() && endpoint.transport == Transport::Udp {
            self.count(Counter::UpstreamTruncated);
            let over_tcp = endpoint.over(Transport::Tcp);
            return self.whole(self.ask_over(asking, over_tcp, edns, context).await?, over_tcp);
        }
        self.whole(reply, endpoint)
    }

    /// A reply that is not truncated: over a stream TC says that it is broken (RFC 2181 section 9).
    fn whole(&self, reply: Box<Message>, from: Endpoint) -> Result<Box<Message>, Fault> {
        if !reply.header.tc() {
            return Ok(reply);
        }
        self.count(Counter::UpstreamMalformed);
        self.blame(from, Trouble::FormErr);
        Err(Fault::Malformed(Malformed::Truncated))
    }

    /// One query and the wait for its reply.
    async fn ask_over(
        &self,
        asking: &Asking,
        endpoint: Endpoint,
        edns: bool,
        context: &Context,
    ) -> Result<Box<Message>, Fault> {
        let mut wait = self.send(asking, endpoint, edns, context)?;
        let deadline = tokio::time::sleep(self.settings().limits.exchange);
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
                () = &mut deadline => {
                    self.blame(endpoint, Trouble::Timeout);
                    return Err(Fault::Timeout);
                }
            };
            match outcome {
                Read::Done(result) => return result,
                Read::GoOn => {}
                Read::Forged if beside.is_none() && endpoint.transport == Transport::Udp => {
                    let over_tcp = endpoint.over(Transport::Tcp);
                    beside = self.send(asking, over_tcp, edns, context).ok().map(Box::new);
                }
                Read::Forged => {}
            }
        }
    }

    fn send(
        &self,
        asking: &Asking,
        endpoint: Endpoint,
        edns: bool,
        context: &Context,
    ) -> Result<Wait<N>, Fault> {
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
        let query = query_with_size(&asking.question, options, size);
        let exchange = self.network().send(endpoint, query);
        Ok(Wait { id, endpoint, sent: Instant::now(), exchange })
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
                let reply = Evidence::Reply(wait.sent.elapsed(), edns);
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

/// A query that was sent.
struct Wait<N: Network> {
    id: u16,
    endpoint: Endpoint,
    sent: Instant,
    exchange: N::Exchange,
}

async fn receive<N: Network>(wait: &mut Option<Box<Wait<N>>>) -> Outcome {
    match wait {
        Some(wait) => wait.exchange.receive().await,
        None => std::future::pending().await,
    }
}

enum Read {
    Done(Result<Box<Message>, Fault>),
    GoOn,
    Forged,
}

/// What a message is to the query that waits.
#[derive(Debug)]
enum Match {
    Reply(Box<Message>),
    WrongId,
    WrongQuestion,
    Malformed(Malformed),
}

/// Whether `octets` are the reply to the query with this ID and question (RFC 5452 section 9.1).
fn matches(octets: &Bytes, id: u16, question: &Question) -> Match {
    match Message::id_of(octets) {
        None => return Match::Malformed(Malformed::Short),
        Some(other) if other != id => return Match::WrongId,
        Some(_) => {}
    }
    let message = match Message::parse(octets) {
        Ok(message) => message,
        Err(malformed) => return Match::Malformed(malformed),
    };
    if !message.header.qr() {
        return Match::WrongQuestion;
    }
    match &message.question {
        Some(asked) if asked == question => Match::Reply(Box::new(message)),
        // Servers that cannot read a query cannot repeat its question.
        None if chokes_on_edns(&message) => Match::Reply(Box::new(message)),
        _ => Match::WrongQuestion,
    }
}

#[cfg(test)]
mod tests;
