//! Whether servers are silent, or our own line.
//!
//! Where nothing but a dead zone is asked for, both look alike. So whoever answered last is asked for
//! something beside the race: a reply, whatever it says, clears the line.

use std::pin::Pin;
use std::time::Duration;

use zoners_cache::Trouble;
use zoners_dns::{Counter, Endpoint, Network, Question, Rtype, name};

use super::Race;
use crate::candidates::Attempt;
use crate::exchange::{Asking, Report, attempt};
use crate::nursery::Adoption;
use crate::worker::Worker;

impl<N: Network> Race<'_, N> {
    /// Asks who answered last, if nobody does any more and it is none of this race.
    pub(super) fn probe_line(&self) {
        let shared = self.worker.shared();
        let probe = shared.line.claim_probe(shared.now());
        let Some(endpoint) = probe.filter(|server| !self.candidates.has(server.address)) else {
            return;
        };
        self.worker.count(Counter::UpstreamExplored);
        let question = Question::new(name::root(), Rtype::NS);
        let asking = Asking { question, recursion_desired: false, retry: true };
        let probe = Attempt {
            endpoint,
            edns: true,
            troubled: false,
            is_first: true,
            server: 0,
            patience: Duration::ZERO,
            why: "to see whether it is the line",
        };
        let exchange = attempt(self.worker.arc(), asking, probe, self.context.clone());
        self.worker.adopt(endpoint, Box::pin(exchange));
    }
}

impl<N: Network> Worker<N> {
    /// Lets an exchange live on whose race is over, to learn from it.
    pub(super) fn adopt(
        &self,
        endpoint: Endpoint,
        exchange: Pin<Box<dyn Future<Output = Report> + Send>>,
    ) {
        let (worker, limit) = (self.arc(), self.settings().limits.nursery);
        let give_up = move || worker.blame(endpoint, Trouble::Timeout);
        if self.nursery().adopt(exchange, limit, give_up) == Adoption::Full {
            self.count(Counter::NurseryFull);
        }
    }
}
