//! What a policy says of a question or an answer, and why.

use std::fmt;
use std::net::IpAddr;

use zoners_dns::{Name, Rtype};

use crate::safe_search::SafeSearch;

/// The verdict on a question or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyVerdict {
    /// No rule matches.
    Pass,
    /// A rule allows the name.
    Allowed(RuleReason),
    /// A rule decides on the reply.
    Act(PolicyAction, RuleReason),
}

impl PolicyVerdict {
    /// The same verdict for a name or an address of the answer.
    #[must_use]
    pub(crate) fn concerning(self, concerns: Option<String>) -> Self {
        match self {
            PolicyVerdict::Pass => PolicyVerdict::Pass,
            PolicyVerdict::Allowed(reason) => {
                PolicyVerdict::Allowed(RuleReason { concerns, ..reason })
            }
            PolicyVerdict::Act(action, reason) => {
                PolicyVerdict::Act(action, RuleReason { concerns, ..reason })
            }
        }
    }
}

/// The reply by which a rule acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyAction {
    /// NXDOMAIN.
    Nxdomain,
    /// NOERROR without records.
    Nodata,
    /// REFUSED.
    Refused,
    /// No reply.
    Drop,
    /// An empty reply with TC over UDP; over TCP, no effect.
    TcpOnly,
    /// The addresses of the family in question, or NODATA.
    Addresses(Vec<IpAddr>),
    /// A CNAME record.
    Alias(Name),
    /// Records with RDATA on the wire; NODATA if none has the type in question.
    Records(Vec<(Rtype, Vec<u8>)>),
}

/// The rule behind a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleReason {
    /// Where the rule stands.
    pub source: RuleSource,
    /// The rule; of a list in the syntax of adblock lists or, without options, of the list.
    pub rule: String,
    /// The group of the client.
    pub group: String,
    /// The name or address of the answer for which the rule decides; none for the name in question.
    pub concerns: Option<String>,
}

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSource {
    /// In a list.
    List {
        /// The name of the list.
        name: String,
        /// The line, from 1 on.
        line: u32,
    },
    /// In a schedule of the group that blocks every name.
    Schedule(String),
    /// In the table of services.
    Service(&'static str),
    /// In the table of safe search.
    SafeSearch(SafeSearch),
    /// In the group: no IPv6 addresses.
    BlockAaaa,
    /// Among the rules of the operator.
    Operator,
}

impl RuleSource {
    /// The name of the list, for a rule of a list.
    #[must_use]
    pub fn list(&self) -> Option<&str> {
        match self {
            RuleSource::List { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The line of the list; 0 for a rule of no list.
    #[must_use]
    pub fn line(&self) -> u32 {
        match self {
            RuleSource::List { line, .. } => *line,
            _ => 0,
        }
    }
}

impl fmt::Display for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleSource::List { name, line } => write!(f, "list {name}, line {line}"),
            RuleSource::Schedule(name) => write!(f, "schedule {name}"),
            RuleSource::Service(name) => write!(f, "service {name}"),
            RuleSource::SafeSearch(engine) => write!(f, "safe search of {engine}"),
            RuleSource::BlockAaaa => f.write_str("block-aaaa"),
            RuleSource::Operator => f.write_str("rule of the operator"),
        }
    }
}

impl fmt::Display for RuleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.rule)?;
        match &self.concerns {
            Some(concerns) => write!(f, " (for {concerns})"),
            None => Ok(()),
        }
    }
}

/// A matching rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchingRule {
    /// The reply, or none if the rule allows.
    pub action: Option<PolicyAction>,
    /// The rule.
    pub reason: RuleReason,
}
