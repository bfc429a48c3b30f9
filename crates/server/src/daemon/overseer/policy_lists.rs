//! The lists of the policy in reports.

use std::sync::atomic::Ordering;

use zoners_api::{
    HeldListReport, IdleRuleReport, IdleRulesReport, PolicyGroupState, PolicyListReport,
    PolicyListState, PolicySourceReport, SkippedLineReport,
};
use zoners_dns::{Clock, Network};
use zoners_policy::{IdleRules, ListEntry};

use super::operator_rules;
use super::policy::in_force;
use crate::clock::SystemClock;
use crate::pipeline::Service;
use crate::policy::shelf::PolicyShelf;
use crate::policy::supply::SuppliedList;

/// The lists and groups in force, and the configured lists.
pub(super) fn lists<N: Network>(service: &Service<N>, policies: &PolicyShelf) -> PolicyListReport {
    let sources = sources(policies);
    let Ok(rules) = in_force(service) else {
        return PolicyListReport { sources, ..PolicyListReport::default() };
    };
    let compiled = rules.compiled();
    let names = |set: &zoners_policy::ListSet| {
        let all = compiled.lists().iter().enumerate();
        all.filter(|(number, _)| set.contains(*number)).map(|(_, list)| list.name.clone()).collect()
    };
    let group = |group: &zoners_policy::GroupSettings| PolicyGroupState {
        name: group.name.clone(),
        clients: {
            let prefixes = group.clients.iter().map(ToString::to_string);
            prefixes.chain(group.addresses.iter().map(ToString::to_string)).collect()
        },
        lists: names(&group.lists),
        services: group.services.names().map(str::to_owned).collect(),
        safe_search: group.safe_search.iter().map(ToString::to_string).collect(),
        schedules: group.schedules.clone(),
        paused: group.is_paused,
    };
    PolicyListReport {
        lists: compiled.lists().iter().map(|list| list_state(list, policies)).collect(),
        names: compiled.names(),
        memory_bytes: compiled.octets() as u64,
        groups: rules.groups().iter().map(group).collect(),
        sources,
        operator_rules: operator_rules::states(policies),
    }
}

/// The report with the rules that change nothing. Reads the compiled file, and is no work for a thread that serves.
pub(super) fn review<N: Network>(
    service: &Service<N>,
    policies: &PolicyShelf,
) -> Result<PolicyListReport, String> {
    let mut report = lists(service, policies);
    let Ok(rules) = in_force(service) else { return Ok(report) };
    let reviews = rules.review().map_err(|error| error.to_string())?;
    for (list, review) in report.lists.iter_mut().zip(reviews) {
        list.dead = Some(idle_rules(review.dead));
        list.shadowed = Some(idle_rules(review.shadowed));
    }
    Ok(report)
}

fn idle_rules(rules: IdleRules) -> IdleRulesReport {
    let first = rules.first.map(|first| IdleRuleReport {
        line: first.line,
        rule: first.rule,
        by_list: first.by.list().unwrap_or_default().to_owned(),
        by_line: first.by.line(),
        by_rule: first.by_rule,
    });
    IdleRulesReport { count: rules.count, first }
}

/// The lists that a person should look at.
pub(super) fn lists_in_need(policies: &PolicyShelf) -> Vec<PolicySourceReport> {
    let mut sources = sources(policies);
    sources.retain(PolicySourceReport::needs_attention);
    sources
}

fn sources(policies: &PolicyShelf) -> Vec<PolicySourceReport> {
    let now_s = SystemClock.wall_seconds();
    policies.supply().iter().map(|list| source(list, now_s)).collect()
}

fn source(list: &SuppliedList, now_s: u64) -> PolicySourceReport {
    let SuppliedList { name, origin, record } = list;
    let age = |moment: Option<u64>| moment.map(|moment| now_s.saturating_sub(moment));
    let held = record.guard.held().map(|held| HeldListReport {
        rules: held.version.rules,
        text: held.surprise.to_string(),
        left_s: held.left_s(now_s),
    });
    PolicySourceReport {
        name: name.clone(),
        origin: origin.clone(),
        rules: record.guard.in_force().map(|version| version.rules),
        former_rules: record.guard.former_rules(),
        age_s: age(record.fetched_s),
        attempt_age_s: age(record.attempted_s),
        failures: record.failures,
        error: record.error.clone().or_else(|| record.fault.clone()),
        held,
    }
}

fn list_state(list: &ListEntry, policies: &PolicyShelf) -> PolicyListState {
    let skipped = list.skipped.iter().map(|(reason, lines, first)| SkippedLineReport {
        reason: reason.clone(),
        lines: *lines,
        first: *first,
    });
    PolicyListState {
        name: list.name.clone(),
        form: list.form.to_string(),
        allows: list.allows,
        rules: list.rules,
        repeated: list.repeated,
        lines: list.lines,
        lost: list.lost,
        skipped: skipped.collect(),
        hits: policies.hits(&list.name).load(Ordering::Relaxed),
        dead: None,
        shadowed: None,
    }
}
