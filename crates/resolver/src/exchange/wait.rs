//! A query that was sent and waits for its reply.

use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::query::{self as wire, Options};
use zoners_dns::{Endpoint, Exchange, Network};

use super::Asking;

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
    pub(super) exchange: N::Exchange,
}

impl<N: Network> Wait<N> {
    /// Resends the query from the same socket with the same ID, with EDNS or without.
    pub(super) fn send_again(&mut self, asking: &Asking, edns: bool) {
        let options = Options { id: self.id, recursion_desired: asking.recursion_desired, edns };
        self.exchange.resend(wire::query(&asking.question, options));
        self.last_sent = Some(Instant::now());
        self.times += 1;
    }
}
