//! A query under way on the simulated Internet.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};
use zoners_dns::{Endpoint, Exchange, Failure, Message, Outcome, Question};

use crate::internet::SimNetwork;

/// A query under way: what will come back is settled when it is sent.
#[derive(Debug)]
pub struct SimExchange {
    net: SimNetwork,
    to: Endpoint,
    number: u64,
    id: u16,
    question: Option<Question>,
    coming: VecDeque<(Instant, Outcome)>,
}

impl SimExchange {
    pub(crate) fn begin(net: SimNetwork, to: Endpoint, query: Bytes) -> Self {
        let number = {
            let mut internet = net.0.lock();
            internet.exchanges += 1;
            internet.exchanges
        };
        let asked = Message::parse(&query).ok();
        let id = asked.as_ref().map_or(0, |asked| asked.header.id());
        let question = asked.and_then(|asked| asked.question);
        let mut exchange = SimExchange { net, to, number, id, question, coming: VecDeque::new() };
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
    async fn receive(&mut self) -> Outcome {
        match self.coming.front() {
            Some((at, _)) => sleep_until(*at).await,
            None => std::future::pending().await,
        }
        let next = self.coming.pop_front();
        let outcome = next.map_or(Outcome::Failed(Failure::Closed), |(_, outcome)| outcome);
        if matches!(&outcome, Outcome::Message(octets) if self.is_reply(octets)) {
            self.end();
        }
        outcome
    }

    fn resend(&mut self, query: Bytes) {
        let mut internet = self.net.0.lock();
        let now = Instant::now();
        let at = now - internet.started;
        let arrivals = internet.deliver(self.to, self.number, &query, at);
        self.coming.extend(arrivals.into_iter().map(|(after, outcome)| (now + after, outcome)));
        self.coming.make_contiguous().sort_by_key(|(at, _)| *at);
    }
}

impl Drop for SimExchange {
    fn drop(&mut self) {
        self.end();
    }
}
