//! What became slower since the baseline, and whose fault that is.

use std::collections::BTreeMap;

use super::{Finding, Known, LOSSY, MOST_OF_A_KIND, Suspect};
use crate::compare::{Comparison, Outlier, Verdict};
use crate::providers::Provider;
use crate::statistics::{Estimate, signed_ranks};
use crate::target::Part;

/// Of the intervals that are told.
const CONFIDENCE: f64 = 0.99;

/// Providers that changed otherwise than others, or what changed for all alike.
pub(super) fn changes(now: &Known, before: &Known, comparison: &Comparison) -> Vec<Finding> {
    let outliers: Vec<Finding> = comparison
        .providers
        .iter()
        .filter(|outlier| outlier.change.value > 0.0 && is_its_fault(outlier, now, before))
        .take(MOST_OF_A_KIND)
        .map(|outlier| of_provider(outlier, now, before))
        .collect();
    match outliers.is_empty() {
        true => alike(now, before, comparison).into_iter().collect(),
        false => outliers,
    }
}

/// Whether the provider's servers are farther, or lose more, by enough to explain what its domains
/// take; where they were not seen, nothing speaks against it.
fn is_its_fault(outlier: &Outlier, now: &Known, before: &Known) -> bool {
    let (Some(earlier), Some(now)) = (of_name(before, outlier), of_name(now, outlier)) else {
        return true;
    };
    let (Some(rtt_before), Some(rtt_now)) = (earlier.rtt_ms, now.rtt_ms) else { return true };
    let lost = |provider: &Provider| provider.lost as f64 / provider.asked.max(1) as f64;
    rtt_now - rtt_before > outlier.change.value / 2.0 || lost(now) > lost(earlier) + LOSSY
}

fn of_name<'a>(known: &Known<'a>, outlier: &Outlier) -> Option<&'a Provider> {
    known.providers.iter().find(|provider| provider.name == outlier.name)
}

fn of_provider(outlier: &Outlier, now: &Known, before: &Known) -> Finding {
    let Outlier { name, domains, change } = outlier;
    let rtt = |known| of_name(known, outlier)?.rtt_ms;
    let mut evidence = vec![format!(
        "First asks of its {domains} names grew by {:.0} ms more than those of others ({:.0} to {:.0}).",
        change.value, change.low, change.high
    )];
    if let (Some(earlier), Some(rtt)) = (rtt(before), rtt(now)) {
        evidence
            .push(format!("Its nameservers answered in {earlier:.0} ms then, in {rtt:.0} now."));
    }
    Finding {
        suspect: Suspect::Provider(name.clone()),
        says: format!(
            "{name} became slower since the baseline, by {:.0} ms; others did not.",
            change.value
        ),
        evidence,
    }
}

/// What became slower for all: the line, if all servers are farther, or the resolver.
fn alike(now: &Known, before: &Known, comparison: &Comparison) -> Option<Finding> {
    let cold = comparison.cold.filter(|change| change.verdict == Verdict::Regressed)?;
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
        let says = "It became slower for all names alike: the line or the resolver, no provider.";
        return Some(Finding { suspect: Suspect::Line, says: says.into(), evidence });
    };
    evidence.push(format!(
        "The nameservers of both runs are {:+.1} ms farther ({:+.1} to {:+.1}).",
        farther.value, farther.low, farther.high
    ));
    let own = |known: &Known| {
        let count = known.summary.cold.count.max(1) as f64;
        known.way.part_us(Part::Resolver) as f64 / 1000.0 / count
    };
    let (own_before, own_now) = (own(before), own(now));
    evidence.push(format!(
        "The resolver itself takes {own_now:.1} ms of each first ask; it took {own_before:.1}."
    ));
    let line = farther.low > 0.0 && farther.value > own_now - own_before;
    let (suspect, says) = match line {
        true => (Suspect::Line, "The line became slower: all nameservers are farther than before."),
        false => {
            let says = "The resolver became slower: the nameservers are no farther than before.";
            (Suspect::Resolver, says)
        }
    };
    Some(Finding { suspect, says: says.into(), evidence })
}

/// By how many milliseconds the nameservers that both runs met are farther now.
fn farther(now: &Known, before: &Known) -> Option<Estimate> {
    let earlier: BTreeMap<&str, f64> = before
        .nameservers
        .iter()
        .filter_map(|server| Some((server.address.as_str(), server.p50_ms?)))
        .collect();
    let grown: Vec<f64> = now
        .nameservers
        .iter()
        .filter_map(|server| Some(server.p50_ms? - earlier.get(server.address.as_str())?))
        .collect();
    signed_ranks(&grown, CONFIDENCE)
}
