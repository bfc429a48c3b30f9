//! The policy of a configuration: lists compiled beside serving, and verdicts as answers.
//!
//! [`supply`] has the texts of lists, [`build`] compiles the texts, [`shelf`] has the compiled policy in force and the
//! pauses, and [`ListPolicy`] decides in the pipeline.

mod answer;
pub(crate) mod build;
pub(crate) mod shelf;
pub(crate) mod supply;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zoners_dns::{Ede, EdeCode, Question};
use zoners_policy::{
    CompiledPolicy, GroupSettings, ListSet, PolicyRules, PolicyVerdict, TooManyRegions,
};
use zoners_resolver::{Answer, PathServer};

use crate::client::Client;
use crate::config::{BlockAnswer, Config, DEFAULT_GROUP, PolicyConfig};
use crate::pipeline::ClientGroup;
use crate::pipeline::policy::{Policy, PolicyDecision};

/// A policy of lists.
#[derive(Debug)]
pub struct ListPolicy {
    rules: PolicyRules,
    /// Seconds for which clients may keep a blocked answer.
    ttl: u32,
    /// The code for rules of each list, in the order of the compiled lists.
    codes: Vec<EdeCode>,
    /// Whether a fault of the compiled file is logged already.
    is_fault_logged: AtomicBool,
}

impl ListPolicy {
    /// The policy of a configuration with the lists of `compiled`. Lists that the compiled policy lacks come into force
    /// once they are compiled. `is_paused` says so of a group.
    ///
    /// # Errors
    /// Groups and rules have too many prefixes of clients.
    pub fn new(
        config: &PolicyConfig,
        compiled: Arc<CompiledPolicy>,
        is_paused: impl Fn(&str) -> bool,
    ) -> Result<Self, TooManyRegions> {
        let number = |name: &String| compiled.lists().iter().position(|list| list.name == *name);
        let is_configured = |name: &str| config.list.iter().any(|list| list.name == name);
        let set = |names: Option<&Vec<String>>| {
            let mut set = ListSet::default();
            let every = || compiled.lists().iter().map(|list| &list.name);
            let names: Vec<&String> =
                names.map_or_else(|| every().collect(), |names| names.iter().collect());
            let known = names.into_iter().filter(|name| is_configured(name));
            known.filter_map(number).for_each(|list| set.insert(list));
            set
        };
        let group = |name: &str, clients: &[_], lists, own: Option<&BlockAnswer>| GroupSettings {
            name: name.to_owned(),
            clients: clients.to_vec(),
            lists: set(lists),
            style: own.unwrap_or(&config.block_with).0.clone(),
            is_paused: is_paused(name),
        };
        let (default, named): (Vec<_>, Vec<_>) =
            config.group.iter().partition(|group| group.name == DEFAULT_GROUP);
        let first = match default.first() {
            Some(own) => group(DEFAULT_GROUP, &[], own.lists.as_ref(), own.block_with.as_ref()),
            None => group(DEFAULT_GROUP, &[], None, None),
        };
        let named = named
            .iter()
            .map(|own| group(&own.name, &own.clients, own.lists.as_ref(), own.block_with.as_ref()));
        let groups = [first].into_iter().chain(named).collect();
        let code = |name: &str| {
            let list = config.list.iter().find(|list| list.name == name);
            list.map_or(EdeCode::BLOCKED, |list| list.reason.code())
        };
        let codes = compiled.lists().iter().map(|list| code(&list.name)).collect();
        let rules = PolicyRules::new(compiled, groups)?;
        Ok(ListPolicy { rules, ttl: config.ttl, codes, is_fault_logged: AtomicBool::new(false) })
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
        let lists = self.rules.compiled().lists();
        let place = lists.iter().position(|list| list.name == reason.list);
        let code = place.and_then(|at| self.codes.get(at)).copied().unwrap_or(EdeCode::BLOCKED);
        answer::decision(question, &action, self.ttl, Ede::new(code, reason.to_string()))
    }
}

/// Lists of a configuration that cannot be used, each with key and line: such a list is left out, or an earlier version
/// of the lists stays in force.
#[must_use]
pub fn list_faults(config: &Config) -> Vec<String> {
    build::list_faults(config)
}

impl Policy for ListPolicy {
    fn group(&self, client: &Client) -> ClientGroup {
        ClientGroup(self.rules.region(client.address))
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
}
