//! Rules of the operator, which go before lists: the operator has seen what lists do, and says otherwise.
//!
//! A name that the operator allows is treated like a name that a list allows: at bedtime the name stays reachable, and
//! safe search stays on.

use std::sync::Arc;

use zoners_dns::NameSlice;

use super::PolicyRules;
use crate::operator_rules::{OperatorRule, OperatorRules};
use crate::verdict::{MatchingRule, PolicyVerdict, RuleReason, RuleSource};

impl PolicyRules {
    /// The same rules with these rules of the operator.
    #[must_use]
    pub fn with_operator_rules(self, operator: Arc<OperatorRules>) -> Self {
        PolicyRules { operator, ..self }
    }

    /// The rules of the operator.
    #[must_use]
    pub fn operator_rules(&self) -> &Arc<OperatorRules> {
        &self.operator
    }

    /// The verdict of the operator's rules on a name, if a rule matches.
    pub(super) fn operator_verdict(&self, region: u8, asked: &NameSlice) -> Option<PolicyVerdict> {
        let group = self.unpaused(region).filter(|_| !self.operator.is_empty())?;
        let rule = self.operator.matching(asked, &group.name).next()?;
        let MatchingRule { action, reason } = self.matching_rule(region, &group.name, rule);
        Some(match action {
            Some(action) => PolicyVerdict::Act(action, reason),
            None => PolicyVerdict::Allowed(reason),
        })
    }

    /// Every rule of the operator that matches a name, the deciding rule first.
    pub(super) fn operator_rules_for(&self, region: u8, asked: &NameSlice) -> Vec<MatchingRule> {
        let Some(group) = self.unpaused(region) else { return Vec::new() };
        let rules = self.operator.matching(asked, &group.name);
        rules.map(|rule| self.matching_rule(region, &group.name, rule)).collect()
    }

    fn matching_rule(&self, region: u8, group: &str, rule: &OperatorRule) -> MatchingRule {
        let action = (!rule.allows).then(|| self.block_action(region));
        let group = group.to_owned();
        let rule = rule.to_string();
        let reason = RuleReason { source: RuleSource::Operator, rule, group, concerns: None };
        MatchingRule { action, reason }
    }
}

#[cfg(test)]
mod tests;
