//! Names the slow part, a provider, the uplink or the resolver, in a sentence with the evidence.

mod changes;
mod uplink;

use serde::{Deserialize, Serialize};

use crate::compare::Comparison;
use crate::figures::Summary;
use crate::nameservers::Nameserver;
use crate::providers::Provider;
use crate::statistics::weighted_median;
use crate::target::Part;
use crate::time_parts::TimeParts;

/// The most findings of one kind.
const MOST_OF_A_KIND: usize = 3;
/// A provider is slow if its RTT exceeds the typical RTT by this factor and by this many
/// milliseconds.
const SLOW: (f64, f64) = (1.5, 20.0);
/// The share of the time that a provider must cost to be reported.
const WORTH_TELLING: f64 = 0.01;
/// Replies needed to estimate the RTT of a provider.
const ENOUGH_REPLIES: usize = 3;
/// Names needed to judge a provider.
const ENOUGH_NAMES: usize = 4;
/// Queries needed to estimate the loss rate.
const ENOUGH_QUERIES: usize = 100;
/// The loss rate above which loss is reported.
const LOSSY: f64 = 0.01;
/// The share of the time, and the milliseconds of each first ask, that the resolver itself may
/// take.
const OWN: (f64, f64) = (0.2, 5.0);
/// The share of the time, and the milliseconds of each first ask, above which servers without a useful reply
/// are told.
const IN_VAIN: (f64, f64) = (0.1, 5.0);
/// Milliseconds in which a server nearby answers from its cache.
const KNOWN_IN: f64 = 20.0;

/// A cause of delay or of failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The part that causes the delay or the failures.
    pub suspect: Suspect,
    /// The sentence.
    pub says: String,
    /// The figures behind the sentence.
    pub evidence: Vec<String>,
}

/// The part that may be slow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspect {
    /// A provider of nameservers.
    Provider(String),
    /// The way from here to every server.
    Uplink,
    /// The measured resolver.
    Resolver,
    /// Some of the names.
    Names,
    /// No part.
    Nothing,
}

/// The data of a run of one target.
#[derive(Clone, Copy, Debug)]
pub struct TargetRun<'a> {
    /// The figures of the target.
    pub summary: &'a Summary,
    /// The parts of the time of first asks; empty where the trace shows no hops.
    pub way: TimeParts,
    /// The providers of the names.
    pub providers: &'a [Provider],
    /// The nameservers that the target asked.
    pub nameservers: &'a [Nameserver],
    /// Milliseconds to the first router.
    pub gateway_ms: Option<f64>,
}

/// The findings on a run, and on its comparison with a baseline, the most costly first. Never
/// empty.
#[must_use]
pub fn findings(now: &TargetRun, before: Option<(&TargetRun, &Comparison)>) -> Vec<Diagnosis> {
    let mut findings = Vec::new();
    if let Some((before, comparison)) = before {
        findings.extend(changes::changes(now, before, comparison));
    }
    findings.extend(uplink::lost(now));
    findings.extend(uplink::far(now));
    let told = |slow: &Diagnosis| findings.iter().any(|finding| finding.suspect == slow.suspect);
    let slow: Vec<Diagnosis> = slow_providers(now).into_iter().filter(|slow| !told(slow)).collect();
    findings.extend(slow);
    findings.extend(in_vain(now));
    findings.extend(own_time(now));
    findings.extend(failing(now));
    if findings.is_empty() {
        findings.push(nothing(now));
    }
    findings
}

/// Providers that cost more than the rest: by RTT or, where RTTs are unknown, by the times of their
/// names.
fn slow_providers(now: &TargetRun) -> Vec<Diagnosis> {
    let seen = now.way.total_us() > 0;
    let takes = |provider: &Provider| match seen {
        true => provider.rtt_ms.filter(|_| provider.answered >= ENOUGH_REPLIES),
        false => provider.cold_ms.filter(|_| provider.domains >= ENOUGH_NAMES),
    };
    let mut all: Vec<(f64, usize)> =
        now.providers.iter().filter_map(takes).map(|takes| (takes, 1)).collect();
    let Some(typical) = weighted_median(&mut all) else { return Vec::new() };
    let total = match seen {
        true => now.way.total_us() as f64 / 1000.0,
        false => now.summary.domains.iter().map(|domain| domain.cold.mean).sum(),
    };
    let cost = |provider: &Provider, takes: f64| match seen {
        true => provider.waited_ms * (1.0 - typical / takes),
        false => (takes - typical) * provider.domains as f64,
    };
    let mut slow: Vec<(f64, f64, &Provider)> = now
        .providers
        .iter()
        .filter_map(|provider| Some((takes(provider)?, provider)))
        .filter(|(takes, _)| *takes > typical * SLOW.0 + SLOW.1)
        .map(|(takes, provider)| (cost(provider, takes) / total.max(1.0), takes, provider))
        .filter(|(share, ..)| *share > WORTH_TELLING)
        .collect();
    slow.sort_by(|one, other| other.0.total_cmp(&one.0));
    slow.truncate(MOST_OF_A_KIND);
    let tell = |(share, takes, provider): (f64, f64, &Provider)| {
        let Provider { name, servers, domains, .. } = provider;
        let percent = share * 100.0;
        let says = match seen {
            true => format!(
                "{name} is slow: its nameservers answer in {takes:.0} ms, nameservers of other providers \
                 in {typical:.0}."
            ),
            false => format!(
                "{name} is slow: its names take {takes:.0} ms, names of other providers \
                 {typical:.0}."
            ),
        };
        let serves = match (seen, domains) {
            (true, 0) => format!("Its {servers} servers are asked on the way to names of the list"),
            (true, _) => format!("{domains} names of the list lie with its {servers} servers"),
            (false, _) => format!("It serves {domains} names of the list"),
        };
        let evidence = format!(
            "{serves}; the time beyond other providers is {percent:.0} % of the time of first asks."
        );
        Diagnosis { suspect: Suspect::Provider(name.clone()), says, evidence: vec![evidence] }
    };
    slow.into_iter().map(tell).collect()
}

/// Time spent on servers without a useful reply.
fn in_vain(now: &TargetRun) -> Option<Diagnosis> {
    let share = now.way.share(Part::Retries);
    let asks = now.summary.cold.count.max(1) as f64;
    let each = now.way.part_us(Part::Retries) as f64 / 1000.0 / asks;
    if share < IN_VAIN.0 || each < IN_VAIN.1 {
        return None;
    }
    let silent = |server: &&Nameserver| !server.is_alive() && server.lost + server.refused > 0;
    let silent: Vec<&Nameserver> = now.nameservers.iter().filter(silent).collect();
    let mut evidence = vec![match silent.len() {
        0 => "Each of these nameservers replied at other times; a late reply made the resolver ask the next one.".to_owned(),
        some => format!(
            "{some} of {} nameservers never replied; each time the next one was asked.",
            now.nameservers.len()
        ),
    }];
    let asked_most: Vec<String> = silent
        .iter()
        .take(MOST_OF_A_KIND)
        .map(|server| format!("{} ({})", server.name.trim_end_matches('.'), server.address))
        .collect();
    if !asked_most.is_empty() {
        evidence.push(format!("Asked most: {}.", asked_most.join(", ")));
    }
    let says = format!(
        "Nameservers that reply late or not at all cost {each:.1} ms of each first ask, {:.0} % of the time.",
        share * 100.0
    );
    Some(Diagnosis { suspect: Suspect::Names, says, evidence })
}

/// A resolver that is slow itself.
fn own_time(now: &TargetRun) -> Option<Diagnosis> {
    let Summary { cold, warm, .. } = now.summary;
    let share = now.way.share(Part::Resolver);
    let each = now.way.part_us(Part::Resolver) as f64 / 1000.0 / cold.count.max(1) as f64;
    if now.way.total_us() > 0 {
        return (share > OWN.0 && each > OWN.1).then(|| Diagnosis {
            suspect: Suspect::Resolver,
            says: format!(
                "The resolver is slow: it takes {each:.1} ms of each first ask for itself, {:.0} % of \
                 the time.",
                share * 100.0
            ),
            evidence: vec!["No query was under way in that time.".into()],
        });
    }
    // Repeats of questions, which a cache answers.
    let known = now.summary.domains.iter().filter(|domain| domain.cold.failed == 0);
    let (asked, lost) = known.fold((0, 0), |(asked, lost), domain| {
        (asked + domain.warm.count, lost + domain.warm.failed)
    });
    if asked >= ENOUGH_QUERIES && lost as f64 > LOSSY * asked as f64 {
        return Some(Diagnosis {
            suspect: Suspect::Uplink,
            says: format!(
                "The resolver, or the network before it, loses questions: {:.1} % of the repeats.",
                lost as f64 * 100.0 / asked as f64
            ),
            evidence: vec![format!(
                "{lost} of {asked} repeats failed, although the first ask was answered."
            )],
        });
    }
    let gateway = now.gateway_ms.unwrap_or_default();
    (warm.count > 0 && warm.p50 > KNOWN_IN + gateway).then(|| Diagnosis {
        suspect: Suspect::Resolver,
        says: format!(
            "The resolver is slow or far: even an answer from its cache takes {:.0} ms.",
            warm.p50
        ),
        evidence: now
            .gateway_ms
            .map(|gateway| format!("The first router is {gateway:.1} ms away."))
            .into_iter()
            .collect(),
    })
}

/// Failed questions.
fn failing(now: &TargetRun) -> Option<Diagnosis> {
    let Summary { all, failures, domains, .. } = now.summary;
    if all.failed == 0 || (all.failed as f64) < LOSSY * all.count as f64 {
        return None;
    }
    let of = domains.iter().filter(|domain| domain.all.failed > 0).count();
    let mut failures: Vec<(&String, &usize)> = failures.iter().collect();
    failures.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let most = failures.iter().take(MOST_OF_A_KIND);
    let most: Vec<String> =
        most.map(|(failure, count)| format!("{count} with {failure}")).collect();
    Some(Diagnosis {
        suspect: Suspect::Names,
        says: format!(
            "{} of {} questions failed, for {of} of {} names.",
            all.failed,
            all.count,
            domains.len()
        ),
        evidence: vec![format!("Most of them: {}.", most.join("; "))],
    })
}

fn nothing(now: &TargetRun) -> Diagnosis {
    let mut evidence = Vec::new();
    if now.way.total_us() > 0 {
        let share = |part| now.way.share(part) * 100.0;
        evidence.push(format!(
            "{:.0} % of the time of first asks went to providers, {:.0} % to top-level domains, {:.0} % \
             to the resolver itself.",
            share(Part::Provider),
            share(Part::TopLevel),
            share(Part::Resolver)
        ));
    }
    let says =
        "Nothing stands out: neither a provider nor the uplink nor the resolver is slow.".into();
    Diagnosis { suspect: Suspect::Nothing, says, evidence }
}

#[cfg(test)]
mod tests;
