//! Replies to copies of a query, which tell how long the server takes.
//!
//! The first reply to a query that was sent more than once may be to any of its copies. If each of them
//! is answered, it was to the first. Else a server that has become slow would be thought fast for ever,
//! since each query to it is sent again before its reply comes.

use tokio::time::timeout_at;
use zoners_cache::Evidence;
use zoners_dns::{Exchange, Network, Outcome, Question};

use super::reply::{Match, matches};
use super::wait::Wait;
use crate::worker::Worker;

/// Messages that are looked at; others than the server may send them too.
const MOST_MESSAGES: u32 = 16;

impl<N: Network> Worker<N> {
    /// Waits in the nursery for the other replies to a query that is answered, if it was sent more than
    /// once.
    pub(super) fn hear_copies(&self, mut wait: Wait<N>, question: &Question) {
        let (Some(took), Some(last_sent)) = (wait.took, wait.last_sent) else { return };
        let until = last_sent + took + took / 2;
        let (worker, question) = (self.arc(), question.clone());
        self.adopt(Box::pin(async move {
            let all = timeout_at(until, all_copies(&mut wait, &question)).await;
            if let Ok(Some(edns)) = all {
                worker.shared().teach(wait.endpoint, Evidence::Reply(took, edns));
            }
        }));
    }
}

/// Waits for the replies to all copies but the first to come; whether the last was with EDNS.
async fn all_copies<N: Network>(wait: &mut Wait<N>, question: &Question) -> Option<bool> {
    let mut missing = wait.times - 1;
    for _ in 0..MOST_MESSAGES {
        let octets = match wait.exchange.receive().await {
            Outcome::Message(octets) => octets,
            Outcome::Told(_) => continue,
            Outcome::Failed(_) => return None,
        };
        if let Match::Reply(message) = matches(&octets, wait.id, question) {
            missing -= 1;
            if missing == 0 {
                return Some(message.edns.is_some());
            }
        }
    }
    None
}
