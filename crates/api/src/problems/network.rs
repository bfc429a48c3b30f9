//! Problems of the network around the daemon.

use super::problem;
use crate::words::capitalised;
use crate::{
    DaemonStatus, FirstRecursionState, PassageReport, PassageState, Problem, Severity,
    StrategyReport,
};

/// A share of lost queries that people notice.
const MANY_LOST: f64 = 0.05;

/// Problems of the network around the daemon.
pub(super) fn problems(status: &DaemonStatus) -> Vec<Problem> {
    let mut problems = Vec::new();
    let network = &status.network;
    if network.down {
        problems.push(problem(
            without_internet(status),
            "No server on the Internet responds: the network appears to be down.",
            "Check the cable, the Wi-Fi and the router. Answers in the cache are still served, expired ones \
             too.",
        ));
    }
    problems.extend(first_recursion(status));
    match (&network.strategy, &network.passage.text) {
        (Some(strategy), _) if strategy.is_portal() => problems.push(problem(
            Severity::Warning,
            "A captive portal holds this network.",
            format!(
                "Open {} in a browser and log in. Names are resolved by the network until then.",
                strategy.log_in_page().unwrap_or("a web page")
            ),
        )),
        (Some(strategy), _) if strategy.forwards() => problems.push(forwarding(strategy)),
        (Some(strategy), Some(text)) if strategy.needs_consent => problems.push(problem(
            Severity::Error,
            sentence(text),
            "The network's own resolver answers, but nothing can be validated. If you accept that, set \
             network.when-unvalidated = \"forward\" in zoners.toml; then: zoners reload.",
        )),
        (_, Some(text)) => problems.push(passage(&network.passage, text)),
        (_, None) => {}
    }
    if !network.down {
        let broken: Vec<&str> = network.reachability.names(false).collect();
        problems.extend(broken.iter().map(|way| path(way)));
    }
    for prefix in &network.silent_networks {
        problems.push(problem(
            Severity::Warning,
            format!("No configured server in {prefix} responds."),
            "Check the VPN or the servers: zones that the configuration sends there are not resolved.",
        ));
    }
    if network.loss >= MANY_LOST && !network.down {
        problems.push(problem(
            Severity::Warning,
            format!("The network loses {:.0} of 100 queries.", network.loss * 100.0),
            "Check the Wi-Fi and the connection to the Internet: lost queries are sent again, which takes time.",
        ));
    }
    problems
}

/// How bad the loss of the Internet is: a server of configured zones alone, without the Internet, does its work.
fn without_internet(status: &DaemonStatus) -> Severity {
    if status.network.routes_reply { Severity::Warning } else { Severity::Error }
}

/// The problem of a network whose resolver is asked in the place of servers.
fn forwarding(strategy: &StrategyReport) -> Problem {
    let validates = strategy.strategy != "forward-unvalidated";
    let severity = if validates { Severity::Notice } else { Severity::Warning };
    let text = format!("This network blocks DNS to foreign servers: {}.", strategy.text);
    let advice = match validates {
        true => "Nothing has to be done: recursion is tried again now and then.",
        false => "Forged answers go unnoticed here. Recursion is tried again now and then.",
    };
    problem(severity, text, advice)
}

/// The problem of a first recursion that failed, as long as nothing later is known of the network.
fn first_recursion(status: &DaemonStatus) -> Option<Problem> {
    let network = &status.network;
    let first = network.first_recursion.as_ref()?;
    let is_served = |strategy: &StrategyReport| strategy.forwards() || strategy.is_portal();
    if network.strategy.as_deref().is_some_and(is_served) {
        return None;
    }
    if network.down || network.passage.state != PassageState::Unknown || status.cache.recursed > 0 {
        return None;
    }
    let text = match first.state {
        FirstRecursionState::Offline => "No server responds: recursion has failed since the start.",
        FirstRecursionState::Failed => "Servers respond, but recursion has failed since the start.",
        FirstRecursionState::Proven
        | FirstRecursionState::Unvalidated
        | FirstRecursionState::Other => return None,
    };
    let advice = "Check the cable, the Wi-Fi and the router, and whether the network blocks DNS (port 53). Zoners \
                  tries again every few seconds, and needs no restart.";
    Some(problem(without_internet(status), text, advice))
}

/// The problem of a network that lets no DNS pass; `text` describes the obstacle.
fn passage(passage: &PassageReport, text: &str) -> Problem {
    let advice = match passage.state {
        PassageState::Intercepted => {
            "Log in to the network if it has a login page. Else ask its operator to let port 53 pass, or \
             configure a forwarder (forward in zoners.toml)."
        }
        _ => {
            "Ask the operator of the network to let port 53 pass, over UDP and TCP, or configure a forwarder \
             (forward in zoners.toml)."
        }
    };
    let severity = match (passage.state, passage.proves) {
        (PassageState::Intercepted, Some(true)) => Severity::Warning,
        _ => Severity::Error,
    };
    problem(severity, sentence(text), advice)
}

fn sentence(text: &str) -> String {
    format!("{}.", capitalised(text))
}

fn path(way: &str) -> Problem {
    match way {
        "UDP" => problem(
            Severity::Warning,
            "UDP does not work from here: queries are sent over TCP, which takes longer.",
            "Ask the operator of the network, or look at the firewall: UDP to port 53 should pass.",
        ),
        way => problem(
            Severity::Notice,
            format!("{way} does not work from here: servers are asked over {}.", other_family(way)),
            "Nothing has to be done, unless this network should have it.",
        ),
    }
}

fn other_family(way: &str) -> &'static str {
    if way == "IPv4" { "IPv6" } else { "IPv4" }
}

#[cfg(test)]
mod tests {
    use super::super::tests::well;
    use super::*;
    use crate::FirstRecursionReport;

    #[test]
    fn a_network_that_is_served_otherwise_is_no_failure() {
        let mut status = well();
        let text = Some("this network refuses DNS".into());
        status.network.passage = PassageReport { state: PassageState::Refused, proves: None, text };
        let with = |strategy: &str, resolvers: &[&str], needs_consent| {
            let resolvers = resolvers.iter().map(ToString::to_string).collect();
            let strategy = strategy.to_owned();
            let report =
                StrategyReport { strategy, resolvers, needs_consent, ..Default::default() };
            let mut status = status.clone();
            status.network.strategy = Some(Box::new(report));
            let status = status.with_problems();
            let problem = status.problems[0].clone();
            assert_eq!(status.problems.len(), 1);
            (problem.severity, problem.advice.contains("when-unvalidated"))
        };
        let resolver = ["192.0.2.1:53"];
        assert_eq!(with("recurse", &[], false), (Severity::Error, false));
        assert_eq!(with("recurse", &[], true), (Severity::Error, true));
        assert_eq!(with("forward-validating", &resolver, false), (Severity::Notice, false));
        assert_eq!(with("forward-unvalidated", &resolver, false), (Severity::Warning, false));
        assert_eq!(with("portal", &resolver, false), (Severity::Warning, false));
    }

    #[test]
    fn a_first_recursion_that_failed_is_a_problem_until_more_is_known() {
        let first = |state| {
            let mut status = well();
            let text = "no server responds".to_owned();
            status.network.first_recursion = Some(FirstRecursionReport { state, text });
            status
        };
        let severities = |status: DaemonStatus| -> Vec<Severity> {
            status.with_problems().problems.iter().map(|problem| problem.severity).collect()
        };
        assert_eq!(severities(first(FirstRecursionState::Proven)), []);
        assert_eq!(severities(first(FirstRecursionState::Failed)), [Severity::Error]);
        let offline = first(FirstRecursionState::Offline);
        assert_eq!(severities(offline.clone()), [Severity::Error]);
        let mut open = offline.clone();
        open.network.passage.state = PassageState::Open;
        assert_eq!(severities(open), []);
        let mut resolved = offline;
        resolved.cache.recursed = 1;
        assert_eq!(severities(resolved), []);
    }

    #[test]
    fn without_the_internet_zones_of_routes_are_resolved() {
        let mut status = well();
        status.network.down = true;
        assert!(status.clone().with_problems().is_failing());
        status.network.routes_reply = true;
        let problems = status.clone().with_problems().problems;
        assert_eq!(problems.iter().map(|it| it.severity).collect::<Vec<_>>(), [Severity::Warning]);
        status.network.down = false;
        let (state, text) = (FirstRecursionState::Offline, "no server responds".to_owned());
        status.network.first_recursion = Some(FirstRecursionReport { state, text });
        let problems = status.with_problems().problems;
        assert_eq!(problems.iter().map(|it| it.severity).collect::<Vec<_>>(), [Severity::Warning]);
    }

    #[test]
    fn a_network_that_is_down_hides_which_way_out_is_broken() {
        let mut status = well();
        status.network.down = true;
        status.network.loss = 1.0;
        status.network.reachability.ipv6 = false;
        let status = status.with_problems();
        assert_eq!(status.problems.len(), 1);
        assert!(status.is_failing());
    }
}
