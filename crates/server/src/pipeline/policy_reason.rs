//! The reason of a decision.

use zoners_dns::Ede;

/// Why a policy has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyReason {
    /// The reason for the client.
    pub ede: Ede,
    /// The number of the list with the rule, under which [`Policy::count_reply`](super::policy::Policy::count_reply) counts.
    pub list: Option<u16>,
}

impl From<Ede> for PolicyReason {
    fn from(ede: Ede) -> Self {
        PolicyReason { ede, list: None }
    }
}
