//! What happened on the way to an answer, for those who ask.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use zoners_dns::{Endpoint, Name, Question};

use crate::model::verdict::Fault;

/// Steps kept of one client query; more than the queries and look-ups of its budget make, so that what
/// is left out are waits shared with others at most.
const MAX_STEPS: usize = 512;

/// Something that happened, and when.
#[derive(Clone, Debug)]
pub struct Step {
    /// Since the question came in.
    pub at: Duration,
    /// How many nameserver look-ups it is nested in.
    pub depth: u8,
    /// What happened.
    pub hop: Hop,
}

/// A step on the way.
#[derive(Clone, Debug)]
pub enum Hop {
    /// A server was asked and has answered, or has not, or another was quicker.
    Asked {
        /// The zone that it was asked as a server of.
        zone: Name,
        /// What it was asked; shorter than what the client asked while the name is minimised.
        question: Question,
        /// The server's name; the root for one that is known by address alone.
        server: Name,
        /// Where and how.
        endpoint: Endpoint,
        /// Why this server, and why now.
        why: &'static str,
        /// From sending to this end.
        took: Duration,
        /// What came back, in words, or why nothing useful did; nothing yet, if the race ended
        /// before.
        outcome: Option<Result<String, Fault>>,
    },
    /// The same was being asked already, beside this question or for another, and that was waited for.
    Waited {
        /// The zone whose servers were asked; of an answer as a whole, its name.
        zone: Name,
        /// What they were asked.
        question: Question,
        /// How long.
        took: Duration,
    },
    /// Something else worth knowing.
    Note(String),
}

/// A timeline of steps, collected while a question is worked on.
#[derive(Debug)]
pub struct Trace {
    started: Instant,
    steps: Mutex<Vec<Step>>,
}

impl Default for Trace {
    fn default() -> Self {
        Trace { started: Instant::now(), steps: Mutex::default() }
    }
}

impl Trace {
    pub(crate) fn push(&self, depth: u8, hop: Hop) {
        let mut steps = self.steps.lock();
        if steps.len() < MAX_STEPS {
            steps.push(Step { at: self.started.elapsed(), depth, hop });
        }
    }

    /// The steps so far, in the order in which they ended.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.steps.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_trace_has_a_longest() {
        let trace = Trace::default();
        for number in 0..=MAX_STEPS {
            trace.push(0, Hop::Note(number.to_string()));
        }
        assert_eq!(trace.steps().len(), MAX_STEPS);
    }
}
