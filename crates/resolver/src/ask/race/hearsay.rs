//! Hearsay: replies of hosts answering in place of a server.

use zoners_cache::Denial;
use zoners_dns::{Network, NetworkError, QueryMode};

use super::Race;
use crate::ask::exchange::Report;
use crate::ask::interception::{observe_reply, observe_silence, obstruction};
use crate::env::interception::evidence::{FailureSign, ReplyVoice};
use crate::model::answer::Unresolved;
use crate::model::verdict::{Fault, Finding, Reply, Verdict};

impl<N: Network> Race<'_, N> {
    /// Records whether a server replied as an authority, as a resolver, or not at all; true if the
    /// reply is hearsay.
    pub(super) fn observe_network(&self, report: &Report) -> bool {
        let (env, server) = (self.env, report.attempt.endpoint.address);
        match &report.result {
            Ok(message) => {
                let voice = ReplyVoice::of(message);
                observe_reply(env, self.cut, server, voice);
                voice == ReplyVoice::Hearsay && self.cut.mode == QueryMode::Iterative
            }
            Err(fault) => {
                let sign = match fault {
                    Fault::Timeout => Some(FailureSign::Silence),
                    Fault::Network(
                        NetworkError::Refused | NetworkError::Closed | NetworkError::Unreachable,
                    ) => Some(FailureSign::Error),
                    _ => None,
                };
                if let Some(sign) = sign {
                    observe_silence(env, self.cut, server, sign);
                }
                false
            }
        }
    }

    /// The value of a hearsay verdict. A denial counts as usual unless interception is known; a
    /// delegation then counts for this question alone.
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
        self.env.shared().interception.is_intercepted()
    }

    /// Why the race is over, where this network lets nothing pass to the servers.
    pub(super) fn is_stopped(&self) -> Option<Unresolved> {
        obstruction(self.env, self.cut)
    }
}

/// The verdict if servers say only that there is nothing: a bare denial is of the name, all else of the type.
pub(super) fn empty_verdict(said: Fault) -> Verdict {
    let finding = if said == Fault::BareDenial { Finding::NxDomain } else { Finding::NoData };
    Verdict::Answer(Reply::of(finding(Denial::new(None, Vec::new()))))
}
