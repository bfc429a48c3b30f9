//! Replies to repeated queries, which reveal the RTT of the server and the loss rate of the uplink.
//!
//! The first reply to a repeated query may belong to any copy. If each copy is answered, the first
//! reply belongs to the first copy. Without this, a server that became slow would be thought fast
//! forever, since each query is repeated before its reply arrives. Unanswered copies were lost;
//! without counting them, a lossy uplink would seem good.

use tokio::time::timeout_at;
use zoners_dns::{Exchange, ExchangeEvent, Network, Question};

use super::matching::{Match, matches};
use super::wait::PendingQuery;
use crate::env::environment::Env;
use crate::selection::observation::{Observation, ReplyTime, observe};

/// Messages read; they may come from an attacker too.
const MOST_MESSAGES: u32 = 16;

/// Waits as a straggler for further replies, if the query was repeated.
pub(super) fn await_copies<N: Network>(
    env: &Env<N>,
    mut wait: PendingQuery<N>,
    question: &Question,
) {
    // A stream loses nothing, and a dead stream says nothing about the uplink.
    if wait.endpoint.transport.is_stream() {
        return;
    }
    let (Some(took), Some(last_sent)) = (wait.took, wait.last_sent) else { return };
    let until = last_sent + took + took / 2;
    let (own_env, question) = (env.arc(), question.clone());
    env.adopt(Box::pin(async move {
        let mut copies = ReplyCopies { missing: wait.times - 1, edns: true };
        let counted = timeout_at(until, copies.count_replies(&mut wait, &question)).await;
        let observation = match (counted, copies.missing) {
            (Ok(()), 0) => {
                let (time, edns) = (ReplyTime::Exact { rtt: took }, copies.edns);
                Observation::Reply { time, edns, query: None }
            }
            (Ok(()), _) => return,
            (Err(_), copies) => Observation::LostCopies { copies },
        };
        observe(&own_env, wait.endpoint, observation);
    }));
}

/// The copies of a query, except the copy that was answered first.
struct ReplyCopies {
    /// Unanswered copies.
    missing: u32,
    /// Whether the last answered copy had EDNS.
    edns: bool,
}

impl ReplyCopies {
    /// Waits until each is answered, or no more messages are looked at.
    async fn count_replies<N: Network>(&mut self, wait: &mut PendingQuery<N>, question: &Question) {
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
