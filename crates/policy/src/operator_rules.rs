//! Rules of the operator, made while the daemon runs: few, in memory, and before every list.
//!
//! A rule blocks or allows a name with every name below, for one group or for all. The rule for the longest name decides,
//! and of two rules for a name the one for the group. As text a rule is a line (`block ads.example`,
//! `allow news.example for kids`), in which form rules are kept.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use zoners_dns::{Name, NameSlice, name};

use crate::rule::show_name;

/// The most rules of the operator; whoever needs more has a list.
pub const MAX_OPERATOR_RULES: usize = 4096;

/// The word between the name and the group.
const FOR: &str = " for ";

/// A rule of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorRule {
    /// The name; every name below is concerned, too.
    pub name: Name,
    /// Whether the name is allowed; else the name is blocked.
    pub allows: bool,
    /// The group; `None` for all groups.
    pub group: Option<String>,
}

/// The rules of the operator, at most one for each name and group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorRules {
    /// The rules of each name.
    rules: HashMap<Name, Vec<OperatorRule>>,
    count: usize,
}

impl OperatorRules {
    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Every rule, by name and group.
    #[must_use]
    pub fn all(&self) -> Vec<&OperatorRule> {
        let mut all: Vec<&OperatorRule> = self.rules.values().flatten().collect();
        all.sort_by(|one, other| (&one.name, &one.group).cmp(&(&other.name, &other.group)));
        all
    }

    /// Adds a rule in the place of an earlier rule for the same name and group. False if there are
    /// [`MAX_OPERATOR_RULES`] rules already; then nothing has changed.
    pub fn set(&mut self, rule: OperatorRule) -> bool {
        let is_known = self.of(&rule.name, rule.group.as_deref()).is_some();
        if !is_known && self.count >= MAX_OPERATOR_RULES {
            return false;
        }
        self.remove(&rule.name, rule.group.as_deref());
        let rule = OperatorRule { name: name::lowercase(&rule.name), ..rule };
        self.rules.entry(rule.name.clone()).or_default().push(rule);
        self.count += 1;
        true
    }

    /// Removes the rule for a name and a group, and returns that rule.
    pub fn remove(&mut self, name: &Name, group: Option<&str>) -> Option<OperatorRule> {
        let of_name = self.rules.get_mut(name)?;
        let at = of_name.iter().position(|rule| rule.group.as_deref() == group)?;
        let removed = of_name.remove(at);
        if of_name.is_empty() {
            self.rules.remove(name);
        }
        self.count -= 1;
        Some(removed)
    }

    /// The rule for exactly this name and group.
    #[must_use]
    pub fn of(&self, name: &Name, group: Option<&str>) -> Option<&OperatorRule> {
        self.rules.get(name)?.iter().find(|rule| rule.group.as_deref() == group)
    }

    /// The rules that match a name for clients of a group, the deciding rule first.
    pub(crate) fn matching<'a>(
        &'a self,
        asked: &NameSlice,
        group: &'a str,
    ) -> impl Iterator<Item = &'a OperatorRule> {
        let suffixes = if self.is_empty() { None } else { Some(asked.iter_suffixes()) };
        let of_names = suffixes.into_iter().flatten().filter_map(|suffix| {
            let of_name = self.rules.get(suffix.for_slice())?;
            let find = |wanted: Option<&str>| {
                of_name.iter().find(move |rule| rule.group.as_deref() == wanted)
            };
            Some(find(Some(group)).into_iter().chain(find(None)))
        });
        of_names.flatten()
    }
}

impl fmt::Display for OperatorRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.allows { "allow" } else { "block" };
        write!(f, "{verb} {}", show_name(self.name.as_slice()))?;
        match &self.group {
            Some(group) => write!(f, "{FOR}{group}"),
            None => Ok(()),
        }
    }
}

/// The text is no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoOperatorRule;

impl FromStr for OperatorRule {
    type Err = NoOperatorRule;

    fn from_str(text: &str) -> Result<Self, NoOperatorRule> {
        let (verb, rest) = text.trim().split_once(' ').ok_or(NoOperatorRule)?;
        let allows = match verb {
            "allow" => true,
            "block" => false,
            _ => return Err(NoOperatorRule),
        };
        let (named, group) = match rest.split_once(FOR) {
            Some((named, group)) if !group.is_empty() => (named, Some(group.to_owned())),
            Some(_) => return Err(NoOperatorRule),
            None => (rest, None),
        };
        if named.contains(char::is_whitespace) {
            return Err(NoOperatorRule);
        }
        let name = name::parse(named).map_err(|_| NoOperatorRule)?;
        let name = name::lowercase(&name);
        // A rule for the root would concern every name.
        (!name.is_root()).then_some(OperatorRule { name, allows, group }).ok_or(NoOperatorRule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> OperatorRule {
        text.parse().unwrap()
    }

    fn rules(texts: &[&str]) -> OperatorRules {
        let mut rules = OperatorRules::default();
        texts.iter().for_each(|text| assert!(rules.set(rule(text))));
        rules
    }

    fn matching(rules: &OperatorRules, asked: &str, group: &str) -> Vec<String> {
        let asked = name::parse(asked).unwrap();
        rules.matching(asked.for_slice(), group).map(ToString::to_string).collect()
    }

    #[test]
    fn a_rule_is_read_as_shown_and_other_texts_are_none() {
        for text in ["block ads.example", "allow news.example for the kids", "block xn--p1ai"] {
            assert_eq!(rule(text).to_string(), text);
        }
        assert_eq!(rule(" block Ads.Example. ").to_string(), "block ads.example");
        for text in ["", "block", "deny a.example", "block .", "allow a..b", "block a for "] {
            assert_eq!(text.parse::<OperatorRule>(), Err(NoOperatorRule), "{text}");
        }
    }

    #[test]
    fn the_longest_name_decides_and_the_group_before_all_groups() {
        let rules = rules(&[
            "block example",
            "allow good.Example",
            "block good.example for kids",
            "allow b.example for adults",
        ]);
        let of = |asked, group| matching(&rules, asked, group);
        assert_eq!(of("www.GOOD.example", "default"), ["allow good.example", "block example"]);
        let of_kids = ["block good.example for kids", "allow good.example", "block example"];
        assert_eq!(of("good.example", "kids"), of_kids);
        assert_eq!(of("b.example", "kids"), ["block example"]);
        assert!(of("ample", "kids").is_empty() && of(".", "kids").is_empty());
        assert!(matching(&OperatorRules::default(), "a.example", "kids").is_empty());
    }

    #[test]
    fn a_rule_replaces_the_former_and_is_taken_back() {
        let mut rules = rules(&["block a.example", "block a.example for kids"]);
        assert!(rules.set(rule("allow A.example")));
        let shown = |rules: &OperatorRules| -> Vec<String> {
            rules.all().iter().map(ToString::to_string).collect()
        };
        assert_eq!(shown(&rules), ["allow a.example", "block a.example for kids"]);
        let name = name::parse("a.EXAMPLE").unwrap();
        assert_eq!(rules.remove(&name, None).unwrap().to_string(), "allow a.example");
        assert_eq!(rules.remove(&name, None), None);
        assert_eq!((rules.len(), shown(&rules).len()), (1, 1));
        rules.remove(&name, Some("kids")).unwrap();
        assert_eq!(rules, OperatorRules::default());
    }

    #[test]
    fn the_number_of_rules_is_bounded() {
        let mut rules = OperatorRules::default();
        for number in 0..MAX_OPERATOR_RULES {
            assert!(rules.set(rule(&format!("block {number}.example"))));
        }
        assert!(!rules.set(rule("block one-more.example")));
        assert!(rules.set(rule("allow 7.example")), "a rule in the place of another");
        assert_eq!(rules.len(), MAX_OPERATOR_RULES);
    }
}
