//! What becomes of exchanges whose race is over: they live on in the nursery, to teach how slow their
//! servers are.

use std::pin::Pin;

use zoners_dns::{Counter, Network};

use super::Race;
use crate::env::stragglers::Adoption;
use crate::env::worker::Worker;

impl<N: Network> Drop for Race<'_, N> {
    fn drop(&mut self) {
        for loser in self.running.take() {
            self.trace(&loser.attempt, loser.since.elapsed(), || None);
            // A follower of an outstanding query learns no more than the sender.
            if !loser.exchange.joined {
                self.worker.adopt(loser.exchange.report);
            }
        }
    }
}

impl<N: Network> Worker<N> {
    /// Lets an exchange live on whose race is over, to learn from it.
    pub(crate) fn adopt<T: Send + 'static>(
        &self,
        exchange: Pin<Box<dyn Future<Output = T> + Send>>,
    ) {
        // Where sockets are few, those who live on need none.
        let limit = if self.network().is_short() { 0 } else { self.settings().limits.nursery };
        if self.nursery().adopt(exchange, limit) == Adoption::Full {
            self.count(Counter::UpstreamStragglersDropped);
        }
    }
}
