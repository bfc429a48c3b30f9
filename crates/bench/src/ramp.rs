//! The rate at which answers are lost or slow: an open loop with a growing rate, evaluated step by
//! step.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::figures::Figures;
use crate::sample::Sample;

/// Steps in which a ramp is told.
const STEPS: usize = 20;
/// The share of the questions that may fail, beyond the failures at the slowest rates.
const LOST: f64 = 0.01;
/// The limit of the 95th percentile, as a multiple of the one at the slowest rates, and in
/// milliseconds above it.
const SLOW: (f64, f64) = (2.0, 10.0);

/// The result of one step of a ramp.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RampStep {
    /// The rate of the step, in questions per second.
    pub rate: f64,
    /// The figures of each question of the step.
    pub all: Figures,
    /// The figures of the answered questions.
    pub answered: Figures,
}

/// A ramp, and the rate that the target bears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    /// From the slowest to the fastest.
    pub steps: Vec<RampStep>,
    /// The highest rate without trouble at or below it; `None` if the slowest rate had trouble.
    pub bears: Option<f64>,
    /// The trouble at higher rates; `None` if there was none.
    pub why: Option<RampTrouble>,
}

/// The trouble at too high a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RampTrouble {
    /// More than one question in a hundred failed, beyond the failures at slower rates.
    Lost,
    /// Answers took more than twice as long, and 10 ms.
    #[serde(alias = "slow_domain")]
    Slow,
}

impl Ramp {
    /// Evaluates the `samples` of one target in a run of at most `time`.
    #[must_use]
    pub fn of(samples: &[&Sample], time: Duration, penalty: Duration) -> Self {
        let length = (time.as_micros() as u64).div_ceil(STEPS as u64).max(1);
        let mut by_step = vec![Vec::new(); STEPS];
        for sample in samples {
            let step = (sample.at_us / length) as usize;
            by_step[step.min(STEPS - 1)].push(*sample);
        }
        let steps: Vec<RampStep> = by_step
            .iter()
            .filter(|samples| !samples.is_empty())
            .map(|samples| {
                let all = samples.iter().copied();
                let answered = all.clone().filter(|sample| sample.ending.is_good());
                RampStep {
                    rate: samples.len() as f64 * 1e6 / length as f64,
                    all: Figures::of(all, penalty),
                    answered: Figures::of(answered, penalty),
                }
            })
            .collect();
        let slowest = steps
            .iter()
            .take(STEPS / 4)
            .min_by(|one, other| one.answered.p95.total_cmp(&other.answered.p95));
        let Some(slowest) = slowest.copied() else {
            return Ramp { steps, bears: None, why: None };
        };
        let failing = |step: &RampStep| step.all.failed as f64 / step.all.count.max(1) as f64;
        let trouble = |step: &RampStep| {
            if failing(step) > failing(&slowest) + LOST {
                Some(RampTrouble::Lost)
            } else if step.answered.p95 > slowest.answered.p95 * SLOW.0 + SLOW.1 {
                Some(RampTrouble::Slow)
            } else {
                None
            }
        };
        // A single bad step between good steps is noise of the network.
        let lasts = |at: &usize| steps[*at..].iter().take(2).all(|step| trouble(step).is_some());
        let bad = (0..steps.len()).find(lasts);
        let well = bad.unwrap_or(steps.len());
        Ramp {
            bears: well.checked_sub(1).map(|last| steps[last].rate),
            why: bad.and_then(|bad| trouble(&steps[bad])),
            steps,
        }
    }

    /// In a sentence.
    #[must_use]
    pub fn describe(&self) -> String {
        let first = self.steps.first().map_or(0.0, |step| step.rate);
        match (self.bears, self.why) {
            (Some(rate), None) => format!("all went well up to {rate:.0} questions a second"),
            (Some(rate), Some(RampTrouble::Lost)) => {
                format!(
                    "all went well up to {rate:.0} questions a second; beyond, answers are lost"
                )
            }
            (Some(rate), Some(RampTrouble::Slow)) => {
                format!(
                    "all went well up to {rate:.0} questions a second; beyond, answers are slow"
                )
            }
            (None, _) => format!("even {first:.0} questions a second were too many"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Phase;
    use crate::target::QuestionOutcome;

    /// A server answering in 1 ms up to `limit` questions per second, and beyond it as `beyond`
    /// says.
    fn ramp(limit: f64, beyond: impl Fn(usize) -> (u64, QuestionOutcome)) -> Ramp {
        let (time, most) = (10.0_f64, 2000.0_f64);
        let samples: Vec<Sample> = (0..(most * time / 2.0) as usize)
            .map(|number| {
                // The rate grows by 200 a second each second.
                let at = (2.0 * number as f64 / (most / time)).sqrt();
                let (took_us, ending) = match at * most / time > limit {
                    true => beyond(number),
                    false => (1000, QuestionOutcome::Answered),
                };
                let at_us = (at * 1e6) as u64;
                Sample {
                    name: 0,
                    rtype: 1,
                    target: 0,
                    phase: Phase::Warm,
                    at_us,
                    took_us,
                    ending,
                    hops: vec![],
                }
            })
            .collect();
        let time = Duration::from_secs_f64(time);
        Ramp::of(&samples.iter().collect::<Vec<_>>(), time, Duration::from_secs(5))
    }

    #[test]
    fn the_rate_at_which_answers_are_lost_is_found() {
        let every_tenth = |number: usize| match number % 10 {
            0 => (5_000_000, QuestionOutcome::Silence),
            _ => (1000, QuestionOutcome::Answered),
        };
        let ramp = ramp(1000.0, every_tenth);
        let bears = ramp.bears.unwrap();
        assert!((900.0..1000.0).contains(&bears), "{ramp:?}");
        assert_eq!(ramp.why, Some(RampTrouble::Lost));
        assert!(ramp.describe().ends_with("beyond, answers are lost"));
    }

    #[test]
    fn the_rate_at_which_answers_are_slow_is_found() {
        let ramp = ramp(1500.0, |_| (50_000, QuestionOutcome::Answered));
        assert!((1400.0..1500.0).contains(&ramp.bears.unwrap()), "{ramp:?}");
        assert_eq!(ramp.why, Some(RampTrouble::Slow));
    }

    #[test]
    fn what_bears_all_is_said_to() {
        let good = ramp(1e9, |_| unreachable!());
        assert_eq!((good.steps.len(), good.why), (STEPS, None));
        assert!(good.bears.unwrap() > 1900.0);
        assert_eq!(Ramp::of(&[], Duration::from_secs(1), Duration::ZERO).bears, None);
    }
}
