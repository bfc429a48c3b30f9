//! Rules as texts.

use crate::compiled::{FoundRule, RulePatternText};
use crate::form::ListForm;
use crate::options::RuleOptions;
use crate::rule::{RuleAction, RuleScope, show_name};

/// A rule as a person would write the rule.
pub(super) fn shown(found: &FoundRule, form: Option<ListForm>) -> String {
    let allows = found.rule.action == RuleAction::Allow;
    let is_adblock = form == Some(ListForm::Adblock) || !found.rule.options.is_empty();
    let options: Result<RuleOptions, ()> = found.rule.options.parse();
    let glob = options.as_ref().ok().and_then(|options| options.glob.clone());
    let pattern = match (&found.shown, glob) {
        (_, Some(glob)) => glob,
        (RulePatternText::Other(text), None) => text.clone(),
        (RulePatternText::Name(scope, name), None) => {
            let name = show_name(name);
            match (scope, is_adblock) {
                (RuleScope::Exact, _) => name,
                (RuleScope::Subtree, true) => format!("||{name}^"),
                (RuleScope::Subtree | RuleScope::Below, false) => format!("*.{name}"),
                (RuleScope::Below, true) => format!("||*.{name}^"),
            }
        }
    };
    let mut conditions: Vec<String> = Vec::new();
    if found.rule.important {
        conditions.push("important".into());
    }
    if let Ok(options) = options {
        let conditional = RuleOptions { glob: None, ..options };
        if conditional != RuleOptions::default() {
            conditions.push(conditional.to_string());
        }
    }
    let at = if allows && is_adblock { "@@" } else { "" };
    match conditions.is_empty() {
        true => format!("{at}{pattern}"),
        false => format!("{at}{pattern}${}", conditions.join(",")),
    }
}
