//! What becomes of exchanges whose race is over: they live on in the nursery, to teach how slow their
//! servers are.

use std::pin::Pin;

use zoners_cache::Trouble;
use zoners_dns::{Counter, Endpoint, Network};

use super::Race;
use crate::exchange::Report;
use crate::nursery::Adoption;
use crate::worker::Worker;

impl<N: Network> Drop for Race<'_, N> {
    fn drop(&mut self) {
        for loser in self.running.take() {
            self.trace(&loser.attempt, loser.since.elapsed(), || None);
            self.worker.adopt(loser.attempt.endpoint, loser.exchange);
        }
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
