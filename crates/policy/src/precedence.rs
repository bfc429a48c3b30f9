//! Which of several matching rules of lists decides. Rules of the operator go before (`policy_rules::operator`).
//!
//! Rules of the lists of the client's group compete. First, `$badfilter` rules disable equal rules, and of each policy
//! zone (RPZ) the rule for the most specific name stays. Of the rest, the first of this table wins:
//!
//! | precedence | rules |
//! |---|---|
//! | 1 | allow with `$important` |
//! | 2 | block or rewrite with `$important` |
//! | 3 | allow: `@@`, lists that allow, `rpz-passthru`, `server=/name/#` |
//! | 4 | rewrite |
//! | 5 | block |
//!
//! Within a row the rule for the more specific name wins, then the earlier list, then the earlier line. So a list of
//! allowed names is never outdone by a longer list of blocked names.

use crate::compiled::FoundRule;
use crate::rule::RuleAction;

/// Sorts matching rules by precedence, the deciding rule first; `is_zone` says whether a list is a policy zone.
pub(crate) fn order(found: &mut Vec<FoundRule>, is_zone: impl Fn(u16) -> bool) {
    disable(found);
    keep_most_specific(found, is_zone);
    found.sort_by_key(rank);
}

/// The place of a rule in the order of precedence: the least of the matching rules decides.
pub(crate) fn rank(found: &FoundRule) -> (u8, usize, u16, u32) {
    (row(found), usize::MAX - found.labels, found.rule.list, found.rule.line)
}

/// The row of the table.
pub(crate) fn row(found: &FoundRule) -> u8 {
    match (found.rule.action, found.rule.important) {
        (RuleAction::Allow, true) => 1,
        (_, true) => 2,
        (RuleAction::Allow, false) => 3,
        (RuleAction::Rewrite, false) => 4,
        _ => 5,
    }
}

/// Removes rules with `$badfilter`, and the disabled rules.
fn disable(found: &mut Vec<FoundRule>) {
    let (disabling, rest): (Vec<FoundRule>, Vec<FoundRule>) =
        std::mem::take(found).into_iter().partition(|found| found.rule.disables);
    let is_disabled = |found: &FoundRule| disabling.iter().any(|by| disables(by, found));
    *found = rest.into_iter().filter(|found| !is_disabled(found)).collect();
}

/// Whether a rule with `$badfilter` disables a rule.
pub(crate) fn disables(by: &FoundRule, found: &FoundRule) -> bool {
    let (own, by_rule) = (&found.rule, &by.rule);
    by_rule.disables
        && !own.disables
        && found.shown == by.shown
        && own.action == by_rule.action
        && own.important == by_rule.important
        && own.options == by_rule.options
}

/// Of each policy zone, keeps the rules for the most specific name.
fn keep_most_specific(found: &mut Vec<FoundRule>, is_zone: impl Fn(u16) -> bool) {
    let most: Vec<(u16, usize)> = found
        .iter()
        .filter(|found| is_zone(found.rule.list))
        .map(|found| (found.rule.list, found.labels))
        .collect();
    found.retain(|found| {
        !most.iter().any(|(list, labels)| *list == found.rule.list && *labels > found.labels)
    });
}
