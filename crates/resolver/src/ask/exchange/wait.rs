//! A query that was sent and waits for its reply.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use zoners_dns::query::{QueryOpt, QueryOptions, query_with};
use zoners_dns::{Endpoint, Exchange, ExchangeEvent, Name, Network, Question, Transport};

use super::Asking;
use super::query_secrets::Shown;
use crate::infra::fetch_quotas::UnderWay;

/// A query that was sent.
pub(super) struct Wait<N: Network> {
    pub(super) id: u16,
    pub(super) endpoint: Endpoint,
    pub(super) sent: Instant,
    /// When it was last sent again.
    pub(super) last_sent: Option<Instant>,
    /// How often it was sent.
    pub(super) times: u32,
    /// How long after it was first sent the reply came.
    pub(super) took: Option<Duration>,
    /// When the reply is late on a stream, and the stream itself in doubt; none once that is seen to.
    pub(super) late_at: Option<Instant>,
    pub(super) shown: Shown,
    /// Its place among the queries to the server.
    pub(super) under_way: UnderWay,
    pub(super) exchange: N::Exchange,
}

impl<N: Network> Wait<N> {
    /// What comes next; nothing, if the reply is late by then.
    pub(super) async fn receive(&mut self) -> Option<ExchangeEvent> {
        match self.late_at {
            None => Some(self.exchange.receive().await),
            // Boxed, since a datagram has no such moment, and many wait at a time.
            Some(late) => Box::pin(timeout_at(late, self.exchange.receive())).await.ok(),
        }
    }

    /// Sends the query again with the same ID, from the same socket or over another stream, with EDNS or
    /// without.
    pub(super) fn send_again(&mut self, asking: &Asking, edns: bool, udp_payload_size: u16) {
        let cookie = match self.endpoint.transport {
            Transport::Udp => self.shown.option_again(),
            Transport::Tcp => self.shown.option(),
        };
        let opt = QueryOpt { udp_payload_size, cookie };
        let query = compose(asking, self.id, edns, opt, self.shown.letters.as_deref());
        self.exchange.resend(query);
        self.last_sent = Some(Instant::now());
        self.times += 1;
    }
}

impl<N: Network> Drop for Wait<N> {
    fn drop(&mut self) {
        if self.took.is_some() {
            self.under_way.answered();
        }
    }
}

/// A query as it goes out, its name with these `letters`.
pub(super) fn compose(
    asking: &Asking,
    id: u16,
    edns: bool,
    opt: QueryOpt<'_>,
    letters: Option<&Name>,
) -> Bytes {
    let options = QueryOptions { id, recursion_desired: asking.recursion_desired, edns };
    match letters {
        None => query_with(&asking.question, options, opt),
        Some(name) => {
            let question = Question { name: name.clone(), ..asking.question.clone() };
            query_with(&question, options, opt)
        }
    }
}
