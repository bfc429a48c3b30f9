//! The decision of the policy in words.

use maud::{Markup, html};
use zoners_api::PolicyExplanation;

/// What happens to a question, and the rule behind.
pub(super) fn decision(explained: &PolicyExplanation) -> Markup {
    html! {
        @match explained.rules.first() {
            None if explained.paused => "answered, as the policy is paused",
            None => "answered, as no rule matches",
            Some(rule) => { b { (rule.verdict()) } " by " (rule.place()) ": " code { (rule.rule) } }
        }
    }
}
