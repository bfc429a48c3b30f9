//! Compares two runs, domain by domain.
//!
//! Each domain is its own control: its time in one run is compared with its time in the other run.
//! Two numbers describe each phase: the ratio for the typical domain, and the change of the mean
//! over the domains. A few slow domains move the mean and not the ratio. Since several hypotheses
//! are tested at once, the p-values are corrected (Holm 1979).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zoners_dns::Random;

use crate::figures::{Domain, Figures, Summary};
use crate::statistics::{Estimate, LEAST_PAIRS, holm, quantile, sign_flips, signed_ranks};

/// Significance level: the share of comparisons in which chance may show a change where there is
/// none.
const LEVEL: f64 = 0.01;
/// Confidence of the reported intervals.
const CONFIDENCE: f64 = 0.99;
/// Smaller relative differences are not reported: no user would feel them.
const LEAST_SHARE: f64 = 0.01;
/// Smaller differences in milliseconds are not reported: two runs of cache hits on one machine
/// differ as much.
const LEAST_MILLIS: f64 = 0.1;
/// Milliseconds added to both times of a pair before the division, so that ratios of near-zero
/// times stay near 1.
const GRAIN: f64 = 0.05;
/// If the shares of names cached by a server differ by more between two runs, first asks are not
/// compared.
const KNOWN_APART: f64 = 0.2;
/// Milliseconds by which the domains of a provider must have changed more than the rest to be
/// reported.
const LEAST_OF_PROVIDER: f64 = 5.0;

/// The comparison of two runs of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// First asks, if both runs have enough comparable samples.
    pub cold: Option<PhaseChange>,
    /// Repeats.
    pub warm: Option<PhaseChange>,
    /// The change of a domain's failure rate; p-value as in [`PhaseChange`].
    pub failing: Option<Estimate>,
    /// Failed questions and questions in total, before and now.
    pub failures: [(usize, usize); 2],
    /// If first asks are left out: the shares of names that the server had cached before and now.
    pub knew: Option<[f64; 2]>,
    /// Providers whose domains changed differently from the rest, the slowest first.
    pub providers: Vec<Outlier>,
    /// Domains present in both runs.
    pub pairs: usize,
    /// The overall verdict.
    pub verdict: ComparisonVerdict,
}

/// The change of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseChange {
    /// The ratio of the typical domain's time now to before: 1 means no change. The p-value is
    /// corrected.
    pub typical: Estimate,
    /// The change of the mean over the domains, in milliseconds. The p-value is corrected.
    pub mean: Estimate,
    /// The mean before, in milliseconds.
    pub before: f64,
    /// The median over the domains before, in milliseconds.
    pub half_before: f64,
    /// The verdict on this phase.
    pub verdict: ComparisonVerdict,
}

/// A provider whose domains changed differently from the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlier {
    /// The provider.
    pub name: String,
    /// Domains of the provider in both runs.
    pub domains: usize,
    /// The extra growth of its domains' first asks, in milliseconds, compared with the rest. The
    /// p-value is corrected for the number of providers.
    pub change: Estimate,
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonVerdict {
    /// Quicker now.
    Improved,
    /// Slower now.
    Regressed,
    /// The difference may be chance.
    NoChange,
    /// Some is quicker, some slower.
    Mixed,
}

impl ComparisonVerdict {
    /// In words, for a run and an earlier run.
    #[must_use]
    pub fn since(self) -> &'static str {
        match self {
            ComparisonVerdict::Improved => "improved",
            ComparisonVerdict::Regressed => "regressed",
            ComparisonVerdict::NoChange => "no significant change",
            ComparisonVerdict::Mixed => "some quicker, some slower",
        }
    }

    /// In words, for two targets with the same questions.
    #[must_use]
    pub fn beside(self) -> &'static str {
        match self {
            ComparisonVerdict::Improved => "quicker",
            ComparisonVerdict::Regressed => "slower",
            ComparisonVerdict::NoChange => "no significant difference",
            ComparisonVerdict::Mixed => "some quicker, some slower",
        }
    }
}

/// Circumstances of the two runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// The same server was asked in both runs and its cache could not be flushed: answers of the
    /// first run may have been cached in the second.
    pub same_server: bool,
    /// The provider of each name of the list, where known.
    pub providers: &'a [String],
}

impl Comparison {
    /// Compares the results of the same names before and now.
    #[must_use]
    pub fn of<'a>(before: &'a Summary, now: &'a Summary, circumstances: Circumstances) -> Self {
        let pair = |domain: &'a Domain| Some((before.domain(domain.name)?, domain));
        let pairs: Vec<(&Domain, &Domain)> = now.domains.iter().filter_map(pair).collect();
        let knew = [before.known, now.known];
        let unlike = circumstances.same_server && (knew[0] - knew[1]).abs() > KNOWN_APART;
        let cold = if unlike { None } else { changed(&pairs, |domain| &domain.cold) };
        let mut phases = [cold, changed(&pairs, |domain| &domain.warm)];
        let mut failing = failing(&pairs);
        let all =
            phases.iter_mut().flatten().flat_map(|change| [&mut change.typical, &mut change.mean]);
        let all: Vec<&mut Estimate> = all.chain(&mut failing).collect();
        correct(all);
        phases.iter_mut().flatten().for_each(PhaseChange::judge);
        let [cold, warm] = phases;
        let failed =
            failing.map_or(ComparisonVerdict::NoChange, |failing| judge(&failing, failing.value));
        let verdicts = [cold, warm].into_iter().flatten().map(|change| change.verdict);
        Comparison {
            cold,
            warm,
            failing,
            failures: [before, now].map(|run| (run.all.failed, run.all.count)),
            knew: unlike.then_some(knew),
            providers: if unlike { Vec::new() } else { outliers(&pairs, circumstances.providers) },
            pairs: pairs.len(),
            verdict: together(verdicts.chain([failed])),
        }
    }

    /// Whether more fails than before, beyond chance.
    #[must_use]
    pub fn fails_more(&self) -> bool {
        self.failing
            .is_some_and(|failing| judge(&failing, failing.value) == ComparisonVerdict::Regressed)
    }
}

/// Providers whose domains changed differently from the rest: each domain is compared with the
/// typical domain of other providers.
fn outliers(pairs: &[(&Domain, &Domain)], providers: &[String]) -> Vec<Outlier> {
    let mut of_provider = BTreeMap::<&str, Vec<f64>>::new();
    for (before, now) in pairs {
        let Some(provider) = providers.get(now.name as usize) else { continue };
        if !provider.is_empty() && before.cold.count > 0 && now.cold.count > 0 {
            let grown = now.cold.mean - before.cold.mean;
            of_provider.entry(provider).or_default().push(grown);
        }
    }
    let all = of_provider.iter().flat_map(|(name, grown)| grown.iter().map(move |by| (*by, *name)));
    let mut all: Vec<(f64, &str)> = all.collect();
    all.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let typical_of_others = |provider: &str| {
        let others = all.iter().filter(|(_, name)| *name != provider);
        quantile(&others.map(|(grown, _)| *grown).collect::<Vec<_>>(), 0.5)
    };
    let mut outliers: Vec<Outlier> = of_provider
        .iter()
        .filter(|(_, grown)| grown.len() >= LEAST_PAIRS)
        .filter_map(|(name, grown)| {
            let others = typical_of_others(name);
            let beyond: Vec<f64> = grown.iter().map(|grown| grown - others).collect();
            let change = signed_ranks(&beyond, CONFIDENCE)?;
            Some(Outlier { name: (*name).to_owned(), domains: grown.len(), change })
        })
        .collect();
    correct(outliers.iter_mut().map(|outlier| &mut outlier.change).collect());
    outliers.retain(|outlier| {
        outlier.change.p < LEVEL && outlier.change.value.abs() > LEAST_OF_PROVIDER
    });
    outliers.sort_by(|one, other| other.change.value.total_cmp(&one.change.value));
    outliers
}

/// Corrects the p-values for the number of hypotheses.
fn correct(estimates: Vec<&mut Estimate>) {
    let adjusted = holm(&estimates.iter().map(|estimate| estimate.p).collect::<Vec<_>>());
    estimates.into_iter().zip(adjusted).for_each(|(estimate, p)| estimate.p = p);
}

/// The growth of a domain's failure rate.
fn failing(pairs: &[(&Domain, &Domain)]) -> Option<Estimate> {
    let share = |figures: &Figures| figures.failed as f64 / figures.count.max(1) as f64;
    let grown: Vec<f64> =
        pairs.iter().map(|(before, now)| share(&now.all) - share(&before.all)).collect();
    sign_flips(&grown, CONFIDENCE, &Random::seeded(1))
}

/// How a phase changed, not judged yet.
fn changed(pairs: &[(&Domain, &Domain)], of: impl Fn(&Domain) -> &Figures) -> Option<PhaseChange> {
    let both: Vec<(f64, f64)> = pairs
        .iter()
        .map(|(before, now)| (of(before), of(now)))
        .filter(|(before, now)| before.count > 0 && now.count > 0)
        .map(|(before, now)| (before.mean, now.mean))
        .collect();
    let shares: Vec<f64> =
        both.iter().map(|(before, now)| ((now + GRAIN) / (before + GRAIN)).ln()).collect();
    let differences: Vec<f64> = both.iter().map(|(before, now)| now - before).collect();
    let typical = signed_ranks(&shares, CONFIDENCE)?;
    // A fixed seed: the same runs give the same numbers each time.
    let mean = sign_flips(&differences, CONFIDENCE, &Random::seeded(1))?;
    let Estimate { value, low, high, p } = typical;
    let typical = Estimate { value: value.exp(), low: low.exp(), high: high.exp(), p };
    let before = both.iter().map(|(before, _)| before).sum::<f64>() / both.len() as f64;
    let mut sorted: Vec<f64> = both.iter().map(|(before, _)| *before).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let half_before = quantile(&sorted, 0.5);
    Some(PhaseChange { typical, mean, before, half_before, verdict: ComparisonVerdict::NoChange })
}

impl PhaseChange {
    fn judge(&mut self) {
        let share = self.typical.value - 1.0;
        let felt = |estimate, share, millis: f64| match millis.abs() > LEAST_MILLIS {
            true => judge(estimate, share),
            false => ComparisonVerdict::NoChange,
        };
        self.verdict = together([
            felt(&self.typical, share, share * (self.half_before + GRAIN)),
            felt(&self.mean, self.mean.value / (self.before + GRAIN), self.mean.value),
        ]);
    }
}

/// The verdict on an estimate; `share` is the relative growth.
fn judge(estimate: &Estimate, share: f64) -> ComparisonVerdict {
    match estimate.p < LEVEL {
        true if share > LEAST_SHARE => ComparisonVerdict::Regressed,
        true if share < -LEAST_SHARE => ComparisonVerdict::Improved,
        _ => ComparisonVerdict::NoChange,
    }
}

/// The verdict that sums up several verdicts.
fn together(verdicts: impl IntoIterator<Item = ComparisonVerdict>) -> ComparisonVerdict {
    verdicts.into_iter().fold(ComparisonVerdict::NoChange, |so_far, verdict| {
        match (so_far, verdict) {
            (ComparisonVerdict::NoChange, verdict) | (verdict, ComparisonVerdict::NoChange) => {
                verdict
            }
            (one, other) if one == other => one,
            _ => ComparisonVerdict::Mixed,
        }
    })
}

#[cfg(test)]
mod tests;
