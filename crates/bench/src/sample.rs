//! What is measured: one question of one target, and how long it took.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::target::{Ending, Hop};

/// One question, asked once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which name of the list.
    pub name: u32,
    /// Which of the types.
    pub rtype: u16,
    /// Which of the targets.
    pub target: u16,
    /// Whether it was asked before.
    pub phase: Phase,
    /// When it was to be sent, in microseconds since the run began.
    pub at_us: u64,
    /// From then to its end, in microseconds; of what failed, what a person would have waited.
    pub took_us: u64,
    /// How it ended.
    pub ending: Ending,
    /// What happened on the way, where that could be seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<Hop>,
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
    /// How long it took, in milliseconds. A failure counts no less than `penalty`: who gives up
    /// quickly is not quick.
    #[must_use]
    pub fn millis(&self, penalty: Duration) -> f64 {
        let took = self.took_us as f64 / 1000.0;
        if self.ending.is_good() { took } else { took.max(penalty.as_secs_f64() * 1000.0) }
    }
}
