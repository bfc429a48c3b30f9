//! A change of the operator's rules, and what the change does.

use serde::{Deserialize, Serialize};

use crate::{OperatorRuleEffect, PolicyExplanation};

/// A rule to be made or taken back. The rule concerns the name and every name below, and goes before every list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OperatorRuleChange {
    /// The name.
    pub name: String,
    /// What the rule does; `None` takes the rule for this name and group back.
    pub effect: Option<OperatorRuleEffect>,
    /// The group of clients; `None` for all groups.
    #[serde(default)]
    pub group: Option<String>,
    /// Tell what would change, and change nothing.
    #[serde(default)]
    pub trial: bool,
    /// The name for which the change is told; `None` for the name of the rule.
    #[serde(default)]
    pub asked: Option<String>,
    /// The address of the client for which the change is told; `None` for this machine.
    #[serde(default)]
    pub client: Option<String>,
}

/// A rule was made or taken back, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OperatorRuleReport {
    /// The name of the rule.
    pub name: String,
    /// What the rule does; `None` if the rule is taken back.
    pub effect: Option<OperatorRuleEffect>,
    /// The group of clients; `None` for all groups.
    pub group: Option<String>,
    /// What the former rule for the name and the group did; `None` without one.
    pub former: Option<OperatorRuleEffect>,
    /// Whether nothing has changed, since the caller wanted to know alone.
    pub trial: bool,
    /// What decided before.
    pub before: PolicyExplanation,
    /// What decides with the change.
    pub after: PolicyExplanation,
    /// The file in which the rules are kept; `None` if the rules end with the daemon.
    pub file: Option<String>,
}
