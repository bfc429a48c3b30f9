//! Figures of many samples: means, percentiles and failures, in total and for each domain.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zoners_dns::EdeCode;

use crate::sample::{Phase, Sample};
use crate::statistics::quantile;
use crate::target::QuestionOutcome;

/// The figures of a list of latencies, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// How many.
    pub count: usize,
    /// Failed samples; the remaining figures include them with the time that a user would have
    /// waited.
    pub failed: usize,
    /// The sum by the count.
    pub mean: f64,
    /// The mean of the answered samples alone; 0 without any.
    #[serde(default)]
    pub mean_answered: f64,
    /// Half took less.
    pub p50: f64,
    /// Nine of ten took less.
    pub p90: f64,
    /// Nineteen of twenty.
    pub p95: f64,
    /// Ninety-nine of a hundred.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// The figures of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// First asks.
    pub cold: Figures,
    /// Repeats.
    pub warm: Figures,
    /// First asks and repeats.
    pub all: Figures,
    /// The share of first asks answered as quickly as repeats: the server had the answers cached.
    pub known: f64,
    /// Questions without any reply.
    pub silent: usize,
    /// How often questions failed, by how.
    pub failures: BTreeMap<String, usize>,
    /// The domains in the order of the list, without those that were never asked.
    pub domains: Vec<Domain>,
}

/// The figures of one domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Which name of the list.
    pub name: u32,
    /// First asks.
    pub cold: Figures,
    /// Repeats.
    pub warm: Figures,
    /// First asks and repeats; the mean is the average time of the domain.
    pub all: Figures,
}

impl Figures {
    /// The figures of `samples`.
    pub fn of<'a>(samples: impl Iterator<Item = &'a Sample>, penalty: Duration) -> Self {
        let (mut failed, mut answered_millis) = (0, 0.0);
        let mut millis: Vec<f64> = samples
            .map(|sample| {
                let millis = sample.millis(penalty);
                match sample.ending.is_good() {
                    true => answered_millis += millis,
                    false => failed += 1,
                }
                millis
            })
            .collect();
        millis.sort_unstable_by(f64::total_cmp);
        let Some(max) = millis.last().copied() else { return Figures::default() };
        let at = |share| quantile(&millis, share);
        Figures {
            count: millis.len(),
            failed,
            mean: millis.iter().sum::<f64>() / millis.len() as f64,
            mean_answered: answered_millis / (millis.len() - failed).max(1) as f64,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            max,
        }
    }
}

impl Summary {
    /// The figures of one name of the list.
    #[must_use]
    pub fn domain(&self, name: u32) -> Option<&Domain> {
        let at = self.domains.binary_search_by_key(&name, |domain| domain.name).ok()?;
        self.domains.get(at)
    }

    /// The figures of the samples of `target`; a failure counts as at least `penalty`.
    #[must_use]
    pub fn of(samples: &[Sample], target: u16, penalty: Duration) -> Self {
        let own = || samples.iter().filter(|sample| sample.target == target);
        let in_phase = |phase| own().filter(move |sample| sample.phase == phase);
        let (mut failures, mut causes) = (BTreeMap::new(), BTreeMap::new());
        let mut by_name = BTreeMap::<u32, Vec<&Sample>>::new();
        for sample in own() {
            if !sample.ending.is_good() {
                let cause = cause(sample, &mut causes);
                *failures.entry(cause).or_default() += 1;
            }
            by_name.entry(sample.name).or_default().push(sample);
        }
        let domain = |(name, samples): (u32, Vec<&Sample>)| {
            let of = |phase| {
                let own = samples.iter().copied().filter(move |sample| sample.phase == phase);
                Figures::of(own, penalty)
            };
            Domain {
                name,
                cold: of(Phase::Cold),
                warm: of(Phase::Warm),
                all: Figures::of(samples.iter().copied(), penalty),
            }
        };
        let warm = Figures::of(in_phase(Phase::Warm), penalty);
        let cold = Figures::of(in_phase(Phase::Cold), penalty);
        Summary {
            known: known(in_phase(Phase::Cold), in_phase(Phase::Warm)),
            silent: own().filter(|sample| sample.ending == QuestionOutcome::Silence).count(),
            cold,
            warm,
            all: Figures::of(own(), penalty),
            failures,
            domains: by_name.into_iter().map(domain).collect(),
        }
    }
}

/// The share of the answered first asks that took no longer than repeats.
fn known<'a>(
    cold: impl Iterator<Item = &'a Sample>,
    warm: impl Iterator<Item = &'a Sample>,
) -> f64 {
    let answered = |sample: &&Sample| sample.ending.is_good();
    let warm = Figures::of(warm.filter(answered), Duration::ZERO);
    let cold: Vec<f64> =
        cold.filter(answered).map(|sample| sample.millis(Duration::ZERO)).collect();
    let quick = cold.iter().filter(|millis| **millis <= warm.p95).count();
    quick as f64 / cold.len().max(1) as f64
}

/// Why a sample failed. A resolver that failed a moment ago says no more than that (EDE 13, RFC 9520
/// section 3.2): the cause is that of the failure before, of the same question or else of the same name.
fn cause(sample: &Sample, causes: &mut BTreeMap<(u32, Option<u16>), String>) -> String {
    let Sample { name, rtype, ending, .. } = sample;
    if let QuestionOutcome::Failed { ede: Some(code), .. } = ending
        && EdeCode(*code) == EdeCode::CACHED_ERROR
    {
        let known = causes.get(&(*name, Some(*rtype))).or_else(|| causes.get(&(*name, None)));
        return known.cloned().unwrap_or_else(|| describe(ending));
    }
    let cause = describe(ending);
    causes.insert((*name, Some(*rtype)), cause.clone());
    causes.insert((*name, None), cause.clone());
    cause
}

/// A failure in a few words: its cause first.
#[must_use]
pub fn describe(ending: &QuestionOutcome) -> String {
    match ending {
        QuestionOutcome::Answered => "answered".into(),
        QuestionOutcome::Failed { rcode, ede: Some(code) } => {
            format!("{} ({rcode}, EDE {code})", EdeCode(*code).meaning())
        }
        QuestionOutcome::Failed { rcode, ede: None } => rcode.clone(),
        QuestionOutcome::Silence => "no answer in time".into(),
        QuestionOutcome::Broken(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: u32, phase: Phase, millis: u64, ending: QuestionOutcome) -> Sample {
        let took_us = millis * 1000;
        Sample { name, rtype: 1, target: 0, phase, at_us: 0, took_us, ending, hops: vec![] }
    }

    #[test]
    fn failures_count_with_what_a_person_waits() {
        let refused = QuestionOutcome::Failed { rcode: "REFUSED".into(), ede: Some(18) };
        let samples = [
            sample(0, Phase::Cold, 10, QuestionOutcome::Answered),
            sample(0, Phase::Warm, 2, QuestionOutcome::Answered),
            sample(1, Phase::Cold, 1, refused),
            sample(1, Phase::Warm, 6000, QuestionOutcome::Silence),
        ];
        let summary = Summary::of(&samples, 0, Duration::from_secs(5));
        assert_eq!((summary.cold.mean, summary.cold.failed), (2505.0, 1));
        assert_eq!((summary.warm.max, summary.warm.failed), (6000.0, 1));
        assert_eq!(summary.all.count, 4);
        assert_eq!(summary.domains[0].all.mean, 6.0);
        assert_eq!(summary.failures["Prohibited (REFUSED, EDE 18)"], 1);
        assert_eq!((summary.cold.mean_answered, summary.warm.mean_answered), (10.0, 2.0));
        assert_eq!(summary.failures["no answer in time"], 1);
        assert_eq!(Summary::of(&samples, 1, Duration::ZERO).all, Figures::default());
    }

    #[test]
    fn a_remembered_failure_counts_with_its_cause() {
        let failed = |ede| QuestionOutcome::Failed { rcode: "SERVFAIL".into(), ede: Some(ede) };
        let samples = [
            sample(0, Phase::Cold, 10, failed(22)),
            sample(0, Phase::Warm, 1, failed(13)),
            sample(1, Phase::Cold, 1, failed(13)),
        ];
        let summary = Summary::of(&samples, 0, Duration::from_secs(5));
        let failures: Vec<(&str, usize)> =
            summary.failures.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(
            failures,
            [
                ("Cached Error (SERVFAIL, EDE 13)", 1),
                ("No Reachable Authority (SERVFAIL, EDE 22)", 2)
            ]
        );
        assert_eq!(summary.cold.mean_answered, 0.0);
    }

    #[test]
    fn it_is_told_whether_a_server_knew_the_names() {
        let warm =
            |name| sample(name, Phase::Warm, 1 + u64::from(name % 3), QuestionOutcome::Answered);
        let of = |cold: &dyn Fn(u32) -> Sample| {
            let samples: Vec<Sample> = (0..60).flat_map(|name| [cold(name), warm(name)]).collect();
            Summary::of(&samples, 0, Duration::from_secs(5)).known
        };
        let unknown = of(&|name| sample(name, Phase::Cold, 50, QuestionOutcome::Answered));
        let half = of(&|name| {
            sample(name, Phase::Cold, if name < 30 { 1 } else { 50 }, QuestionOutcome::Answered)
        });
        // A name that failed in both phases says nothing about caching.
        let failing = of(&|name| {
            sample(
                name,
                Phase::Cold,
                50 * u64::from(name % 2),
                match name % 2 {
                    0 => QuestionOutcome::Silence,
                    _ => QuestionOutcome::Answered,
                },
            )
        });
        assert_eq!((unknown, half, failing), (0.0, 0.5, 0.0));
    }

    #[test]
    fn percentiles_are_of_all() {
        let samples: Vec<Sample> = (0..=100)
            .map(|millis| sample(0, Phase::Cold, millis, QuestionOutcome::Answered))
            .collect();
        let figures = Figures::of(samples.iter(), Duration::ZERO);
        assert_eq!((figures.p50, figures.p90, figures.p99, figures.max), (50.0, 90.0, 99.0, 100.0));
        assert_eq!(figures.mean, 50.0);
    }
}
