//! Whether one run is better than another, domain by domain.
//!
//! Each domain is its own control: what it took in one run is set beside what it took in the other.
//! Two things are asked of each phase: by what share the typical domain differs, and by how much the
//! mean over all does. A few domains that became slow move the second and not the first. All that is
//! asked is asked at once, so each needs more proof than it would alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zoners_dns::Random;

use crate::figures::{Domain, Figures, Summary};
use crate::statistics::{Estimate, LEAST_PAIRS, holm, quantile, sign_flips, signed_ranks};

/// What chance may claim: a change where there is none, once in so many comparisons.
const LEVEL: f64 = 0.01;
/// Of the intervals that are told.
const CONFIDENCE: f64 = 0.99;
/// A difference that nobody would feel or mind is none, however sure it is.
const LEAST_SHARE: f64 = 0.01;
/// Likewise one of fewer milliseconds: two runs on one machine differ by as much in what takes no time.
const LEAST_MILLIS: f64 = 0.1;
/// Milliseconds, which are added to both of a pair before they are divided: what takes no time at all
/// can become many times as long and still take none.
const GRAIN: f64 = 0.05;
/// Shares of the names that a server knew before and now which are too far apart for its first asks to
/// be compared.
const KNOWN_APART: f64 = 0.2;
/// Milliseconds by which a provider's domains must have changed more than others to be told.
const LEAST_OF_PROVIDER: f64 = 5.0;

/// Two runs of one target set beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// First asks, if both runs have enough of them that can be compared.
    pub cold: Option<Change>,
    /// Repeats.
    pub warm: Option<Change>,
    /// What share of a domain's questions fails more than before; its p-value as in [`Change`].
    pub failing: Option<Estimate>,
    /// Questions that failed before and now, of how many.
    pub failures: [(usize, usize); 2],
    /// Why first asks are left out: the server knew so many of the names before and now.
    pub knew: Option<[f64; 2]>,
    /// Providers whose domains became slower or quicker than others did, the slowest first.
    pub providers: Vec<Outlier>,
    /// Domains that both runs have.
    pub pairs: usize,
    /// What it comes to.
    pub verdict: Verdict,
}

/// How one phase changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What the typical domain takes now, as a share of what it took: 1 is no change. Its p-value is
    /// already that among all that is asked.
    pub typical: Estimate,
    /// What the mean over all domains has grown by, in milliseconds. Likewise.
    pub mean: Estimate,
    /// The mean before, in milliseconds.
    pub before: f64,
    /// What half the domains took at most before.
    pub half_before: f64,
    /// What it comes to.
    pub verdict: Verdict,
}

/// A provider whose domains changed otherwise than those of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlier {
    /// The provider.
    pub name: String,
    /// Domains of it in both runs.
    pub domains: usize,
    /// By how much more first asks of its domains grew than those of others, in milliseconds. Its
    /// p-value is that among all providers.
    pub change: Estimate,
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is quicker now.
    Improved,
    /// It is slower now.
    Regressed,
    /// What differs may be chance.
    NoChange,
    /// Some is quicker, some slower.
    Mixed,
}

impl Verdict {
    /// In words, of a run and an earlier one.
    #[must_use]
    pub fn since(self) -> &'static str {
        match self {
            Verdict::Improved => "improved",
            Verdict::Regressed => "regressed",
            Verdict::NoChange => "no significant change",
            Verdict::Mixed => "some quicker, some slower",
        }
    }

    /// In words, of two who were asked the same.
    #[must_use]
    pub fn beside(self) -> &'static str {
        match self {
            Verdict::Improved => "quicker",
            Verdict::Regressed => "slower",
            Verdict::NoChange => "no significant difference",
            Verdict::Mixed => "some quicker, some slower",
        }
    }
}

/// What else is known of two runs that are compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// The same server was asked both times and could not be made to forget: what it learned in the
    /// first run it may have known in the second.
    pub same_server: bool,
    /// Who serves each name of the list, where that is known.
    pub providers: &'a [String],
}

impl Comparison {
    /// Compares what came of the same names before and now.
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
        phases.iter_mut().flatten().for_each(Change::judge);
        let [cold, warm] = phases;
        let failed = failing.map_or(Verdict::NoChange, |failing| judge(&failing, failing.value));
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
        self.failing.is_some_and(|failing| judge(&failing, failing.value) == Verdict::Regressed)
    }
}

/// Providers whose domains changed otherwise than those of others, each of its domains being set beside
/// what is typical of those.
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

/// Makes the p-values those among all that is asked at once.
fn correct(estimates: Vec<&mut Estimate>) {
    let adjusted = holm(&estimates.iter().map(|estimate| estimate.p).collect::<Vec<_>>());
    estimates.into_iter().zip(adjusted).for_each(|(estimate, p)| estimate.p = p);
}

/// By how much the share of a domain's questions that fail has grown.
fn failing(pairs: &[(&Domain, &Domain)]) -> Option<Estimate> {
    let share = |figures: &Figures| figures.failed as f64 / figures.count.max(1) as f64;
    let grown: Vec<f64> =
        pairs.iter().map(|(before, now)| share(&now.all) - share(&before.all)).collect();
    sign_flips(&grown, CONFIDENCE, &Random::seeded(1))
}

/// How a phase changed, not judged yet.
fn changed(pairs: &[(&Domain, &Domain)], of: impl Fn(&Domain) -> &Figures) -> Option<Change> {
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
    // The same numbers for the same runs, whenever they are compared.
    let mean = sign_flips(&differences, CONFIDENCE, &Random::seeded(1))?;
    let Estimate { value, low, high, p } = typical;
    let typical = Estimate { value: value.exp(), low: low.exp(), high: high.exp(), p };
    let before = both.iter().map(|(before, _)| before).sum::<f64>() / both.len() as f64;
    let mut sorted: Vec<f64> = both.iter().map(|(before, _)| *before).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let half_before = quantile(&sorted, 0.5);
    Some(Change { typical, mean, before, half_before, verdict: Verdict::NoChange })
}

impl Change {
    fn judge(&mut self) {
        let share = self.typical.value - 1.0;
        let felt = |estimate, share, millis: f64| match millis.abs() > LEAST_MILLIS {
            true => judge(estimate, share),
            false => Verdict::NoChange,
        };
        self.verdict = together([
            felt(&self.typical, share, share * (self.half_before + GRAIN)),
            felt(&self.mean, self.mean.value / (self.before + GRAIN), self.mean.value),
        ]);
    }
}

/// What an estimate comes to that has grown by `share`.
fn judge(estimate: &Estimate, share: f64) -> Verdict {
    match estimate.p < LEVEL {
        true if share > LEAST_SHARE => Verdict::Regressed,
        true if share < -LEAST_SHARE => Verdict::Improved,
        _ => Verdict::NoChange,
    }
}

/// One verdict of several.
fn together(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    verdicts.into_iter().fold(Verdict::NoChange, |so_far, verdict| match (so_far, verdict) {
        (Verdict::NoChange, verdict) | (verdict, Verdict::NoChange) => verdict,
        (one, other) if one == other => one,
        _ => Verdict::Mixed,
    })
}

#[cfg(test)]
mod tests;
