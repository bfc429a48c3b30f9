//! A measurement: one question to one target, and its time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::target::{AnswerHop, QuestionOutcome};

/// One question, asked once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which name of the list.
    pub name: u32,
    /// Which of the types.
    pub rtype: u16,
    /// Which of the targets.
    pub target: u16,
    /// First ask or repeat.
    pub phase: Phase,
    /// The due time, in microseconds since the start of the run.
    pub at_us: u64,
    /// The time from the due time to the end, in microseconds; for a failure, the time that a user
    /// would have waited.
    pub took_us: u64,
    /// The outcome.
    pub ending: QuestionOutcome,
    /// The hops to the answer, where the trace shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<AnswerHop>,
}

/// Whether a question was asked before in the same run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// For the first time, or after the target forgot.
    Cold,
    /// Again.
    Warm,
}

impl Sample {
    /// The time in milliseconds. A failure counts as at least `penalty`, so that quick failures are
    /// not an advantage.
    #[must_use]
    pub fn millis(&self, penalty: Duration) -> f64 {
        let took = self.took_us as f64 / 1000.0;
        if self.ending.is_good() { took } else { took.max(penalty.as_secs_f64() * 1000.0) }
    }
}
