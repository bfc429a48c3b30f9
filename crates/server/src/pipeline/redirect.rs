//! Aliases of local data and of policy rules, and the name to which they lead.

use zoners_dns::{Name, OptRcode, Question, RRset, Rtype, Security};
use zoners_resolver::Answer;

use super::policy_reason::PolicyReason;

/// The most aliases before the target.
const MAX_ALIASES: usize = 16;

/// Aliases, and the name to which they lead.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// The aliases, from the name in question on.
    pub chain: Vec<RRset>,
    /// The name whose records complete the answer.
    pub target: Name,
    /// The rule behind; none for local data.
    pub reason: Option<PolicyReason>,
}

impl Redirect {
    /// The redirect of an answer that ends with an alias and lacks the records of its target.
    pub(super) fn of_local(answer: &Answer, rtype: Rtype) -> Option<Self> {
        let is_open = answer.rcode == OptRcode::NOERROR
            && answer.authority.is_empty()
            && ![Rtype::CNAME, Rtype::ANY].contains(&rtype);
        let last = answer.answer.last().filter(|set| is_open && set.rtype == Rtype::CNAME)?;
        Some(Redirect { chain: answer.answer.clone(), target: last.target()?, reason: None })
    }

    pub(super) fn question(&self, asked: &Question) -> Question {
        Question { name: self.target.clone(), ..asked.clone() }
    }

    /// The whole answer; `None` if the aliases lead back to a name before.
    pub(super) fn complete(&self, found: &Answer) -> Option<Answer> {
        let is_before = |set: &RRset| self.chain.iter().any(|alias| alias.owner == set.owner);
        if found.rcode == OptRcode::SERVFAIL || found.answer.iter().any(is_before) {
            return None;
        }
        Some(Answer {
            answer: [&self.chain[..], &found.answer].concat(),
            additional: Vec::new(),
            security: Security::Unchecked,
            ..found.clone()
        })
    }

    /// Whether the target is one of the names before.
    pub(super) fn is_loop(&self) -> bool {
        let is_long = self.chain.len() > MAX_ALIASES;
        is_long || self.chain.iter().any(|alias| alias.owner == self.target)
    }
}
