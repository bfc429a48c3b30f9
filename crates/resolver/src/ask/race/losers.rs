//! Losers of a race: their exchanges live on as stragglers, to learn the RTTs.

use zoners_dns::Network;

use super::Race;

impl<N: Network> Drop for Race<'_, N> {
    fn drop(&mut self) {
        for loser in self.running.take() {
            self.trace(&loser.attempt, loser.since.elapsed(), || None);
            // A follower of an outstanding query learns no more than the sender.
            if !loser.exchange.joined {
                self.env.adopt(loser.exchange.report);
            }
        }
    }
}
