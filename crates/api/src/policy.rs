//! The policy: lists in force, the rule behind a decision, and pauses.

use serde::{Deserialize, Serialize};

use crate::{OperatorRuleState, PolicySourceReport};

/// The rules that match a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyExplanation {
    /// The name in question.
    pub name: String,
    /// The record type in question.
    pub r#type: String,
    /// The address of the client.
    pub client: String,
    /// The group of the client.
    pub group: String,
    /// Whether the policy is paused for the group: then no rule matches.
    pub paused: bool,
    /// The schedules of the group that are in force.
    pub schedules: Vec<String>,
    /// The matching rules; the first decides, and the next would decide without the first.
    pub rules: Vec<MatchingRuleReport>,
    /// What rebinding protection says, after every rule; `None` without the protection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebinding: Option<RebindingReport>,
}

/// Whether a name may have private addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RebindingReport {
    /// Why the name may have private addresses, in words; `None` if it may not.
    pub exemption: Option<String>,
    /// The record of the cache for which clients get no answer, as in a zone file.
    pub denied: Option<String>,
}

/// A matching rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MatchingRuleReport {
    /// Where the rule stands: in a list or schedule, in the table of services or of safe search, in the group, or
    /// among the rules of the operator.
    pub source: RuleSourceReport,
    /// The name of the list, schedule, service or search engine; empty for other rules.
    pub of: String,
    /// The line of the list, from 1 on.
    pub line: Option<u32>,
    /// The rule.
    pub rule: String,
    /// Whether the rule allows the name.
    pub allows: bool,
    /// The reply of the rule, in words.
    pub action: String,
}

impl MatchingRuleReport {
    /// What the rule does, in a word.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        use RuleSourceReport::{BlockAaaa, Records, SafeSearch};
        match (self.allows, self.source) {
            (true, _) => "allowed",
            (false, SafeSearch | BlockAaaa | Records) => "changed",
            (false, _) => "blocked",
        }
    }

    /// Where the rule stands, in words.
    #[must_use]
    pub fn place(&self) -> String {
        let of = &self.of;
        match self.source {
            RuleSourceReport::List => {
                let line = self.line.map(|line| format!(", line {line}")).unwrap_or_default();
                format!("list {of}{line}")
            }
            RuleSourceReport::Schedule => format!("schedule {of}"),
            RuleSourceReport::Service => format!("service {of}"),
            RuleSourceReport::SafeSearch => format!("safe search of {of}"),
            RuleSourceReport::BlockAaaa => "block-aaaa".to_owned(),
            RuleSourceReport::Records => format!("records of group {of}"),
            RuleSourceReport::Operator => "rule of the operator".to_owned(),
        }
    }
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RuleSourceReport {
    /// In a list.
    List,
    /// In a schedule that blocks every name.
    Schedule,
    /// In the table of services.
    Service,
    /// In the table of safe search.
    SafeSearch,
    /// In a group without IPv6 addresses.
    BlockAaaa,
    /// In the records of a group.
    Records,
    /// Among the rules of the operator.
    Operator,
}

/// The lists in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyListReport {
    /// The lists, in the order of the configuration.
    pub lists: Vec<PolicyListState>,
    /// Names with rules, each counted once.
    pub names: u64,
    /// Memory of the tables.
    pub memory_bytes: u64,
    /// Groups of clients, the default first.
    pub groups: Vec<PolicyGroupState>,
    /// The configured lists, in force or not.
    #[serde(default)]
    pub sources: Vec<PolicySourceReport>,
    /// The rules of the operator, which go before every list.
    #[serde(default)]
    pub operator_rules: Vec<OperatorRuleState>,
}

/// A list in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyListState {
    /// The name.
    pub name: String,
    /// The form, such as `hosts`.
    pub form: String,
    /// Whether names of the list are allowed.
    pub allows: bool,
    /// Rules in force.
    pub rules: u32,
    /// Rules that repeat an earlier rule of the list.
    pub repeated: u32,
    /// Lines of the file.
    pub lines: u32,
    /// Lines that mean something to DNS and are not understood.
    pub lost: u32,
    /// Skipped lines by reason.
    pub skipped: Vec<SkippedLineReport>,
    /// Replies that a rule of the list has decided since the start of the daemon; replies without the policy's doing, such
    /// as those to allowed names, are not counted.
    #[serde(default)]
    pub hits: u64,
    /// Rules that never decide, as a rule that goes before matches each of their questions; `None` if not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<IdleRulesReport>,
    /// Rules without which a broader rule does the same; `None` if not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadowed: Option<IdleRulesReport>,
}

/// Rules of a list that change nothing, for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IdleRulesReport {
    /// How many.
    pub count: u32,
    /// The one with the first line.
    pub first: Option<IdleRuleReport>,
}

/// A rule that changes nothing, and the rule that covers this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IdleRuleReport {
    /// The line of the list.
    pub line: u32,
    /// The rule.
    pub rule: String,
    /// The list of the rule that covers this one.
    pub by_list: String,
    /// The line in that list.
    pub by_line: u32,
    /// The rule that covers this one.
    pub by_rule: String,
}

/// Lines skipped for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SkippedLineReport {
    /// The reason.
    pub reason: String,
    /// How many lines.
    pub lines: u32,
    /// The first line.
    pub first: u32,
}

/// A group of clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyGroupState {
    /// The name.
    pub name: String,
    /// Addresses and prefixes of the clients.
    pub clients: Vec<String>,
    /// Names of the lists.
    pub lists: Vec<String>,
    /// Blocked services.
    pub services: Vec<String>,
    /// Search engines with safe search.
    pub safe_search: Vec<String>,
    /// The schedules in force.
    pub schedules: Vec<String>,
    /// Whether the policy is paused for the group.
    pub paused: bool,
}

/// A pause has begun or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyPauseReport {
    /// The group; `None` for all groups.
    pub group: Option<String>,
    /// Seconds until the policy is in force again; 0 if the policy is in force.
    pub left_s: u32,
}
