//! Requests of people about lists.

use super::PolicyKeeper;
use crate::config::{ListOrigin, PolicyConfig, PolicyListConfig};
use crate::daemon::generation::{Core, Generation};
use crate::daemon::list_requests::{ListCaller, ListEnd};
use crate::daemon::operator_rules::{self, RuleRequest};
use crate::policy::supply::book::id_of;

impl PolicyKeeper {
    /// Begins the downloads of a list, or of every list; the caller waits for the end.
    pub(super) fn update(
        &mut self,
        core: &Core,
        config: &PolicyConfig,
        list: Option<&str>,
        caller: ListEnd,
    ) {
        let lists = match list.map(|name| find(config, name)).transpose() {
            Ok(None) => config.list.iter().collect(),
            Ok(Some(list)) => vec![list],
            // A caller that went away needs no reply.
            Err(why) => return drop(caller.send(Err(why))),
        };
        for list in &lists {
            // The primary is asked soon, and a new version comes by itself.
            list.zone.iter().for_each(|apex| core.notify_inbox.ring(apex));
        }
        let is_address = |list: &&PolicyListConfig| matches!(list.origin(), ListOrigin::Address(_));
        let ids: Vec<String> = lists.into_iter().filter(is_address).map(id_of).collect();
        if !ids.is_empty() {
            self.downloads.hasten(ids.clone());
        }
        self.callers.push(ListCaller::new(ids, caller));
    }

    /// Accepts the version of a list that waits; the caller waits for the compilation.
    pub(super) fn accept(&mut self, config: &PolicyConfig, list: &str, caller: ListEnd) {
        let accepted = find(config, list).and_then(|found| {
            let record = self.book.record(&id_of(found));
            let is_waiting = record.is_some_and(|record| record.guard.accept());
            is_waiting.then_some(()).ok_or_else(|| format!("no version of list {list} waits"))
        });
        if let Err(why) = accepted {
            return drop(caller.send(Err(why)));
        }
        tracing::info!("policy: list {list}: the version that waited is accepted");
        self.save();
        self.callers.push(ListCaller::new(Vec::new(), caller));
    }

    /// Changes the rules of the operator; true if the policy is to be made anew.
    pub(super) fn change_rule(
        &mut self,
        core: &Core,
        generation: &Generation,
        request: RuleRequest,
    ) -> bool {
        let clock = core.shared.clock.read();
        let (config, groups) = (&generation.config.policy, &generation.groups);
        let local = generation.rules.local();
        let policy_with = |rules| core.policies.policy_with(rules, config, groups, local, clock);
        let file = self.rule_file.as_ref();
        let answer = operator_rules::carry_out(request, &core.policies, file, policy_with);
        let has_changed = answer.is_some();
        self.rule_answers.extend(answer);
        has_changed
    }

    /// Answers callers after their downloads and the compilation.
    pub(super) fn answer_callers(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        for caller in self.callers.extract_if(.., |caller| caller.is_done()) {
            caller.answer();
        }
    }
}

/// The configured list of a name.
fn find<'a>(config: &'a PolicyConfig, name: &str) -> Result<&'a PolicyListConfig, String> {
    let found = config.list.iter().find(|list| list.name == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = config.list.iter().map(|list| &*list.name).collect();
        format!("there is no list {name:?}; there are {}", known.join(", "))
    })
}
