//! The rules behind a decision, and the pauses of the policy.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use zoners_api::{
    AdminError, MatchingRuleReport, PolicyExplanation, PolicyPauseReport, RebindingReport,
    RuleSourceReport,
};
use zoners_dns::{Network, Question};
use zoners_policy::{MatchingRule, PolicyAction, PolicyRules, RuleSource};

use crate::config::DEFAULT_GROUP;
use crate::pipeline::policy::Policy;
use crate::pipeline::{ClientGroup, Service};
use crate::policy::shelf::{MAX_PAUSE_SECONDS, PolicyShelf};
use crate::report::text;

/// The rules that match a question of a client.
pub(super) fn explain<N: Network>(
    service: &Service<N>,
    question: &Question,
    client: Option<&str>,
) -> Result<PolicyExplanation, AdminError> {
    let has_protection = service.explain_rebinding(question).is_some();
    match in_force(service) {
        // The protection decides without a list, too.
        Err(error) if !has_protection => Err(error),
        _ => explain_by(service, service.rules().policy(), question, client),
    }
}

/// The rules of a policy, in force or not, that match a question of a client.
pub(super) fn explain_by<N: Network>(
    service: &Service<N>,
    policy: Option<&dyn Policy>,
    question: &Question,
    client: Option<&str>,
) -> Result<PolicyExplanation, AdminError> {
    let client = match client {
        None => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(text) => {
            let faulty = |_| AdminError::invalid(format!("`{text}` is no address of a client"));
            text.parse().map_err(faulty)?
        }
    };
    let rebinding = service.explain_rebinding(question);
    let Some(rules) = policy.and_then(|policy| policy.lists()) else {
        return Ok(without_rules(question, client, rebinding));
    };
    let region = rules.region(client);
    let group = rules.group(region);
    let found = rules.explain(region, question.name.for_slice(), question.rtype);
    let found = found.map_err(|error| AdminError::failed(error.to_string()))?;
    let group_name = group.map(|group| group.name.clone()).unwrap_or_default();
    let own = policy.and_then(|policy| {
        policy.records(ClientGroup(region), question.name.for_slice(), question.rtype)
    });
    let own = own.map(|_| MatchingRuleReport {
        source: RuleSourceReport::Records,
        of: group_name.clone(),
        line: None,
        rule: text(&question.name),
        allows: false,
        action: "answered with the records of the group".to_owned(),
    });
    Ok(PolicyExplanation {
        name: text(&question.name),
        r#type: question.rtype.to_string(),
        client: client.to_string(),
        group: group_name,
        paused: group.is_some_and(|group| group.is_paused),
        schedules: group.map(|group| group.schedules.clone()).unwrap_or_default(),
        rules: own.into_iter().chain(found.into_iter().map(matching_rule)).collect(),
        rebinding,
    })
}

fn without_rules(
    question: &Question,
    client: IpAddr,
    rebinding: Option<RebindingReport>,
) -> PolicyExplanation {
    PolicyExplanation {
        name: text(&question.name),
        r#type: question.rtype.to_string(),
        client: client.to_string(),
        group: DEFAULT_GROUP.to_owned(),
        paused: false,
        schedules: Vec::new(),
        rules: Vec::new(),
        rebinding,
    }
}

fn matching_rule(rule: MatchingRule) -> MatchingRuleReport {
    let MatchingRule { action, reason } = rule;
    let allows = action.is_none();
    let action = match action {
        None => "allowed".to_owned(),
        Some(PolicyAction::Nxdomain) => "NXDOMAIN".to_owned(),
        Some(PolicyAction::Nodata) => "no records".to_owned(),
        Some(PolicyAction::Refused) => "REFUSED".to_owned(),
        Some(PolicyAction::Drop) => "no reply".to_owned(),
        Some(PolicyAction::TcpOnly) => "asked again over TCP".to_owned(),
        Some(PolicyAction::Addresses(addresses)) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("answered with {}", addresses.join(", "))
        }
        Some(PolicyAction::Alias(target)) => format!("an alias of {}", text(&target)),
        Some(PolicyAction::Records(_)) => "answered with the records of the rule".to_owned(),
    };
    let (source, of, line) = match reason.source {
        RuleSource::List { name, line } => (RuleSourceReport::List, name, Some(line)),
        RuleSource::Schedule(name) => (RuleSourceReport::Schedule, name, None),
        RuleSource::Service(name) => (RuleSourceReport::Service, name.to_owned(), None),
        RuleSource::SafeSearch(engine) => (RuleSourceReport::SafeSearch, engine.to_string(), None),
        RuleSource::BlockAaaa => (RuleSourceReport::BlockAaaa, String::new(), None),
        RuleSource::Operator => (RuleSourceReport::Operator, String::new(), None),
    };
    MatchingRuleReport { source, of, line, rule: reason.rule, allows, action }
}

/// Pauses a group, or all groups.
pub(super) fn pause<N: Network>(
    service: &Service<N>,
    policies: &PolicyShelf,
    group: Option<&str>,
    seconds: u32,
) -> Result<PolicyPauseReport, AdminError> {
    let rules = in_force(service)?;
    if seconds > MAX_PAUSE_SECONDS {
        return Err(AdminError::invalid(format!(
            "seconds: write 0 to {MAX_PAUSE_SECONDS} (a week)"
        )));
    }
    if let Some(name) = group.filter(|name| !rules.groups().iter().any(|own| own.name == **name)) {
        let names: Vec<&str> = rules.groups().iter().map(|own| &*own.name).collect();
        let known = names.join(", ");
        return Err(AdminError::invalid(format!("there is no group {name:?}; there are {known}")));
    }
    let now = service.worker().shared().now();
    let until = now.after(Duration::from_secs(seconds.into()));
    let group = group.map(str::to_owned);
    policies.pause(group.clone(), until, now);
    let whom =
        group.as_ref().map_or_else(|| "all groups".to_owned(), |name| format!("group {name}"));
    match seconds {
        0 => tracing::info!("policy: in force again for {whom}"),
        seconds => tracing::warn!("policy: paused for {whom} for {seconds} s"),
    }
    Ok(PolicyPauseReport { group, left_s: seconds })
}

pub(super) fn in_force<N: Network>(service: &Service<N>) -> Result<&PolicyRules, AdminError> {
    let rules = service.rules().policy().and_then(|policy| policy.lists());
    rules.ok_or_else(|| {
        AdminError::failed(
            "no policy is in force: [[policy.list]] in the configuration names lists, [[policy.group]] groups",
        )
    })
}
