//! The policy of a configuration: lists compiled beside serving, and verdicts as answers.
//!
//! [`supply`] has the texts of lists, [`build`] compiles the texts, [`shelf`] has the compiled policy in force and the
//! pauses, and [`ListPolicy`] decides in the pipeline.

mod answer;
pub(crate) mod build;
pub mod groups;
pub(crate) mod shelf;
pub(crate) mod supply;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zoners_dns::{Ede, EdeCode, NameSlice, Question, Rtype};
use zoners_policy::{
    CompiledPolicy, GroupPlan, GroupSettings, PolicyRules, PolicyVerdict, RuleSource,
    TooManyRegions,
};
use zoners_resolver::{Answer, PathServer};

use crate::client::Client;
use crate::config::{Config, PolicyConfig};
use crate::pipeline::ClientGroup;
use crate::pipeline::local::GroupRecords;
use crate::pipeline::policy::{Policy, PolicyDecision, PolicyTerm};
use groups::PolicyGroups;

/// A policy of lists.
#[derive(Debug)]
pub struct ListPolicy {
    rules: PolicyRules,
    term: PolicyTerm,
    /// The records of each group.
    records: Vec<Option<Arc<GroupRecords>>>,
    /// Seconds for which clients may keep a blocked answer.
    ttl: u32,
    /// The code for rules of each list, in the order of the compiled lists.
    codes: Vec<EdeCode>,
    /// Whether a fault of the compiled file is logged already.
    is_fault_logged: AtomicBool,
}

impl ListPolicy {
    /// The policy of a configuration with the lists of `compiled`, as of a moment in Unix time. `is_paused` says so of a
    /// group.
    ///
    /// # Errors
    /// Groups and rules have too many prefixes of clients.
    pub fn new(
        config: &PolicyConfig,
        groups: &PolicyGroups,
        compiled: Arc<CompiledPolicy>,
        is_paused: impl Fn(&str) -> bool,
        unix_seconds: u64,
    ) -> Result<Self, TooManyRegions> {
        let plans = groups.plans(config, &compiled);
        let until = plans.iter().filter_map(|plan| plan.next_change(unix_seconds)).min();
        let at = |plan: &GroupPlan| {
            let settings = plan.at(unix_seconds);
            GroupSettings { is_paused: is_paused(&settings.name), ..settings }
        };
        let code = |name: &str| {
            let list = config.list.iter().find(|list| list.name == name);
            list.map_or(EdeCode::BLOCKED, |list| list.reason.code())
        };
        let codes = compiled.lists().iter().map(|list| code(&list.name)).collect();
        let records = plans.iter().map(|plan| groups.records(&plan.settings.name)).collect();
        let rules = PolicyRules::new(compiled, plans.iter().map(at).collect())?;
        let term = PolicyTerm { since: unix_seconds, until };
        Ok(ListPolicy {
            rules,
            term,
            records,
            ttl: config.ttl,
            codes,
            is_fault_logged: AtomicBool::new(false),
        })
    }

    /// The decision of a verdict. A policy that cannot be read lets everything pass.
    fn decide(
        &self,
        question: &Question,
        verdict: std::io::Result<PolicyVerdict>,
    ) -> PolicyDecision {
        let (action, reason) = match verdict {
            Ok(PolicyVerdict::Pass | PolicyVerdict::Allowed(_)) => return PolicyDecision::Pass,
            Ok(PolicyVerdict::Act(action, reason)) => (action, reason),
            Err(error) => {
                if !self.is_fault_logged.swap(true, Ordering::Relaxed) {
                    tracing::error!("policy: the compiled lists cannot be read: {error}");
                }
                return PolicyDecision::Pass;
            }
        };
        let ede = Ede::new(self.code(&reason.source), reason.to_string());
        answer::decision(question, &action, self.ttl, ede)
    }

    /// The code of the reason (RFC 8914 section 4).
    fn code(&self, source: &RuleSource) -> EdeCode {
        match source {
            RuleSource::List { name, .. } => {
                let lists = self.rules.compiled().lists();
                let place = lists.iter().position(|list| list.name == *name);
                place.and_then(|at| self.codes.get(at)).copied().unwrap_or(EdeCode::BLOCKED)
            }
            RuleSource::Schedule(_) | RuleSource::Service(_) => EdeCode::BLOCKED,
            RuleSource::SafeSearch(_) | RuleSource::BlockAaaa => EdeCode::FORGED,
        }
    }
}

/// Lists of a configuration that cannot be used, each with key and line: such a list is left out, or an earlier version
/// of the lists stays in force.
#[must_use]
pub fn list_faults(config: &Config) -> Vec<String> {
    build::list_faults(config)
}

/// Logs which schedules have begun or ended.
pub(crate) fn log_schedules(before: Option<&dyn Policy>, now: Option<&dyn Policy>) {
    let in_force = |policy: Option<&dyn Policy>| -> Vec<(String, String)> {
        let groups = policy.and_then(|policy| policy.lists()).map_or(&[][..], PolicyRules::groups);
        let schedules = groups.iter().flat_map(|group| {
            group.schedules.iter().map(|schedule| (group.name.clone(), schedule.clone()))
        });
        schedules.collect()
    };
    let (before, now) = (in_force(before), in_force(now));
    for (group, schedule) in now.iter().filter(|own| !before.contains(own)) {
        tracing::info!("policy: schedule {schedule} of group {group} begins");
    }
    for (group, schedule) in before.iter().filter(|own| !now.contains(own)) {
        tracing::info!("policy: schedule {schedule} of group {group} ends");
    }
}

impl Policy for ListPolicy {
    fn group(&self, client: &Client) -> ClientGroup {
        ClientGroup(self.rules.region(client.address))
    }

    fn records(&self, group: ClientGroup, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        let records = self.records.get(self.rules.group_number(group.0))?.as_ref()?;
        records.answer(name, rtype)
    }

    fn before_resolution(&self, group: ClientGroup, question: &Question) -> PolicyDecision {
        let asked = question.name.for_slice();
        self.decide(question, self.rules.judge_question(group.0, asked, question.rtype))
    }

    fn after_resolution(
        &self,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
        servers: &dyn Fn() -> Vec<PathServer>,
    ) -> PolicyDecision {
        let (asked, rtype) = (question.name.for_slice(), question.rtype);
        let mut verdict = self.rules.judge_answer(group.0, asked, rtype, &answer.answer);
        if matches!(verdict, Ok(PolicyVerdict::Pass)) && self.rules.concerns_nameservers() {
            let servers = servers();
            let servers = servers.iter().map(|server| (&server.name, &server.addresses[..]));
            verdict = self.rules.judge_nameservers(group.0, asked, rtype, servers);
        }
        self.decide(question, verdict)
    }

    fn lists(&self) -> Option<&PolicyRules> {
        Some(&self.rules)
    }

    fn term(&self) -> Option<PolicyTerm> {
        Some(self.term)
    }
}
