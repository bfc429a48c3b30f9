//! What questions do where this network lets nothing pass, or nothing that can be proven: they fail at once,
//! and say why. One sounding at a time tells whether that is still so, and they wait for it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;
use zoners_dns::{Delegation, Network, QueryMode, Question};

use super::probe::PATIENCE;
use super::{EVERY, OUTAGE, Obstacle};
use crate::env::worker::Worker;
use crate::model::answer::{Cause, Unresolved};

/// Where the last sounding was a moment ago, questions fail after this: a program that asks again and again
/// shall not do so as fast as it can.
const PAUSE: Duration = Duration::from_millis(50);

impl<N: Network> Worker<N> {
    /// Lets a question to the servers of `cut` go on.
    ///
    /// # Errors
    /// This network lets no question pass to them.
    pub(crate) async fn may_pass(&self, cut: &Delegation) -> Result<(), Unresolved> {
        if self.stopped(cut).is_none() {
            return Ok(());
        }
        // Boxed, since it is rare.
        Box::pin(self.wait_for_sounding()).await;
        self.stopped(cut).map_or(Ok(()), Err)
    }

    /// Lets a question go on whose answer is to be proven with keys that are yet to be fetched.
    ///
    /// # Errors
    /// On this network nothing can be proven.
    pub(crate) async fn may_prove(&self) -> Result<(), Unresolved> {
        let passage = &self.shared().passage;
        if !passage.is_forged() {
            return Ok(());
        }
        Box::pin(self.wait_for_sounding()).await;
        match passage.obstacle() {
            Some(obstacle) if passage.is_forged() => Err(obstacle.unresolved()),
            _ => Ok(()),
        }
    }

    /// The failure of all questions to the servers of `cut`, where this network lets none pass.
    pub(crate) fn stopped(&self, cut: &Delegation) -> Option<Unresolved> {
        let obstacle = self.shared().passage.closed()?;
        let mut addresses = cut.servers.iter().flat_map(|server| &server.addresses);
        let is_near = |at: &SocketAddr| !self.settings().is_foreign(at.ip());
        (cut.mode == QueryMode::Iterative && !addresses.any(is_near)).then(|| obstacle.unresolved())
    }

    /// Whether this network lets no question pass to the servers that this one goes to.
    pub(crate) fn is_closed_for(&self, question: &Question) -> bool {
        self.shared().passage.closed().is_some() && self.goes_to_foreign_servers(question)
    }

    /// Whether the configuration names no servers of its own for a question.
    fn goes_to_foreign_servers(&self, question: &Question) -> bool {
        let route = self.settings().route(&question.answered_at());
        route.is_none_or(|route| route.mode == QueryMode::Iterative)
    }

    /// Names the cause of a failure, where it is this network or its line.
    pub(crate) fn name_obstacle(&self, question: &Question, failed: Unresolved) -> Unresolved {
        let obstacle = match self.shared().passage.obstacle() {
            Some(obstacle) => obstacle,
            // What was met is a limit, but it is the line that is gone.
            None if failed.cause == Cause::Budget && self.shared().is_line_down() => {
                Obstacle::Silent
            }
            None => return failed,
        };
        if !self.goes_to_foreign_servers(question) {
            return failed;
        }
        match (obstacle.is_closed(), failed.cause) {
            (false, _) if failed.ede.code.is_bogus() => obstacle.explains(failed),
            (true, Cause::Silent | Cause::Unusable | Cause::NoAddress) => obstacle.unresolved(),
            (true, Cause::Budget | Cause::Deadline) => obstacle.unresolved(),
            _ => failed,
        }
    }

    /// Waits for a sounding, where a failure may be that of the network: nothing useful has come through for
    /// long, or what came is strange.
    pub(crate) async fn wait_if_doubtful(&self) {
        let (passage, now) = (&self.shared().passage, self.shared().now());
        let quiet = passage.passed_at().is_none_or(|passed| now.since(passed) >= OUTAGE);
        if passage.obstacle().is_none() && (quiet || passage.has_strange_voices()) {
            self.wait_for_sounding().await;
        }
    }

    /// Waits for the sounding that is under way, or for one that begins now if it is time for one.
    async fn wait_for_sounding(&self) {
        let (passage, now) = (&self.shared().passage, self.shared().now());
        let sounded = passage.sounded.notified();
        let (claimed, is_sounding) = {
            let mut notes = passage.notes.lock();
            (notes.claim(EVERY, now), notes.is_sounding)
        };
        if claimed {
            self.sound();
        }
        // No longer than it takes, even if the worker that carries it out has gone.
        let longest = if is_sounding { PATIENCE } else { PAUSE };
        let _ = timeout(longest, sounded).await;
    }
}

impl Obstacle {
    fn unresolved(self) -> Unresolved {
        let cause = if self.is_closed() { Cause::Silent } else { Cause::BogusZone };
        Unresolved::new(cause, self.says()).with_code(self.code())
    }

    /// The same failure, which tells of the obstacle first.
    fn explains(self, failed: Unresolved) -> Unresolved {
        let Unresolved { cause, mut ede } = failed;
        if !ede.text.starts_with(self.says()) {
            ede.text = format!("{}; {}", self.says(), ede.text);
        }
        Unresolved { cause, ede }
    }
}
