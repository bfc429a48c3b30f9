//! `zoners policy block`, `allow` and `unblock`

use zoners_api::{
    AdminReply, AdminRequest, OperatorRuleChange, OperatorRuleEffect, OperatorRuleReport,
    OperatorRuleState, PolicyExplanation,
};

use crate::Failure;
use crate::control::Socket;
use crate::output::println;
use crate::print::{BOLD, DIM, clean};

/// The name and the group of a rule.
#[derive(Debug, clap::Args)]
pub(super) struct RuleArguments {
    /// The name; every name below is concerned, too.
    name: String,
    /// The group of clients; without it, every group.
    #[arg(long)]
    group: Option<String>,
    /// Tell what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

/// Makes a rule, or takes one back without `effect`.
pub(super) fn change(
    arguments: &RuleArguments,
    effect: Option<OperatorRuleEffect>,
) -> Result<(), Failure> {
    let RuleArguments { name, group, dry_run, json, socket } = arguments;
    let (name, group) = (name.clone(), group.clone());
    let change = OperatorRuleChange {
        name,
        effect,
        group,
        trial: *dry_run,
        ..OperatorRuleChange::default()
    };
    let report: OperatorRuleReport = socket.request(&AdminRequest::PolicyRule(change))?;
    match *json {
        true => println!("{}", AdminReply::from(report).to_line()),
        false => page(&report).iter().for_each(|line| println!("{line}")),
    }
    Ok(())
}

/// The change, and what decided before and decides now.
fn page(report: &OperatorRuleReport) -> Vec<String> {
    let OperatorRuleReport { name, effect, group, trial, before, after, file, .. } = report;
    let name = clean(name.strip_suffix('.').unwrap_or(name));
    let of = group.as_ref().map_or_else(String::new, |group| format!(" for {}", clean(group)));
    let verb = match effect {
        Some(OperatorRuleEffect::Block) => "block",
        Some(OperatorRuleEffect::Allow) => "allow",
        None => "unblock",
    };
    let way = if *trial { " (not done)" } else { "" };
    let mut lines = vec![
        format!("{BOLD}{verb} {name} and every name below{of}{BOLD:#}{way}"),
        format!("  before: {}", decision(before)),
        format!("  {} {}", if *trial { "then:  " } else { "now:   " }, decision(after)),
    ];
    if effect.is_some() && !trial {
        let group = group.iter().map(|group| format!(" --group {}", clean(group)));
        let back = group.collect::<String>();
        lines.push(format!("{DIM}taken back by: zoners policy unblock {name}{back}{DIM:#}"));
    }
    if file.is_none() && !trial {
        lines.push("there is no state folder: the rules end with the daemon".to_owned());
    }
    lines
}

/// What happens to the name for a client of this machine, and the rule behind.
fn decision(explained: &PolicyExplanation) -> String {
    match explained.rules.first() {
        None if explained.paused => "answered, as the policy is paused".to_owned(),
        None => "answered, as no rule matches".to_owned(),
        Some(rule) => {
            let place = clean(&rule.place());
            format!("{}  {DIM}{place}: {}{DIM:#}", rule.verdict(), clean(&rule.rule))
        }
    }
}

/// The rules in the list of everything in force.
pub(super) fn list(rules: &[OperatorRuleState]) -> Vec<String> {
    let line = |rule: &OperatorRuleState| {
        let verb = match rule.effect {
            OperatorRuleEffect::Block => "block",
            OperatorRuleEffect::Allow => "allow",
        };
        let of = rule.group.as_ref().map_or_else(String::new, |group| format!(" for {group}"));
        let name = rule.name.strip_suffix('.').unwrap_or(&rule.name);
        format!("rule of the operator: {verb} {}{}", clean(name), clean(&of))
    };
    rules.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_api::{MatchingRuleReport, RuleSourceReport};

    fn explained(rules: Vec<MatchingRuleReport>) -> PolicyExplanation {
        PolicyExplanation {
            name: "ads.example.".into(),
            r#type: "A".into(),
            client: "127.0.0.1".into(),
            group: "default".into(),
            paused: false,
            schedules: Vec::new(),
            rules,
            rebinding: None,
        }
    }

    fn rule(source: RuleSourceReport, rule: &str, allows: bool) -> MatchingRuleReport {
        let of = if source == RuleSourceReport::List { "ads" } else { "" };
        let action = if allows { "allowed" } else { "NXDOMAIN" };
        let line = (source == RuleSourceReport::List).then_some(7);
        let (of, action) = (of.to_owned(), action.to_owned());
        MatchingRuleReport { source, of, line, rule: rule.into(), allows, action }
    }

    #[test]
    fn a_change_is_told_with_what_decided_before() {
        let before = explained(vec![rule(RuleSourceReport::List, "||ads.example^", false)]);
        let after = explained(vec![rule(RuleSourceReport::Operator, "allow ads.example", true)]);
        let report = OperatorRuleReport {
            name: "ads.example.".into(),
            effect: Some(OperatorRuleEffect::Allow),
            group: Some("kids".into()),
            former: None,
            trial: false,
            before,
            after,
            file: Some("/var/lib/zoners/policy.rules".into()),
        };
        let told = anstream::adapter::strip_str(&page(&report).join("\n")).to_string();
        assert_eq!(
            told,
            "allow ads.example and every name below for kids\n  \
             before: blocked  list ads, line 7: ||ads.example^\n  \
             now:    allowed  rule of the operator: allow ads.example\n\
             taken back by: zoners policy unblock ads.example --group kids"
        );
        let trial = OperatorRuleReport { trial: true, after: explained(vec![]), ..report };
        let told = anstream::adapter::strip_str(&page(&trial).join("\n")).to_string();
        assert!(told.ends_with("(not done)\n  before: blocked  list ads, line 7: ||ads.example^\n  then:   answered, as no rule matches"), "{told}");
    }
}
