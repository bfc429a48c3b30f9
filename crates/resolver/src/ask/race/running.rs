//! Concurrent attempts.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Instant;
use zoners_dns::{Counter, Network};

use super::concurrent::Beside;
use super::{Happening, Race};
use crate::ask::exchange::{Attempting, Doubt, Report};
use crate::selection::candidates::Attempt;

/// An attempt under way.
pub(super) struct Running {
    pub(super) attempt: Attempt,
    pub(super) since: Instant,
    pub(super) exchange: Attempting,
    /// The doubt at the last look.
    pub(super) doubt: Doubt,
}

impl Running {
    /// The doubt, if it has grown, and the server concerned.
    fn new_doubt(&mut self) -> Option<(Doubt, SocketAddr)> {
        let before = std::mem::replace(&mut self.doubt, self.exchange.doubt());
        (self.doubt > before).then_some((self.doubt, self.attempt.endpoint.address))
    }
}

impl Future for Running {
    type Output = Report;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Report> {
        self.exchange.report.as_mut().poll(context)
    }
}

/// The next result of the attempts under way, or a new doubt.
pub(super) async fn next_of(running: &mut Beside<Running>) -> Happening {
    poll_fn(|context| {
        if let Poll::Ready(report) = running.poll_next(context) {
            return Poll::Ready(Happening::Report(Box::new(report)));
        }
        match running.iter_mut().find_map(Running::new_doubt) {
            Some((doubt, server)) => Poll::Ready(Happening::Doubtful(doubt, server)),
            None => Poll::Pending,
        }
    })
    .await
}

impl<N: Network> Race<'_, N> {
    /// Asks a second server beside a server in whose name a bad message arrived.
    pub(super) fn doubt(&mut self, doubt: Doubt, server: SocketAddr) {
        self.candidates.let_rest(server, doubt.rests());
        if doubt <= Doubt::Cut {
            return;
        }
        self.doubted = true;
        self.candidates.doubt_server(server, doubt == Doubt::Some);
        // The same server would reply the same.
        if self.candidates.has_fresh() && self.launch().is_some() {
            self.env.count(Counter::UpstreamHedged);
        }
    }
}
