//! Rules of the operator: names blocked or allowed while the daemon runs.

use serde::{Deserialize, Serialize};

/// What a rule of the operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OperatorRuleEffect {
    /// The name is blocked.
    Block,
    /// The name is allowed, whatever lists say.
    Allow,
}

/// A rule of the operator in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OperatorRuleState {
    /// The name.
    pub name: String,
    /// What the rule does.
    pub effect: OperatorRuleEffect,
    /// The group of clients; `None` for all groups.
    pub group: Option<String>,
}
