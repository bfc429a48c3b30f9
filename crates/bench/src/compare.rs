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
use crate::statistics::{Estimate, holm, sign_flips, signed_ranks};

/// What chance may claim: a change where there is none, once in so many comparisons.
const LEVEL: f64 = 0.01;
/// Of the intervals that are told.
const CONFIDENCE: f64 = 0.99;
/// A difference that nobody would feel or mind is none, however sure it is.
const LEAST_SHARE: f64 = 0.01;
/// Milliseconds, which are added to both of a pair before they are divided: what takes no time at all
/// can become many times as long and still take none.
const GRAIN: f64 = 0.05;

/// Two runs of one target set beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// First asks, if both runs have enough of them.
    pub cold: Option<Change>,
    /// Repeats.
    pub warm: Option<Change>,
    /// Questions that failed before and now, of how many.
    pub failures: [(usize, usize); 2],
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
    /// What it comes to.
    pub verdict: Verdict,
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

impl Comparison {
    /// Compares what came of the same names before and now.
    #[must_use]
    pub fn of(before: &Summary, now: &Summary) -> Self {
        let earlier: BTreeMap<u32, &Domain> =
            before.domains.iter().map(|domain| (domain.name, domain)).collect();
        let pairs: Vec<(&Domain, &Domain)> = now
            .domains
            .iter()
            .filter_map(|domain| Some((*earlier.get(&domain.name)?, domain)))
            .collect();
        let mut phases = [changed(&pairs, |d| &d.cold), changed(&pairs, |d| &d.warm)];
        let all =
            phases.iter_mut().flatten().flat_map(|change| [&mut change.typical, &mut change.mean]);
        let all: Vec<&mut Estimate> = all.collect();
        let adjusted = holm(&all.iter().map(|estimate| estimate.p).collect::<Vec<_>>());
        all.into_iter().zip(adjusted).for_each(|(estimate, p)| estimate.p = p);
        phases.iter_mut().flatten().for_each(Change::judge);
        let [cold, warm] = phases;
        let verdicts = [cold, warm].into_iter().flatten().map(|change| change.verdict);
        Comparison {
            cold,
            warm,
            failures: [before, now].map(|run| (run.all.failed, run.all.count)),
            pairs: pairs.len(),
            verdict: together(verdicts),
        }
    }
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
    Some(Change { typical, mean, before, verdict: Verdict::NoChange })
}

impl Change {
    fn judge(&mut self) {
        let judged = |estimate: &Estimate, share: f64| match estimate.p < LEVEL {
            true if share > LEAST_SHARE => Verdict::Regressed,
            true if share < -LEAST_SHARE => Verdict::Improved,
            _ => Verdict::NoChange,
        };
        self.verdict = together([
            judged(&self.typical, self.typical.value - 1.0),
            judged(&self.mean, self.mean.value / (self.before + GRAIN)),
        ]);
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
