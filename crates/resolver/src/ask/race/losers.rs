//! Losers of a race: their exchanges live on as stragglers, to learn the RTTs.

use zoners_dns::Network;

use super::Race;
use crate::model::hop_log::LoggedEnd;

impl<N: Network> Drop for Race<'_, N> {
    fn drop(&mut self) {
        for loser in self.running.take() {
            let waited = loser.since.elapsed();
            self.trace(&loser.attempt, waited, || None);
            self.step.end_query(loser.attempt.endpoint, waited, || LoggedEnd::Outpaced);
            // A follower of an outstanding query learns no more than the sender.
            if !loser.exchange.joined {
                self.env.adopt(loser.exchange.report);
            }
        }
    }
}
