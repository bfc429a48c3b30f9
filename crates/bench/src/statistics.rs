//! Tests on pairs: a domain's time in two runs.
//!
//! The tests assume no distribution, since latencies come in clusters with long tails. They use
//! only that without a change the two runs of a pair could be exchanged, so that both signs of the
//! difference are equally likely.

use zoners_dns::Random;

/// Random draws of signs in [`sign_flips`]; the least p-value is 1/(FLIPS + 1).
const FLIPS: usize = 3_999;
/// How often the pairs themselves are.
const DRAWS: usize = 999;
/// The most pairs for Walsh averages; of a longer list, a subset at even distances is used.
const MOST_PAIRS: usize = 1500;

/// Fewer pairs can never tell.
pub const LEAST_PAIRS: usize = 6;
/// Ranks of which the chance is counted out; of more, the normal curve does.
const MOST_EXACT: usize = 40;

/// An estimate with its confidence interval and its p-value.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// The estimate itself.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The two-sided p-value: the chance of such a difference if there is no change.
    pub p: f64,
}

/// The typical difference by Wilcoxon's signed-rank test (Wilcoxon 1945): the median of the
/// averages of pairs of differences (Hodges and Lehmann 1963), and the corresponding interval.
/// `None` for fewer than [`LEAST_PAIRS`] differences.
#[must_use]
pub fn signed_ranks(differences: &[f64], confidence: f64) -> Option<Estimate> {
    let differences = &thinned(differences);
    if differences.len() < LEAST_PAIRS {
        return None;
    }
    let mut averages = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
    for (at, one) in differences.iter().enumerate() {
        averages.extend(differences[at..].iter().map(|other| f64::midpoint(*one, *other)));
    }
    averages.sort_unstable_by(f64::total_cmp);
    let ranks = signed(differences);
    let p = if ranks.len() <= MOST_EXACT { exactly(&ranks) } else { nearly(&ranks) };
    // The interval holds the averages for which the statistic stays within the quantile.
    let count = averages.len() as f64;
    let n = differences.len() as f64;
    let off = normal_quantile(f64::midpoint(1.0, confidence))
        * (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
    let low = (count / 2.0 - off).floor().max(0.0) as usize;
    let high = averages.len() - 1 - low.min(averages.len() - 1);
    Some(Estimate {
        value: quantile(&averages, 0.5),
        low: averages[low.min(high)],
        high: averages[high],
        p: p.min(1.0),
    })
}

/// At most [`MOST_PAIRS`] differences.
fn thinned(differences: &[f64]) -> Vec<f64> {
    let step = differences.len().div_ceil(MOST_PAIRS).max(1);
    differences.iter().step_by(step).copied().collect()
}

/// The signed rank of each difference by size. Ties share the mean rank; zeros are ranked, then
/// left out (Pratt 1959).
fn signed(differences: &[f64]) -> Vec<f64> {
    let mut sizes: Vec<(f64, bool)> =
        differences.iter().map(|difference| (difference.abs(), *difference > 0.0)).collect();
    sizes.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let (mut ranks, mut at) = (Vec::with_capacity(sizes.len()), 0);
    while at < sizes.len() {
        let tied = sizes[at..].iter().take_while(|size| size.0 == sizes[at].0).count();
        // The mean of the tied ranks.
        let rank = at as f64 + f64::midpoint(tied as f64, 1.0);
        if sizes[at].0 > 0.0 {
            let tied = sizes[at..at + tied].iter();
            ranks.extend(tied.map(|(_, positive)| if *positive { rank } else { -rank }));
        }
        at += tied;
    }
    ranks
}

/// The exact probability of a sum of signed ranks as far from zero, with equally likely signs, by
/// counting the combinations of signs rank by rank.
fn exactly(ranks: &[f64]) -> f64 {
    // Tied ranks may be halves.
    let doubled: Vec<usize> = ranks.iter().map(|rank| (rank.abs() * 2.0) as usize).collect();
    let all: usize = doubled.iter().sum();
    // The probability of each sum of positive ranks.
    let mut chances = vec![0.0; all + 1];
    chances[0] = 1.0;
    for rank in doubled {
        for sum in (0..=all).rev() {
            let with = sum.checked_sub(rank).map_or(0.0, |before| chances[before]);
            chances[sum] = f64::midpoint(chances[sum], with);
        }
    }
    let off = (ranks.iter().sum::<f64>() * 2.0).abs() as usize;
    let as_far = |sum: usize| (2 * sum).abs_diff(all) >= off;
    chances.iter().enumerate().filter(|(sum, _)| as_far(*sum)).map(|(_, chance)| chance).sum()
}

/// The probability by the normal approximation, for many ranks.
fn nearly(ranks: &[f64]) -> f64 {
    let spread = ranks.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
    // A step towards the middle, since the sum goes in steps of two and the normal curve does not.
    let off = (ranks.iter().sum::<f64>().abs() - 1.0).max(0.0) / spread;
    2.0 * upper_tail(off)
}

/// The mean difference, tested with randomly drawn signs: the share of draws with a mean as large
/// (Fisher 1935). The interval comes from resampled pairs (bootstrap, Efron 1979).
#[must_use]
pub fn sign_flips(differences: &[f64], confidence: f64, random: &Random) -> Option<Estimate> {
    if differences.len() < LEAST_PAIRS {
        return None;
    }
    let sum: f64 = differences.iter().sum();
    let count = differences.len() as f64;
    let mut bits = Bits { random, left: 0, word: 0 };
    let as_large = (0..FLIPS)
        .filter(|_| {
            let flipped: f64 =
                differences.iter().map(|one| if bits.next() { *one } else { -one }).sum();
            flipped.abs() >= sum.abs() * (1.0 - 1e-12)
        })
        .count();
    let mut means: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let drawn = differences
                .iter()
                .map(|_| differences[random.below(differences.len() as u64) as usize]);
            drawn.sum::<f64>() / count
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    Some(Estimate {
        value: sum / count,
        low: quantile(&means, (1.0 - confidence) / 2.0),
        high: quantile(&means, f64::midpoint(1.0, confidence)),
        p: (as_large + 1) as f64 / (FLIPS + 1) as f64,
    })
}

/// Random bits, one at a time.
struct Bits<'a> {
    random: &'a Random,
    left: u32,
    word: u64,
}

impl Bits<'_> {
    fn next(&mut self) -> bool {
        if self.left == 0 {
            (self.word, self.left) = (self.random.bits(), 64);
        }
        let bit = self.word & 1 == 1;
        self.word >>= 1;
        self.left -= 1;
        bit
    }
}

/// The p-values corrected for multiple tests (Holm 1979), in the given order.
#[must_use]
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let (mut adjusted, mut least) = (vec![1.0; values.len()], 0.0_f64);
    for (place, at) in order.into_iter().enumerate() {
        least = least.max(values[at] * (values.len() - place) as f64).min(1.0);
        adjusted[at] = least;
    }
    adjusted
}

/// The quantile of sorted `values`, interpolated linearly. Zero for an empty list.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = sorted[(below + 1).min(last)];
    sorted[below] + (above - sorted[below]) * part
}

/// The weighted median; each value comes with its weight. `None` for an empty list.
#[must_use]
pub fn weighted_median(values: &mut [(f64, usize)]) -> Option<f64> {
    values.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let half = values.iter().map(|(_, count)| count).sum::<usize>().div_ceil(2);
    let mut so_far = 0;
    let reached = values.iter().find(|(_, count)| {
        so_far += count;
        so_far >= half
    });
    reached.map(|(value, _)| *value)
}

/// The chance of a standard normal variable to be larger.
fn upper_tail(z: f64) -> f64 {
    libm::erfc(z / std::f64::consts::SQRT_2) / 2.0
}

/// The quantile of the standard normal distribution, by bisection.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 1.0 - upper_tail(middle) < share { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests;
