//! Changes of the operator's rules: written to the state folder, put into force, and only then answered.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;
use zoners_dns::Name;
use zoners_policy::{MAX_OPERATOR_RULES, OperatorRule, OperatorRules};

use crate::pipeline::policy::Policy;
use crate::policy::operator_rule_file::OperatorRuleFile;
use crate::policy::shelf::PolicyShelf;

/// A policy, or none without rules.
pub(super) type PolicyInForce = Option<Arc<dyn Policy>>;

/// A request to change the operator's rules.
#[derive(Debug)]
pub(super) struct RuleRequest {
    pub(super) change: RuleChange,
    /// Nothing changes: the caller wants to know what would.
    pub(super) is_trial: bool,
    pub(super) caller: RuleCaller,
}

/// A caller, who gets the outcome or the reason of a refusal.
pub(super) type RuleCaller = oneshot::Sender<Result<RuleOutcome, String>>;

/// A change of the operator's rules.
#[derive(Clone, Debug)]
pub(super) enum RuleChange {
    /// Make a rule, or replace a rule.
    Set(OperatorRule),
    /// Take the rule for a name and a group back.
    Remove { name: Name, group: Option<String> },
}

/// What decides without and with a change.
#[derive(Debug)]
pub(super) struct RuleOutcome {
    pub(super) former: Option<OperatorRule>,
    pub(super) before: PolicyInForce,
    pub(super) after: PolicyInForce,
    /// Where the rules are kept; none if the rules end with the daemon.
    pub(super) file: Option<PathBuf>,
}

/// An outcome that the caller gets once the rules are in force.
#[derive(Debug)]
pub(super) struct RuleAnswer(RuleCaller, RuleOutcome);

impl RuleAnswer {
    pub(super) fn send(self) {
        // A caller that went away needs no reply.
        let _ = self.0.send(Ok(self.1));
    }
}

/// Writes the changed rules to `file` and puts the rules on the shelf; the caller of the returned answer waits until the
/// rules are in force. A trial and a refusal are answered at once. `policy_with` makes the policy with given rules.
pub(super) fn carry_out(
    request: RuleRequest,
    shelf: &PolicyShelf,
    file: Option<&OperatorRuleFile>,
    policy_with: impl Fn(Arc<OperatorRules>) -> PolicyInForce,
) -> Option<RuleAnswer> {
    let RuleRequest { change, is_trial, caller } = request;
    let rules = shelf.operator_rules();
    let (next, former) = match apply(&change, &rules) {
        Ok(applied) => applied,
        Err(why) => {
            let _ = caller.send(Err(why));
            return None;
        }
    };
    let next = Arc::new(next);
    let (before, after) = (policy_with(rules), policy_with(next.clone()));
    let path = file.map(|file| file.path().to_owned());
    let answer = RuleAnswer(caller, RuleOutcome { former, before, after, file: path });
    if is_trial {
        answer.send();
        return None;
    }
    if let Some(Err(error)) = file.map(|file| file.write(&next)) {
        let _ = answer.0.send(Err(format!("the rule cannot be kept: {error}")));
        return None;
    }
    match &change {
        RuleChange::Set(rule) => tracing::info!("policy: rule of the operator: {rule}"),
        RuleChange::Remove { .. } => {
            let former = answer.1.former.iter().map(ToString::to_string).collect::<String>();
            tracing::info!("policy: rule of the operator taken back: {former}");
        }
    }
    shelf.put_operator_rules(next);
    Some(answer)
}

/// The rules after a change, and the former rule for the name and the group.
fn apply(
    change: &RuleChange,
    rules: &OperatorRules,
) -> Result<(OperatorRules, Option<OperatorRule>), String> {
    let mut next = rules.clone();
    match change {
        RuleChange::Set(rule) => {
            let former = rules.of(&rule.name, rule.group.as_deref()).cloned();
            let full = format!(
                "there are {MAX_OPERATOR_RULES} rules already, the most there may be: make a list of them"
            );
            next.set(rule.clone()).then_some((next, former)).ok_or(full)
        }
        RuleChange::Remove { name, group } => {
            let removed = next.remove(name, group.as_deref());
            let none = || {
                let of = group.iter().map(|group| format!(" for group {group}"));
                format!(
                    "there is no rule of the operator for exactly {name}{}; `zoners policy lists` shows the rules",
                    of.collect::<String>()
                )
            };
            removed.map(|former| (next, Some(former))).ok_or_else(none)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use zoners_dns::name;

    fn send(
        shelf: &PolicyShelf,
        file: Option<&OperatorRuleFile>,
        change: RuleChange,
        is_trial: bool,
    ) -> Result<RuleOutcome, String> {
        let (caller, mut outcome) = oneshot::channel();
        let request = RuleRequest { change, is_trial, caller };
        let answer = carry_out(request, shelf, file, |_| None);
        let early = outcome.try_recv();
        match answer {
            Some(answer) => {
                assert!(early.is_err(), "answered before the rules are in force");
                answer.send();
                outcome.try_recv().unwrap()
            }
            None => early.unwrap(),
        }
    }

    fn open(folder: &Path) -> OperatorRuleFile {
        OperatorRuleFile::open(folder).0
    }

    fn set(text: &str) -> RuleChange {
        RuleChange::Set(text.parse().unwrap())
    }

    fn remove(text: &str) -> RuleChange {
        RuleChange::Remove { name: name::parse(text).unwrap(), group: None }
    }

    #[test]
    fn a_rule_is_kept_before_the_caller_hears_of_it_and_a_trial_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (shelf, file) = (PolicyShelf::default(), open(folder.path()));
        let kept = || OperatorRuleFile::open(folder.path()).1;
        let file = Some(&file);
        send(&shelf, file, set("block ads.example"), true).unwrap();
        assert!(shelf.operator_rules().is_empty() && kept().is_empty());
        let outcome = send(&shelf, file, set("block ads.example"), false).unwrap();
        assert_eq!((outcome.former, outcome.file.is_some()), (None, true));
        assert_eq!((shelf.operator_rules().len(), kept().len()), (1, 1));
        let outcome = send(&shelf, file, set("allow ads.example"), false).unwrap();
        assert_eq!(outcome.former.unwrap().to_string(), "block ads.example");
        send(&shelf, file, remove("ads.example"), false).unwrap();
        assert!(shelf.operator_rules().is_empty() && kept().is_empty());
        let none = send(&shelf, file, remove("ads.example"), false).unwrap_err();
        assert!(none.contains("no rule of the operator for exactly ads.example"), "{none}");
    }

    #[test]
    fn a_rule_that_cannot_be_kept_is_not_in_force() {
        let (shelf, folder) = (PolicyShelf::default(), tempfile::tempdir().unwrap());
        let gone = folder.path().join("gone");
        let told = send(&shelf, Some(&open(&gone)), set("block ads.example"), false).unwrap_err();
        assert!(told.contains("cannot be kept") && shelf.operator_rules().is_empty(), "{told}");
        let outcome = send(&shelf, None, set("block ads.example"), false).unwrap();
        assert!(outcome.file.is_none() && !shelf.operator_rules().is_empty());
    }
}
