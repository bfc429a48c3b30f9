//! Names what became slower since the baseline, and the cause.

use std::collections::BTreeMap;

use super::{Diagnosis, ENOUGH_REPLIES, LOSSY, MOST_OF_A_KIND, Suspect, TargetRun};
use crate::compare::{Comparison, ComparisonVerdict, Outlier};
use crate::nameservers::Nameserver;
use crate::providers::Provider;
use crate::statistics::{Estimate, quantile, signed_ranks};
use crate::target::Part;

/// Confidence of the reported intervals.
const CONFIDENCE: f64 = 0.99;
/// A nameserver is farther if its RTT grew by this many milliseconds and by this share.
const FARTHER: (f64, f64) = (20.0, 0.3);
/// If more than one nameserver in four is farther, the cause is the uplink.
const MOST_FAR: usize = 4;

/// Providers that changed differently from the rest, by their names or by their servers; or a
/// change common to every provider.
pub(super) fn changes(
    now: &TargetRun,
    before: &TargetRun,
    comparison: &Comparison,
) -> Vec<Diagnosis> {
    let mut told: Vec<Diagnosis> = comparison
        .providers
        .iter()
        .filter(|outlier| outlier.change.value > 0.0 && is_its_fault(outlier, now, before))
        .take(MOST_OF_A_KIND)
        .map(|outlier| of_provider(outlier, now, before))
        .collect();
    for finding in farther_providers(now, before) {
        if told.iter().all(|other| other.suspect != finding.suspect) {
            told.push(finding);
        }
    }
    match told.is_empty() {
        true => alike(now, before, comparison).into_iter().collect(),
        false => told,
    }
}

/// Providers with several servers that are farther, while the servers of the rest are not. The
/// times of their names may hide the change, since names can have servers of a second provider.
fn farther_providers(now: &TargetRun, before: &TargetRun) -> Vec<Diagnosis> {
    let grown = grown(now, before);
    let is_far = |(_, then, now): &(&Nameserver, f64, f64)| {
        now - then > FARTHER.0 && now - then > FARTHER.1 * then
    };
    let far = grown.iter().filter(|server| is_far(server)).count();
    if far * MOST_FAR > grown.len() {
        return Vec::new();
    }
    let mut by_provider = BTreeMap::<&str, Vec<f64>>::new();
    for (server, then, now) in grown.iter().filter(|server| is_far(server)) {
        by_provider.entry(server.provider()).or_default().push(now - then);
    }
    let mut providers: Vec<(&str, Vec<f64>)> =
        by_provider.into_iter().filter(|(_, grown)| grown.len() > 1).collect();
    providers.sort_by_key(|(_, grown)| std::cmp::Reverse(grown.len()));
    providers.truncate(MOST_OF_A_KIND);
    let tell = |(name, mut by): (&str, Vec<f64>)| {
        by.sort_unstable_by(f64::total_cmp);
        let by_ms = quantile(&by, 0.5);
        let servers = by.len();
        Diagnosis {
            suspect: Suspect::Provider(name.to_owned()),
            says: format!(
                "{name} became slower since the baseline: its nameservers are {by_ms:.0} ms farther."
            ),
            evidence: vec![format!(
                "{servers} of its nameservers answer so much later; of all {} nameservers of both runs, {far} do.",
                grown.len()
            )],
        }
    };
    providers.into_iter().map(tell).collect()
}

/// The nameservers with enough replies in both runs, and their RTTs before and now.
fn grown<'a>(now: &TargetRun<'a>, before: &TargetRun) -> Vec<(&'a Nameserver, f64, f64)> {
    let enough = |server: &&Nameserver| server.answered >= ENOUGH_REPLIES;
    let earlier: BTreeMap<&str, f64> = before
        .nameservers
        .iter()
        .filter(enough)
        .filter_map(|server| Some((server.address.as_str(), server.p50_ms?)))
        .collect();
    let both = now.nameservers.iter().filter(enough).filter_map(|server| {
        Some((server, *earlier.get(server.address.as_str())?, server.p50_ms?))
    });
    both.collect()
}

/// Whether the provider's servers are farther, or lose more, by enough to explain the times of its
/// domains; true if the servers are unknown.
fn is_its_fault(outlier: &Outlier, now: &TargetRun, before: &TargetRun) -> bool {
    let (Some(earlier), Some(now)) = (of_name(before, outlier), of_name(now, outlier)) else {
        return true;
    };
    let (Some(rtt_before), Some(rtt_now)) = (earlier.rtt_ms, now.rtt_ms) else { return true };
    let lost = |provider: &Provider| provider.lost as f64 / provider.asked.max(1) as f64;
    rtt_now - rtt_before > outlier.change.value / 2.0 || lost(now) > lost(earlier) + LOSSY
}

fn of_name<'a>(known: &TargetRun<'a>, outlier: &Outlier) -> Option<&'a Provider> {
    known.providers.iter().find(|provider| provider.name == outlier.name)
}

fn of_provider(outlier: &Outlier, now: &TargetRun, before: &TargetRun) -> Diagnosis {
    let Outlier { name, domains, change } = outlier;
    let rtt = |known| of_name(known, outlier)?.rtt_ms;
    let mut evidence = vec![format!(
        "First asks of its {domains} names grew by {:.0} ms more than first asks of other names ({:.0} to {:.0}).",
        change.value, change.low, change.high
    )];
    if let (Some(earlier), Some(rtt)) = (rtt(before), rtt(now)) {
        evidence
            .push(format!("Its nameservers answered in {earlier:.0} ms then, in {rtt:.0} now."));
    }
    Diagnosis {
        suspect: Suspect::Provider(name.clone()),
        says: format!(
            "{name} became slower since the baseline, by {:.0} ms; other providers did not.",
            change.value
        ),
        evidence,
    }
}

/// A change common to every provider: the uplink if each server is farther, else the resolver.
fn alike(now: &TargetRun, before: &TargetRun, comparison: &Comparison) -> Option<Diagnosis> {
    let cold = comparison.cold.filter(|change| change.verdict == ComparisonVerdict::Regressed)?;
    let mut evidence = vec![format!(
        "First asks take {:+.0} % ({:+.0} to {:+.0}) for the typical name; no provider explains it.",
        (cold.typical.value - 1.0) * 100.0,
        (cold.typical.low - 1.0) * 100.0,
        (cold.typical.high - 1.0) * 100.0
    )];
    if let (Some(earlier), Some(gateway)) = (before.gateway_ms, now.gateway_ms) {
        evidence
            .push(format!("The first router was {earlier:.1} ms away, and is {gateway:.1} now."));
    }
    let Some(farther) = farther(now, before) else {
        let says = "All names became slower alike: because of the uplink or the resolver, not of a provider.";
        return Some(Diagnosis { suspect: Suspect::Uplink, says: says.into(), evidence });
    };
    evidence.push(format!(
        "The nameservers of both runs are {:+.1} ms farther ({:+.1} to {:+.1}).",
        farther.value, farther.low, farther.high
    ));
    let own = |known: &TargetRun| {
        let count = known.summary.cold.count.max(1) as f64;
        known.way.part_us(Part::Resolver) as f64 / 1000.0 / count
    };
    let (own_before, own_now) = (own(before), own(now));
    evidence.push(format!(
        "The resolver itself takes {own_now:.1} ms of each first ask; it took {own_before:.1}."
    ));
    let half = (cold.typical.value - 1.0) * cold.half_before / 2.0;
    let (suspect, says) = if farther.low > 0.0 && farther.value > own_now - own_before {
        (Suspect::Uplink, "The uplink became slower: all nameservers are farther than before.")
    } else if own_now - own_before > half {
        (
            Suspect::Resolver,
            "The resolver became slower: the nameservers are no farther than before.",
        )
    } else {
        let says = "All names became slower, though the nameservers are no farther and the resolver itself takes \
                    no longer.";
        (Suspect::Nothing, says)
    };
    Some(Diagnosis { suspect, says: says.into(), evidence })
}

/// The growth of the RTTs, in milliseconds, of the nameservers in both runs.
fn farther(now: &TargetRun, before: &TargetRun) -> Option<Estimate> {
    let grown: Vec<f64> = grown(now, before).into_iter().map(|(_, then, now)| now - then).collect();
    signed_ranks(&grown, CONFIDENCE)
}
