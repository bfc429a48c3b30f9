//! Rules of the operator: what a change does, and the rules in reports.

use zoners_api::{
    AdminError, OperatorRuleChange, OperatorRuleEffect, OperatorRuleReport, OperatorRuleState,
    PolicyExplanation,
};
use zoners_dns::Network;
use zoners_policy::{OperatorRule, PolicyRules};

use super::Overseer;
use super::policy::{explain_by, in_force};
use super::requests::parse;
use crate::config::DEFAULT_GROUP;
use crate::control::question;
use crate::daemon::list_requests::ListRequest;
use crate::daemon::operator_rules::{PolicyInForce, RuleChange, RuleOutcome, RuleRequest};
use crate::policy::shelf::PolicyShelf;
use crate::report::text;

/// Makes a rule or takes a rule back, and reports the effect.
pub(super) async fn change<N: Network>(
    overseer: &Overseer<N>,
    change: &OperatorRuleChange,
) -> Result<OperatorRuleReport, AdminError> {
    let name = parse(&change.name)?;
    if name.is_root() {
        return Err(AdminError::invalid("a rule for the root would concern every name"));
    }
    if change.name.contains(char::is_whitespace) {
        return Err(AdminError::invalid("name: write a name without spaces"));
    }
    let service = overseer.service();
    if let Some(group) = &change.group {
        has_group(in_force(&service).ok(), group)?;
    }
    let asked = change.asked.as_deref().unwrap_or(&change.name);
    let asked = question(asked, "A").map_err(AdminError::invalid)?;
    let (group, is_trial) = (change.group.clone(), change.trial);
    let wanted = match change.effect {
        None => RuleChange::Remove { name: name.clone(), group },
        Some(effect) => {
            let allows = effect == OperatorRuleEffect::Allow;
            RuleChange::Set(OperatorRule { name: name.clone(), allows, group })
        }
    };
    let request = |caller| ListRequest::Rule(RuleRequest { change: wanted, is_trial, caller });
    let RuleOutcome { former, before, after, file } = overseer.ask_main_thread(request).await?;
    let explain = |policy: PolicyInForce| -> Result<PolicyExplanation, AdminError> {
        explain_by(&service, policy.as_deref(), &asked, change.client.as_deref())
    };
    Ok(OperatorRuleReport {
        name: text(&name),
        effect: change.effect,
        group: change.group.clone(),
        former: former.as_ref().map(effect_of),
        trial: is_trial,
        before: explain(before)?,
        after: explain(after)?,
        file: file.map(|file| file.display().to_string()),
    })
}

fn has_group(rules: Option<&PolicyRules>, group: &str) -> Result<(), AdminError> {
    let groups = rules.map_or(&[][..], PolicyRules::groups);
    let names: Vec<&str> = match groups {
        [] => vec![DEFAULT_GROUP],
        groups => groups.iter().map(|own| &*own.name).collect(),
    };
    let known = names.join(", ");
    let told = || AdminError::invalid(format!("there is no group {group:?}; there are {known}"));
    names.contains(&group).then_some(()).ok_or_else(told)
}

/// The rules in force, by name.
pub(super) fn states(policies: &PolicyShelf) -> Vec<OperatorRuleState> {
    let rules = policies.operator_rules();
    let state = |rule: &&OperatorRule| OperatorRuleState {
        name: text(&rule.name),
        effect: effect_of(rule),
        group: rule.group.clone(),
    };
    rules.all().iter().map(state).collect()
}

fn effect_of(rule: &OperatorRule) -> OperatorRuleEffect {
    if rule.allows { OperatorRuleEffect::Allow } else { OperatorRuleEffect::Block }
}
