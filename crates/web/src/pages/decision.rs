//! The decision of the policy in words.

use maud::{Markup, html};
use zoners_api::{MatchingRuleReport, PolicyExplanation, RuleSourceReport};

/// What happens to a question, and the rule behind.
pub(super) fn decision(explained: &PolicyExplanation) -> Markup {
    html! {
        @match explained.rules.first() {
            None if explained.paused => "answered, as the policy is paused",
            None => "answered, as no rule matches",
            Some(rule) => { b { (verdict(rule)) } " by " (place(rule)) ": " code { (rule.rule) } }
        }
    }
}

/// What a rule does, in a word.
fn verdict(rule: &MatchingRuleReport) -> &'static str {
    match (rule.allows, rule.source) {
        (true, _) => "allowed",
        (
            false,
            RuleSourceReport::SafeSearch | RuleSourceReport::BlockAaaa | RuleSourceReport::Records,
        ) => "changed",
        (false, _) => "blocked",
    }
}

/// Where a rule stands.
pub(super) fn place(rule: &MatchingRuleReport) -> String {
    let of = &rule.of;
    match rule.source {
        RuleSourceReport::List => {
            let line = rule.line.map(|line| format!(", line {line}")).unwrap_or_default();
            format!("list {of}{line}")
        }
        RuleSourceReport::Schedule => format!("schedule {of}"),
        RuleSourceReport::Service => format!("service {of}"),
        RuleSourceReport::SafeSearch => format!("safe search of {of}"),
        RuleSourceReport::BlockAaaa => "block-aaaa".to_owned(),
        RuleSourceReport::Records => format!("records of group {of}"),
        RuleSourceReport::Operator => "your rule".to_owned(),
    }
}
