//! A rule of a list, as every form of list yields.

use zoners_dns::Prefix;

/// A rule: the pattern of questions and answers, and the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRule<'a> {
    /// The names or addresses of the rule.
    pub pattern: RulePattern<'a>,
    /// The action on a match.
    pub action: RuleAction,
    /// `$important`: the rule wins over allow rules.
    pub important: bool,
    /// `$badfilter`: the rule disables equal rules, and does nothing else.
    pub disables: bool,
    /// Further conditions and the data of a rewrite, as [`crate::RuleOptions`] writes them; empty for most rules.
    pub options: &'a str,
}

/// The subject of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePattern<'a> {
    /// Names of questions, aliases and service targets. `name` is on the wire, in lower case, with the root label.
    Name {
        /// Names concerned beside `name`.
        scope: RuleScope,
        /// The name.
        name: &'a [u8],
    },
    /// Names of nameservers (RPZ NSDNAME), as [`RulePattern::Name`].
    Nameserver {
        /// Names concerned beside `name`.
        scope: RuleScope,
        /// The name.
        name: &'a [u8],
    },
    /// An adblock pattern without a fixed end, or a regular expression between slashes.
    Scan(&'a str),
    /// Addresses of answers.
    Address(Prefix),
    /// Addresses of nameservers (RPZ NSIP).
    NameserverAddress(Prefix),
    /// Every question of clients at these addresses (RPZ client IP).
    Client(Prefix),
}

/// The names within a rule for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleScope {
    /// The name alone.
    Exact,
    /// The name and the names below.
    Subtree,
    /// The names below, without the name.
    Below,
}

impl RuleScope {
    /// Whether the rule of a name concerns names below.
    #[must_use]
    pub fn reaches_below(self) -> bool {
        self != RuleScope::Exact
    }

    /// Whether the rule concerns the name itself, or a name below.
    pub(crate) fn includes(self, is_below: bool) -> bool {
        match self {
            RuleScope::Exact => !is_below,
            RuleScope::Subtree => true,
            RuleScope::Below => is_below,
        }
    }
}

/// The action of a rule on a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum RuleAction {
    /// The question is resolved as without a policy.
    Allow = 0,
    /// Blocked in the style of the client's group.
    Block = 1,
    /// NXDOMAIN.
    Nxdomain = 2,
    /// NOERROR without records.
    Nodata = 3,
    /// REFUSED.
    Refused = 4,
    /// No reply.
    Drop = 5,
    /// An empty reply with TC over UDP, so that the client asks over TCP; no effect over TCP.
    TcpOnly = 6,
    /// The unspecified address for A and AAAA, NODATA for further types.
    NullAddress = 7,
    /// The answer in the options of the rule.
    Rewrite = 8,
}

impl RuleAction {
    const ALL: [RuleAction; 9] = [
        RuleAction::Allow,
        RuleAction::Block,
        RuleAction::Nxdomain,
        RuleAction::Nodata,
        RuleAction::Refused,
        RuleAction::Drop,
        RuleAction::TcpOnly,
        RuleAction::NullAddress,
        RuleAction::Rewrite,
    ];

    pub(crate) fn from_octet(octet: u8) -> Option<Self> {
        Self::ALL.get(usize::from(octet)).copied()
    }
}

/// Writes a name on the wire as text, without the final dot; octets outside printable ASCII as `\DDD`.
pub(crate) fn show_name(name: &[u8]) -> String {
    let (mut text, mut at) = (String::new(), 0);
    while let Some(length) = name.get(at).map(|length| usize::from(*length)).filter(|l| *l > 0) {
        if !text.is_empty() {
            text.push('.');
        }
        for octet in name.get(at + 1..at + 1 + length).unwrap_or_default() {
            match octet {
                b'.' | b'\\' => text.extend(['\\', char::from(*octet)]),
                b'!'..=b'~' => text.push(char::from(*octet)),
                _ => text.push_str(&format!("\\{octet:03}")),
            }
        }
        at += 1 + length;
    }
    if text.is_empty() { ".".into() } else { text }
}
