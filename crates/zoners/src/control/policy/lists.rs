//! `zoners policy lists`

use zoners_api::words::counted;
use zoners_api::{IdleRulesReport, PolicyListReport, PolicyListState};

use super::{operator_rules, sources};
use crate::print::{BOLD, DIM, clean};

/// Lists and groups, with the lines that are not understood.
pub(super) fn page(report: &PolicyListReport) -> Vec<String> {
    if report.lists.is_empty() && report.sources.is_empty() && report.groups.is_empty() {
        return vec![
            "no list is in force: [[policy.list]] in the configuration names lists".into(),
        ];
    }
    let memory = report.memory_bytes.div_ceil(1024);
    let names = counted(report.names, "name");
    let mut lines = vec![format!("{BOLD}{names} in force{BOLD:#}, {memory} KiB of memory")];
    lines.extend(operator_rules::list(&report.operator_rules));
    lines.extend(report.lists.iter().flat_map(list));
    lines.extend(sources::page(report, None));
    for group in &report.groups {
        let clients = match group.clients.is_empty() {
            true => "all other clients".to_owned(),
            false => group.clients.join(", "),
        };
        let paused = if group.paused { ", paused" } else { "" };
        let parts = [
            ("", &group.lists),
            ("services ", &group.services),
            ("safe search of ", &group.safe_search),
            ("now in schedule ", &group.schedules),
        ];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> =
            parts.map(|(what, names)| format!("{what}{}", clean(&names.join(", ")))).collect();
        lines.push(format!(
            "group {}: {clients}: {}{paused}",
            clean(&group.name),
            parts.join("; ")
        ));
    }
    lines
}

fn list(list: &PolicyListState) -> Vec<String> {
    let action = if list.allows { "allows" } else { "blocks" };
    let mut lines = vec![format!(
        "list {}: {} of {} ({}, {action}){}",
        clean(&list.name),
        counted(list.rules.into(), "rule"),
        counted(list.lines.into(), "line"),
        clean(&list.form),
        hits(list),
    )];
    if list.repeated > 0 {
        lines.push(format!("  {DIM}repeats of an earlier line: {}{DIM:#}", list.repeated));
    }
    lines.extend(list.skipped.iter().map(|skipped| {
        let reason = clean(&skipped.reason);
        format!(
            "  {DIM}{} skipped: {reason}, the first is line {}{DIM:#}",
            counted(skipped.lines.into(), "line"),
            skipped.first
        )
    }));
    let dead = ("dead rules, which never decide", list.dead.as_ref());
    let shadowed = ("rules that repeat a broader one", list.shadowed.as_ref());
    lines.extend([dead, shadowed].into_iter().filter_map(|(what, rules)| idle(what, rules?)));
    lines
}

/// The replies that a list has decided; a list of allowed names decides none.
fn hits(list: &PolicyListState) -> String {
    match list.allows {
        true => String::new(),
        false => format!(", {}", counted(list.hits, "hit")),
    }
}

/// Rules that change nothing, with an example.
fn idle(what: &str, rules: &IdleRulesReport) -> Option<String> {
    let first = rules.first.as_ref()?;
    let (count, line) = (rules.count, first.line);
    let (rule, by_list, by_rule) = (&first.rule, clean(&first.by_list), clean(&first.by_rule));
    let by = format!("list {by_list}, line {}: {by_rule}", first.by_line);
    Some(format!("  {DIM}{what}: {count}, as line {line} ({}) beside {by}{DIM:#}", clean(rule)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_api::IdleRuleReport;

    #[test]
    fn rules_that_change_nothing_are_told_with_an_example() {
        let first = IdleRuleReport {
            line: 7,
            rule: "||a.ads.example^".into(),
            by_list: "ads".into(),
            by_line: 2,
            by_rule: "||ads.example^".into(),
        };
        let list = PolicyListState {
            name: "ads".into(),
            form: "adblock".into(),
            rules: 4,
            lines: 9,
            hits: 12,
            dead: Some(IdleRulesReport::default()),
            shadowed: Some(IdleRulesReport { count: 3, first: Some(first) }),
            ..PolicyListState::default()
        };
        let report = PolicyListReport { lists: vec![list], ..PolicyListReport::default() };
        let text = anstream::adapter::strip_str(&page(&report).join("\n")).to_string();
        let expected = "0 names in force, 0 KiB of memory\n\
                        list ads: 4 rules of 9 lines (adblock, blocks), 12 hits\n  \
                        rules that repeat a broader one: 3, as line 7 (||a.ads.example^) beside list ads, line 2: \
                        ||ads.example^";
        assert_eq!(text, expected);
    }
}
