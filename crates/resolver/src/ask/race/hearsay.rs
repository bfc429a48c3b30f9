//! Replies of those who answer in the place of a server.

use zoners_cache::Denial;
use zoners_dns::{Network, NetworkError, QueryMode};

use super::Race;
use crate::ask::exchange::Report;
use crate::ask::interception::{observe_reply, observe_silence, obstruction};
use crate::env::interception::evidence::Voice;
use crate::model::answer::Unresolved;
use crate::model::verdict::{Fault, Finding, Reply, Verdict};

impl<N: Network> Race<'_, N> {
    /// Takes in with which voice a server answered, or that it did not; true if what it says is hearsay.
    pub(super) fn listen(&self, report: &Report) -> bool {
        let (env, server) = (self.env, report.attempt.endpoint.address);
        match &report.result {
            Ok(message) => {
                let voice = Voice::of(message);
                observe_reply(env, self.cut, server, voice);
                voice == Voice::Hearsay && self.cut.mode == QueryMode::Iterative
            }
            Err(fault) => {
                let told = matches!(
                    fault,
                    Fault::Network(
                        NetworkError::Refused | NetworkError::Closed | NetworkError::Unreachable
                    )
                );
                if told || *fault == Fault::Timeout {
                    observe_silence(env, self.cut, server, told);
                }
                false
            }
        }
    }

    /// What a verdict is worth that is hearsay. A denial counts as others do, unless it is known that the
    /// network intercepts DNS; a delegation then counts for the question at hand and no other.
    pub(super) fn as_hearsay(&self, verdict: Verdict) -> Verdict {
        let intercepted = self.is_intercepted();
        match verdict {
            Verdict::Answer(reply) => {
                let hearsay = intercepted || !reply.is_denial();
                Verdict::Answer(Reply { hearsay, ..reply })
            }
            Verdict::Referral(mut child) if intercepted => {
                child.expires = self.env.shared().now();
                Verdict::Referral(child)
            }
            referral => referral,
        }
    }

    pub(super) fn is_intercepted(&self) -> bool {
        self.env.shared().passage.is_intercepted()
    }

    /// Why the race is over, where this network lets nothing pass to the servers.
    pub(super) fn is_stopped(&self) -> Option<Unresolved> {
        obstruction(self.env, self.cut)
    }
}

/// The verdict where a server says no more than that there is nothing, of the type or of the name.
pub(super) fn nothing(of_name: bool) -> Verdict {
    let finding = if of_name { Finding::NxDomain } else { Finding::NoData };
    Verdict::Answer(Reply::of(finding(Denial::new(None, Vec::new()))))
}
