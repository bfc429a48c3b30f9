//! Rules of a group beside its lists: schedules that block every name, blocked services, no IPv6 addresses, safe search.
//!
//! | verdict of the operator's rules, or of the lists | what the group's own rules add |
//! |---|---|
//! | a rule acts, or `$important` allows | nothing |
//! | a rule allows | `block-aaaa`, safe search |
//! | no rule matches | schedules, services, `block-aaaa`, safe search: the first that matches |
//!
//! So an allowed name stays reachable at bedtime, and a list of allowed names that has a search engine does not turn its
//! safe search off.

use std::io;

use zoners_dns::{NameSlice, Rtype};

use super::PolicyRules;
use crate::groups::GroupSettings;
use crate::rule::show_name;
use crate::safe_search::{self, SafeSearchTarget};
use crate::services;
use crate::verdict::{MatchingRule, PolicyAction, PolicyVerdict, RuleReason, RuleSource};

impl PolicyRules {
    /// The verdict of lists on a question, with the rules of the group. A final verdict of lists stays.
    pub(super) fn with_group_rules(
        &self,
        region: u8,
        asked: &NameSlice,
        rtype: Rtype,
        verdict: PolicyVerdict,
        is_final: bool,
    ) -> PolicyVerdict {
        let Some(group) = self.unpaused(region) else { return verdict };
        let blocking = || self.blocking(region, group, asked);
        let rule = match &verdict {
            PolicyVerdict::Pass => blocking().or_else(|| rewriting(group, asked, rtype)),
            PolicyVerdict::Allowed(_) if !is_final => rewriting(group, asked, rtype),
            _ => None,
        };
        match rule {
            Some((action, reason)) => PolicyVerdict::Act(action, reason),
            None => verdict,
        }
    }

    /// The verdict of the group's rules on the target of an alias or of a service.
    pub(super) fn verdict_on_target(&self, region: u8, target: &NameSlice) -> PolicyVerdict {
        let rule = self.unpaused(region).and_then(|group| blocked_service(group, target));
        match rule {
            None => PolicyVerdict::Pass,
            Some(reason) => {
                let concerns = Some(show_name(target.as_slice()));
                PolicyVerdict::Act(self.block_action(region), RuleReason { concerns, ..reason })
            }
        }
    }

    /// Every rule that matches a question, the deciding rule first.
    ///
    /// # Errors
    /// The compiled file cannot be read.
    pub fn explain(
        &self,
        region: u8,
        asked: &NameSlice,
        rtype: Rtype,
    ) -> io::Result<Vec<MatchingRule>> {
        let found = self.matching_name(region, asked, &[rtype])?;
        let mut of_lists: Vec<MatchingRule> = (0..found.len())
            .map(|at| MatchingRule {
                action: self.action(region, rtype, &found[at..]),
                reason: self.reason(region, &found[at], None),
            })
            .collect();
        let Some(group) = self.unpaused(region) else { return Ok(of_lists) };
        let mut of_operator = self.operator_rules_for(region, asked);
        let matching = |(action, reason)| MatchingRule { action: Some(action), reason };
        let mut blocking: Vec<_> =
            self.blocking(region, group, asked).map(matching).into_iter().collect();
        let mut rewriting: Vec<_> =
            rewriting(group, asked, rtype).map(matching).into_iter().collect();
        let first = of_lists.first().zip(found.first());
        let is_allowed = match of_operator.first() {
            Some(rule) => rule.action.is_none(),
            None => {
                first.is_some_and(|(first, found)| first.action.is_none() && !found.rule.important)
            }
        };
        let mut all = Vec::new();
        if is_allowed {
            all.append(&mut rewriting);
        }
        all.append(&mut of_operator);
        all.append(&mut of_lists);
        all.append(&mut blocking);
        all.append(&mut rewriting);
        Ok(all)
    }

    /// The first rule of the group that blocks a name.
    fn blocking(
        &self,
        region: u8,
        group: &GroupSettings,
        asked: &NameSlice,
    ) -> Option<(PolicyAction, RuleReason)> {
        let by_schedule = || {
            let schedule = group.blocked_by_schedule.clone()?;
            let rule = "every name".to_owned();
            Some(reason(group, RuleSource::Schedule(schedule), rule))
        };
        let reason = by_schedule().or_else(|| blocked_service(group, asked))?;
        Some((self.block_action(region), reason))
    }

    /// The group of a region, unless the policy is paused.
    pub(super) fn unpaused(&self, region: u8) -> Option<&GroupSettings> {
        self.group(region).filter(|group| !group.is_paused)
    }
}

fn blocked_service(group: &GroupSettings, name: &NameSlice) -> Option<RuleReason> {
    let (service, domain) = services::blocked(&group.services, name)?;
    Some(reason(group, RuleSource::Service(service), format!("*.{domain}")))
}

/// The first rule of the group that rewrites the answer.
fn rewriting(
    group: &GroupSettings,
    asked: &NameSlice,
    rtype: Rtype,
) -> Option<(PolicyAction, RuleReason)> {
    if group.block_aaaa && rtype == Rtype::AAAA {
        let rule = "no IPv6 addresses".to_owned();
        return Some((PolicyAction::Nodata, reason(group, RuleSource::BlockAaaa, rule)));
    }
    let engine = safe_search::engine(&group.safe_search, asked, rtype)?;
    let rule = show_name(asked.as_slice());
    let action = match engine.target()? {
        SafeSearchTarget::Name(target) => PolicyAction::Alias(target),
        SafeSearchTarget::Address(address) => PolicyAction::Addresses(vec![address]),
    };
    Some((action, reason(group, RuleSource::SafeSearch(engine), rule)))
}

fn reason(group: &GroupSettings, source: RuleSource, rule: String) -> RuleReason {
    RuleReason { source, rule, group: group.name.clone(), concerns: None }
}

#[cfg(test)]
mod tests;
