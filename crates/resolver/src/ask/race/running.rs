//! Concurrent attempts.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Instant;
use zoners_dns::{Counter, Network};

use super::concurrent::Concurrent;
use super::{Race, RaceEvent};
use crate::ask::exchange::{Report, StartedAttempt, Suspicion};
use crate::selection::candidates::Attempt;

/// An attempt under way.
pub(super) struct RunningAttempt {
    pub(super) attempt: Attempt,
    pub(super) since: Instant,
    pub(super) exchange: StartedAttempt,
    /// The doubt at the last look.
    pub(super) doubt: Suspicion,
}

impl RunningAttempt {
    /// The doubt, if it has grown, and the server concerned.
    fn new_doubt(&mut self) -> Option<(Suspicion, SocketAddr)> {
        let before = std::mem::replace(&mut self.doubt, self.exchange.doubt());
        (self.doubt > before).then_some((self.doubt, self.attempt.endpoint.address))
    }
}

impl Future for RunningAttempt {
    type Output = Report;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Report> {
        self.exchange.report.as_mut().poll(context)
    }
}

/// The next result of the attempts under way, or a new doubt.
pub(super) async fn next_of(running: &mut Concurrent<RunningAttempt>) -> RaceEvent {
    poll_fn(|context| {
        if let Poll::Ready(report) = running.poll_next(context) {
            return Poll::Ready(RaceEvent::Report(Box::new(report)));
        }
        match running.iter_mut().find_map(RunningAttempt::new_doubt) {
            Some((doubt, server)) => Poll::Ready(RaceEvent::Doubtful(doubt, server)),
            None => Poll::Pending,
        }
    })
    .await
}

impl<N: Network> Race<'_, N> {
    /// Asks a second server beside a server in whose name a bad message arrived.
    pub(super) fn doubt(&mut self, doubt: Suspicion, server: SocketAddr) {
        match doubt.pauses() {
            true => self.candidates.pause(server),
            false => self.candidates.resume(server),
        }
        if doubt <= Suspicion::Truncated {
            return;
        }
        self.has_bad_message = true;
        self.candidates.suspect(server);
        if doubt == Suspicion::Some {
            self.candidates.exclude_tcp(server);
        }
        // The same server would reply the same.
        if self.candidates.has_fresh() && self.launch().is_some() {
            self.env.count(Counter::UpstreamHedged);
        }
    }
}
