//! What a policy says of a question or an answer, and why.

use std::fmt;
use std::net::IpAddr;

use zoners_dns::{Name, Rtype};

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
    /// The list.
    pub list: String,
    /// The line of the list, from 1 on.
    pub line: u32,
    /// The rule, in the syntax of adblock lists or, without options, of the list.
    pub rule: String,
    /// The group of the client.
    pub group: String,
    /// The name or address of the answer for which the rule decides; none for the name in question.
    pub concerns: Option<String>,
}

impl fmt::Display for RuleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "list {}, line {}: {}", self.list, self.line, self.rule)?;
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
