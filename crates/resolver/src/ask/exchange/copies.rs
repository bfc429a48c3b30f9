//! Replies to copies of a query, which tell how long the server takes and what the line loses.
//!
//! The first reply to a query that was sent more than once may be to any of its copies. If each of them
//! is answered, it was to the first. Else a server that has become slow would be thought fast for ever,
//! since each query to it is sent again before its reply comes. Copies that are not answered were lost:
//! else a line would seem good on which each loss is soon made up for.

use tokio::time::timeout_at;
use zoners_cache::Evidence;
use zoners_dns::{Exchange, ExchangeEvent, Network, Question, Transport};

use super::matching::{Match, matches};
use super::wait::Wait;
use crate::env::environment::Env;

/// Messages that are looked at; others than the server may send them too.
const MOST_MESSAGES: u32 = 16;

/// Waits in the nursery for the other replies to a query that is answered, if it was sent more than
/// once.
pub(super) fn await_copies<N: Network>(env: &Env<N>, mut wait: Wait<N>, question: &Question) {
    // A stream loses nothing, and one that died tells nothing of the line.
    if wait.endpoint.transport == Transport::Tcp {
        return;
    }
    let (Some(took), Some(last_sent)) = (wait.took, wait.last_sent) else { return };
    let until = last_sent + took + took / 2;
    let (held, question) = (env.arc(), question.clone());
    env.adopt(Box::pin(async move {
        let mut copies = Copies { missing: wait.times - 1, edns: true };
        let heard = timeout_at(until, copies.hear(&mut wait, &question)).await;
        let shared = held.shared();
        match (heard, copies.missing) {
            (Ok(()), 0) => _ = shared.teach(wait.endpoint, Evidence::Reply(took, copies.edns)),
            (Ok(()), _) => {}
            (Err(_), missing) => {
                let line = shared.lines.to(wait.endpoint.address.ip());
                (0..missing).for_each(|_| line.lost());
            }
        }
    }));
}

/// The copies of a query but the one whose reply came first.
struct Copies {
    /// Those that were not answered.
    missing: u32,
    /// Whether the last that was answered had EDNS.
    edns: bool,
}

impl Copies {
    /// Waits until each is answered, or no more messages are looked at.
    async fn hear<N: Network>(&mut self, wait: &mut Wait<N>, question: &Question) {
        for _ in 0..MOST_MESSAGES {
            let octets = match wait.exchange.receive().await {
                ExchangeEvent::Message(octets) => octets,
                ExchangeEvent::Advisory(_) => continue,
                ExchangeEvent::Failed(_) => return,
            };
            if let Match::Reply(message) = matches(&octets, wait.id, question) {
                self.missing -= 1;
                self.edns = message.edns.is_some();
                if self.missing == 0 {
                    return;
                }
            }
        }
    }
}
