//! Rules that change nothing, which a person may remove from a list.
//!
//! A dead rule never decides: a rule that goes before matches each of its questions. Without a shadowed rule, a broader rule
//! does the same. A rule is told only where this is certain:
//!
//! - patterns, regular expressions and addresses are not examined;
//! - a rule with conditions covers no rule;
//! - a list counts beside another list if each group with the second has the first;
//! - a policy zone uses its most specific rule alone, so that its rules cover rules of the same zone alone.

use std::io;

use super::{PolicyRules, shown};
use crate::compiled::walk::NameRules;
use crate::compiled::{FoundRule, RulePatternText};
use crate::form::ListForm;
use crate::groups::ListSet;
use crate::options::RuleOptions;
use crate::precedence::{disables, rank};
use crate::rule::{RuleAction, RuleScope};
use crate::verdict::RuleSource;

/// The rules of a list that change nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListReview {
    /// Rules that never decide.
    pub dead: IdleRules,
    /// Rules without which a broader rule does the same.
    pub shadowed: IdleRules,
}

/// Rules that change nothing, for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdleRules {
    /// How many.
    pub count: u32,
    /// The one with the first line.
    pub first: Option<IdleRule>,
}

/// A rule that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleRule {
    /// The line of the list.
    pub line: u32,
    /// The rule, as in [`crate::RuleReason`].
    pub rule: String,
    /// Where the rule stands that covers this one.
    pub by: RuleSource,
    /// The rule that covers this one.
    pub by_rule: String,
}

/// Why a rule changes nothing.
enum Idleness<'a> {
    Dead(&'a FoundRule),
    Shadowed(&'a FoundRule),
}

impl PolicyRules {
    /// The rules that change nothing, by list. Takes a pass through the compiled file and a look-up for each name above
    /// its names.
    ///
    /// # Errors
    /// The compiled file cannot be read.
    pub fn review(&self) -> io::Result<Vec<ListReview>> {
        let lists = self.compiled.lists();
        let companions: Vec<ListSet> = (0..lists.len()).map(|list| self.companions(list)).collect();
        let mut reviews = vec![ListReview::default(); lists.len()];
        self.compiled.each_name(&mut |rules| {
            for rule in rules.own.iter().filter(|rule| !rule.rule.disables) {
                let list = usize::from(rule.rule.list);
                let (Some(companions), Some(review)) =
                    (companions.get(list), reviews.get_mut(list))
                else {
                    continue;
                };
                match self.idleness(rule, rules, companions) {
                    Some(Idleness::Dead(by)) => self.note(&mut review.dead, rule, by),
                    Some(Idleness::Shadowed(by)) => self.note(&mut review.shadowed, rule, by),
                    None => {}
                }
            }
        })?;
        Ok(reviews)
    }

    /// The lists that are in force for each group with this list; none if no group has the list.
    fn companions(&self, list: usize) -> ListSet {
        let groups = || self.groups.iter().filter(|group| group.lists.contains(list));
        let mut companions = ListSet::default();
        let is_companion = |other: &usize| groups().all(|group| group.lists.contains(*other));
        let all = 0..self.compiled.lists().len();
        all.filter(|_| groups().next().is_some())
            .filter(is_companion)
            .for_each(|other| companions.insert(other));
        companions
    }

    fn idleness<'a>(
        &self,
        rule: &FoundRule,
        rules: &'a NameRules,
        companions: &ListSet,
    ) -> Option<Idleness<'a>> {
        let others = || {
            let all = rules.own.iter().chain(&rules.above);
            all.filter(|other| !std::ptr::eq::<FoundRule>(*other, rule))
        };
        let is_companion = |other: &&FoundRule| companions.contains(other.rule.list.into());
        if let Some(by) = others().filter(is_companion).find(|by| disables(by, rule)) {
            return Some(Idleness::Dead(by));
        }
        let is_active =
            |other: &&FoundRule| !other.rule.disables && !others().any(|by| disables(by, other));
        let covers = |by: &&FoundRule| {
            let is_above = rules.above.iter().any(|above| std::ptr::eq(above, *by));
            (is_above || is_within_scope(rule, by)) && self.may_cover(by, rule)
        };
        let covering = || others().filter(is_companion).filter(is_active).filter(covers);
        let before = covering().filter(|by| rank(by) < rank(rule) && !is_joined(by, rule));
        if let Some(by) = before.min_by_key(|by| rank(by)) {
            return Some(Idleness::Dead(by));
        }
        // Of two equal rules, the second is told as dead, and the first is needed.
        let is_broader = |by: &&FoundRule| by.shown != rule.shown && rank(by) > rank(rule);
        let behind = covering().filter(is_broader).filter(|by| does_the_same(by, rule));
        let by = behind.min_by_key(|by| rank(by))?;
        // The rules that may decide once this one is gone, before the broader one does.
        let changes_nothing = |other: &FoundRule| {
            let is_before = rank(other) < rank(rule) && !self.gives_way(other, rule);
            does_the_same(other, rule) || rank(other) > rank(by) || is_before
        };
        let mut rest = others().filter(|other| !other.rule.disables);
        rest.all(changes_nothing).then_some(Idleness::Shadowed(by))
    }

    /// Whether a rule may cover another one: a rule of a policy zone gives way to a more specific rule of the zone.
    fn may_cover(&self, by: &FoundRule, rule: &FoundRule) -> bool {
        let is_of_one_list = by.rule.list == rule.rule.list;
        let is_alike = is_of_one_list && (by.labels == rule.labels || rank(by) > rank(rule));
        (!self.is_of_zone(by) || is_alike) && is_unconditional(by)
    }

    /// Whether a rule does not count where another rule matches.
    fn gives_way(&self, other: &FoundRule, to: &FoundRule) -> bool {
        let is_of_one_list = other.rule.list == to.rule.list;
        is_of_one_list && self.is_of_zone(other) && other.labels < to.labels
    }

    fn is_of_zone(&self, rule: &FoundRule) -> bool {
        let list = self.compiled.lists().get(usize::from(rule.rule.list));
        list.is_some_and(|list| list.form == ListForm::Rpz)
    }

    fn note(&self, idle: &mut IdleRules, rule: &FoundRule, by: &FoundRule) {
        idle.count = idle.count.saturating_add(1);
        if idle.first.as_ref().is_some_and(|first| first.line <= rule.rule.line) {
            return;
        }
        let lists = self.compiled.lists();
        let list = |rule: &FoundRule| lists.get(usize::from(rule.rule.list));
        let text = |rule: &FoundRule| shown(rule, list(rule).map(|list| list.form));
        let name = list(by).map(|list| list.name.clone()).unwrap_or_default();
        idle.first = Some(IdleRule {
            line: rule.rule.line,
            rule: text(rule),
            by: RuleSource::List { name, line: by.rule.line },
            by_rule: text(by),
        });
    }
}

/// Whether a rule of the same name concerns each name that another rule concerns.
fn is_within_scope(rule: &FoundRule, by: &FoundRule) -> bool {
    let (RulePatternText::Name(own, name), RulePatternText::Name(broader, by_name)) =
        (&rule.shown, &by.shown)
    else {
        return false;
    };
    let includes = match own {
        RuleScope::Exact => broader.includes(false),
        RuleScope::Subtree => *broader == RuleScope::Subtree,
        RuleScope::Below => broader.includes(true),
    };
    name == by_name && includes
}

fn is_unconditional(rule: &FoundRule) -> bool {
    let parsed = || rule.rule.options.parse::<RuleOptions>();
    let is_rewrite =
        |options: RuleOptions| RuleOptions { rewrite: None, ..options } == RuleOptions::default();
    rule.rule.options.is_empty() || parsed().is_ok_and(is_rewrite)
}

/// Whether two rewrites are parts of one answer.
fn is_joined(one: &FoundRule, other: &FoundRule) -> bool {
    let is_rewrite = |rule: &FoundRule| rule.rule.action == RuleAction::Rewrite;
    is_rewrite(one)
        && is_rewrite(other)
        && one.rule.list == other.rule.list
        && one.labels == other.labels
}

/// Whether both rules have the same effect. Rewrites are not compared: several make one answer.
fn does_the_same(one: &FoundRule, other: &FoundRule) -> bool {
    let (one, other) = (&one.rule, &other.rule);
    one.action == other.action
        && one.important == other.important
        && one.action != RuleAction::Rewrite
}

#[cfg(test)]
mod tests;
