//! A query that was sent and waits for its reply.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use zoners_dns::query::{QueryOpt, QueryOptions, query_with};
use zoners_dns::{Endpoint, Exchange, ExchangeEvent, Name, Network, Question, Transport};

use super::ServerQuery;
use super::query_secrets::QuerySecrets;
use crate::infra::fetch_quotas::QuotaSlot;
use crate::infra::round_trips::RoundTrips;

/// A sent query.
pub(super) struct PendingQuery<N: Network> {
    pub(super) id: u16,
    pub(super) endpoint: Endpoint,
    pub(super) sent: Instant,
    /// The time of the last repetition.
    pub(super) last_sent: Option<Instant>,
    /// The number of copies sent.
    pub(super) times: u32,
    /// The time from the first copy to the reply.
    pub(super) took: Option<Duration>,
    /// The moment at which a reply over a stream is late and the stream is suspect; `None`
    /// afterwards.
    pub(super) late_at: Option<Instant>,
    /// The round trips of the first copy.
    pub(super) round_trips: RoundTrips,
    pub(super) shown: QuerySecrets,
    /// The slot in the quota of the server.
    pub(super) under_way: QuotaSlot,
    pub(super) exchange: N::Exchange,
}

impl<N: Network> PendingQuery<N> {
    /// The next event; `None` if the reply is late by then.
    pub(super) async fn receive(&mut self) -> Option<ExchangeEvent> {
        match self.late_at {
            None => Some(self.exchange.receive().await),
            // Boxed, since only streams have such a moment, and many queries wait at a time.
            Some(late) => Box::pin(timeout_at(late, self.exchange.receive())).await.ok(),
        }
    }

    /// Repeats the query with the same ID, from the same socket or over a new stream, with or
    /// without EDNS.
    pub(super) fn send_again(&mut self, query: &ServerQuery<'_>, udp_payload_size: u16) {
        let cookie = match self.endpoint.transport {
            Transport::Udp => self.shown.option_again(),
            Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => {
                self.shown.option()
            }
        };
        let is_padded = self.endpoint.transport.is_encrypted();
        let opt = QueryOpt { udp_payload_size, cookie, is_padded };
        let ServerQuery { asking, edns, .. } = *query;
        let recursion_desired = asking.recursion_desired;
        let options = QueryOptions { id: self.id, recursion_desired, edns };
        let wire = compose(&asking.question, options, opt, self.shown.letters.as_deref());
        self.exchange.resend(wire);
        self.last_sent = Some(Instant::now());
        self.times += 1;
    }
}

impl<N: Network> Drop for PendingQuery<N> {
    fn drop(&mut self) {
        if self.took.is_some() {
            self.under_way.answered();
        }
    }
}

/// The query as sent, its name with this case.
pub(super) fn compose(
    question: &Question,
    options: QueryOptions,
    opt: QueryOpt<'_>,
    letters: Option<&Name>,
) -> Bytes {
    match letters {
        None => query_with(question, options, opt),
        Some(name) => {
            let question = Question { name: name.clone(), ..question.clone() };
            query_with(&question, options, opt)
        }
    }
}
