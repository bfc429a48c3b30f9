//! A query under way on the simulated Internet.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};
use zoners_dns::{Endpoint, Exchange, ExchangeEvent, Message, NetworkError, Question};

use crate::internet::SimNetwork;
use crate::internet::streams::Aboard;

/// A query under way; the reply is determined when the query is sent.
#[derive(Debug)]
pub struct SimExchange {
    net: SimNetwork,
    to: Endpoint,
    number: u64,
    begun: Duration,
    id: u16,
    question: Option<Question>,
    coming: VecDeque<(Instant, ExchangeEvent)>,
    /// The position of the query on a stream, over TCP.
    aboard: Option<Aboard>,
    /// Where the machine has few.
    _socket: Option<OwnedSemaphorePermit>,
}

impl SimExchange {
    pub(crate) fn begin(
        net: SimNetwork,
        to: Endpoint,
        query: Bytes,
        socket: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let (number, begun) = {
            let mut internet = net.0.lock();
            internet.exchanges += 1;
            (internet.exchanges, Instant::now() - internet.started)
        };
        let asked = Message::parse(&query).ok();
        let id = asked.as_ref().map_or(0, |asked| asked.header.id());
        let question = asked.and_then(|asked| asked.question);
        let coming = VecDeque::new();
        let mut exchange = SimExchange {
            net,
            to,
            number,
            begun,
            id,
            question,
            coming,
            aboard: None,
            _socket: socket,
        };
        exchange.resend(query);
        exchange
    }

    fn is_reply(&self, octets: &Bytes) -> bool {
        let said = Message::parse(octets).ok();
        said.is_some_and(|said| said.header.id() == self.id && said.question == self.question)
    }

    fn end(&self) {
        let mut internet = self.net.0.lock();
        if internet.records {
            let at = Instant::now() - internet.started;
            internet.ended.entry(self.number).or_insert(at);
        }
    }
}

impl Exchange for SimExchange {
    async fn receive(&mut self) -> ExchangeEvent {
        match self.coming.front() {
            Some((at, _)) => sleep_until(*at).await,
            None => std::future::pending().await,
        }
        let next = self.coming.pop_front();
        let outcome =
            next.map_or(ExchangeEvent::Failed(NetworkError::Closed), |(_, outcome)| outcome);
        if matches!(&outcome, ExchangeEvent::Message(octets) if self.is_reply(octets)) {
            self.end();
        }
        if let (ExchangeEvent::Message(_), Some(aboard)) = (&outcome, self.aboard) {
            self.net.0.lock().heard_on(self.to, aboard);
        }
        outcome
    }

    fn resend(&mut self, query: Bytes) {
        let mut internet = self.net.0.lock();
        let now = Instant::now();
        let at = now - internet.started;
        if self.to.transport.is_stream() {
            self.aboard = Some(internet.board(self.to, self.aboard, at));
        }
        let opened = self.aboard.map(|aboard| aboard.opened());
        let mut arrivals = internet.deliver(self.to, self.number, &query, at, opened);
        if !self.to.transport.is_stream() && self.begun < internet.renewed {
            arrivals.clear();
        }
        self.coming.extend(arrivals.into_iter().map(|(after, outcome)| (now + after, outcome)));
        self.coming.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    fn doubt(&mut self) -> bool {
        let mut internet = self.net.0.lock();
        self.aboard.is_some_and(|aboard| internet.suspect(self.to, aboard))
    }
}

impl Drop for SimExchange {
    fn drop(&mut self) {
        self.end();
    }
}
