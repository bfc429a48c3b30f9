use super::*;
use crate::figures::{Domain, Figures};
use std::collections::BTreeMap;

/// A run of 600 names at 40 providers, two servers each.
struct Run {
    summary: Summary,
    providers: Vec<Provider>,
    nameservers: Vec<Nameserver>,
    way: TimeParts,
}

impl Run {
    fn new() -> Self {
        let figures = |count, mean| Figures { count, mean, p50: mean, ..Figures::default() };
        let domain = |name| Domain {
            name,
            cold: figures(3, 60.0),
            warm: figures(3, 0.2),
            all: figures(6, 30.0),
        };
        let provider = |number: usize| Provider {
            name: format!("host{number}.test"),
            servers: 2,
            domains: 15,
            asked: 30,
            answered: 30,
            rtt_ms: Some(30.0 + number as f64),
            waited_ms: 15.0 * 50.0,
            cold_ms: Some(50.0 + number as f64),
            ..Provider::default()
        };
        let nameserver = |number: usize| Nameserver {
            address: format!("192.0.2.{number}"),
            name: format!("ns1.host{}.test.", number % 40),
            asked: 15,
            answered: 15,
            least_ms: Some(20.0 + number as f64 / 2.0),
            p50_ms: Some(30.0 + number as f64 / 2.0),
            ..Nameserver::default()
        };
        Run {
            summary: Summary {
                cold: figures(1800, 60.0),
                warm: figures(1800, 0.2),
                all: figures(3600, 30.0),
                known: 0.0,
                silent: 0,
                failures: BTreeMap::new(),
                domains: (0..600).map(domain).collect(),
            },
            providers: (0..40).map(provider).collect(),
            nameservers: (0..80).map(nameserver).collect(),
            way: TimeParts::default()
                .with(Part::Provider, 30_000_000)
                .with(Part::TopLevel, 10_000_000),
        }
    }

    fn known(&self) -> TargetRun<'_> {
        TargetRun {
            summary: &self.summary,
            way: self.way,
            providers: &self.providers,
            nameservers: &self.nameservers,
            gateway_ms: Some(1.0),
        }
    }

    fn found(&self) -> Vec<Suspect> {
        findings(&self.known(), None).into_iter().map(|finding| finding.suspect).collect()
    }
}

#[test]
fn what_is_well_is_said_to_be() {
    assert_eq!(Run::new().found(), [Suspect::Nothing]);
}

#[test]
fn a_slow_provider_is_named() {
    let mut run = Run::new();
    run.providers[7].rtt_ms = Some(150.0);
    run.providers[7].waited_ms = 15.0 * 180.0;
    assert_eq!(run.found(), [Suspect::Provider("host7.test".into())]);
    // Where nameservers are unknown, the names of the provider show the change.
    run.way = TimeParts::default();
    assert_eq!(run.found(), [Suspect::Nothing]);
    run.providers[8].cold_ms = Some(190.0);
    assert_eq!(run.found(), [Suspect::Provider("host8.test".into())]);
}

#[test]
fn a_line_that_loses_is_told_from_a_provider_that_does() {
    let mut run = Run::new();
    run.nameservers[3].lost = 20;
    assert_eq!(run.found(), [Suspect::Provider("host3.test".into())]);
    for server in &mut run.nameservers {
        server.lost = 1;
    }
    let found = findings(&run.known(), None);
    assert_eq!(found[0].suspect, Suspect::Uplink);
    assert!(found[0].says.contains("6.2 %"), "{found:?}");
    // Servers that never answer are dead, not lossy.
    for server in &mut run.nameservers {
        (server.answered, server.lost) = if server.lost % 2 == 1 { (15, 0) } else { (0, 15) };
    }
    assert_eq!(run.found(), [Suspect::Nothing]);
}

#[test]
fn a_slow_line_and_a_slow_resolver_are_told_apart() {
    let mut run = Run::new();
    for server in &mut run.nameservers {
        server.least_ms = Some(550.0);
    }
    assert_eq!(run.found(), [Suspect::Uplink]);
    let mut run = Run::new();
    run.way = run.way.with(Part::Resolver, 20_000_000);
    assert_eq!(run.found(), [Suspect::Resolver]);
    let mut run = Run::new();
    run.way = TimeParts::default();
    run.summary.warm.p50 = 45.0;
    assert_eq!(run.found(), [Suspect::Resolver]);
    for domain in run.summary.domains.iter_mut().take(40) {
        domain.warm.failed = 1;
    }
    assert_eq!(run.found()[0], Suspect::Uplink);
    // A question that was never answered was not lost on the way.
    for domain in run.summary.domains.iter_mut().take(40) {
        domain.cold.failed = 1;
    }
    assert_eq!(run.found(), [Suspect::Resolver]);
}

#[test]
fn time_in_vain_and_failures_are_told() {
    let mut run = Run::new();
    run.way = run.way.with(Part::Retries, 10_000_000);
    run.nameservers[0] = Nameserver { answered: 0, lost: 15, ..run.nameservers[0].clone() };
    run.summary.all.failed = 90;
    run.summary.domains[5].all.failed = 6;
    run.summary.failures.insert("SERVFAIL, EDE 22".into(), 90);
    let found = findings(&run.known(), None);
    assert_eq!(found.len(), 2);
    assert!(found[0].evidence[1].contains("ns1.host0.test (192.0.2.0)"), "{found:?}");
    assert!(
        found[1].says.starts_with("90 of 3600 questions failed, for 1 of 600 names"),
        "{found:?}"
    );
}

#[test]
fn time_in_vain_that_cost_nothing_to_speak_of_is_not_told() {
    let mut run = Run::new();
    let each_us = 100 * run.summary.cold.count as u64;
    run.way = TimeParts::default().with(Part::Retries, each_us).with(Part::Provider, each_us);
    run.nameservers[0] = Nameserver { answered: 0, lost: 1, ..run.nameservers[0].clone() };
    assert_eq!(run.found(), [Suspect::Nothing]);
}

/// The first finding of a comparison in which the first asks of each domain took the milliseconds
/// of `cold`.
fn since(run: &Run, before: &Run) -> Diagnosis {
    since_all(run, before).remove(0)
}

fn since_all(run: &Run, before: &Run) -> Vec<Diagnosis> {
    let providers: Vec<String> = (0..600).map(|name| format!("host{}.test", name % 40)).collect();
    let circumstances = crate::Circumstances { same_server: false, providers: &providers };
    let comparison = Comparison::of(&before.summary, &run.summary, circumstances);
    findings(&run.known(), Some((&before.known(), &comparison)))
}

#[test]
fn what_became_slower_is_told_by_whose_fault_it_is() {
    let before = Run::new();
    assert_eq!(since(&Run::new(), &before).suspect, Suspect::Nothing);
    let mut provider = Run::new();
    for domain in provider.summary.domains.iter_mut().filter(|domain| domain.name % 40 == 7) {
        domain.cold.mean += 80.0;
    }
    assert_eq!(
        since(&provider, &before).suspect,
        Suspect::Nothing,
        "its servers are as near as before"
    );
    provider.providers[7].lost = 5;
    assert_eq!(since(&provider, &before).suspect, Suspect::Provider("host7.test".into()));
    provider.providers[7] = Provider {
        lost: 0,
        rtt_ms: Some(110.0),
        waited_ms: 2000.0,
        ..provider.providers[7].clone()
    };
    let found = since(&provider, &before);
    assert_eq!(found.suspect, Suspect::Provider("host7.test".into()));
    assert!(found.says.contains("by 80 ms"), "{found:?}");
    assert_eq!(since_all(&provider, &before).len(), 1, "it is told once");
    assert!(found.evidence[1].contains("in 37 ms then, in 110 now"), "{found:?}");
    let mut slower = Run::new();
    for domain in &mut slower.summary.domains {
        domain.cold.mean += 20.0;
    }
    assert_eq!(since(&slower, &before).suspect, Suspect::Nothing, "nothing explains it");
    slower.way = slower.way.with(Part::Resolver, 1800 * 20_000);
    assert_eq!(since(&slower, &before).suspect, Suspect::Resolver);
    slower.way = before.way;
    for server in &mut slower.nameservers {
        server.p50_ms = server.p50_ms.map(|rtt| rtt + 15.0);
    }
    assert_eq!(since(&slower, &before).suspect, Suspect::Uplink);
}

#[test]
fn a_provider_whose_names_hide_it_is_found_by_its_servers() {
    let before = Run::new();
    let mut now = Run::new();
    for server in [3, 43] {
        now.nameservers[server].p50_ms = now.nameservers[server].p50_ms.map(|rtt| rtt + 80.0);
    }
    let found = since(&now, &before);
    assert_eq!(found.suspect, Suspect::Provider("host3.test".into()));
    assert!(found.says.contains("80 ms farther"), "{found:?}");
    now.nameservers[43].p50_ms = before.nameservers[43].p50_ms;
    assert_eq!(since(&now, &before).suspect, Suspect::Nothing, "one server may have had a bad day");
}
