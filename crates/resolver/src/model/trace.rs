//! The trace of a look-up: the steps towards an answer, in words on request, or as hops for the history.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use zoners_dns::{Endpoint, Name, Question};

use crate::model::hop_log::{HopLog, LoggedHop};
use crate::model::verdict::Fault;

/// Steps kept of one client query. The budget allows fewer queries and look-ups, so only shared
/// waits can be left out.
const MAX_STEPS: usize = 512;

/// A step and its time.
#[derive(Clone, Debug)]
pub struct TimedHop {
    /// Since the question came in.
    pub at: Duration,
    /// The depth in nested nameserver look-ups.
    pub depth: u8,
    /// The event.
    pub hop: Hop,
}

/// A step on the way.
#[derive(Clone, Debug)]
pub enum Hop {
    /// A server was asked, and replied or did not, or a different server was quicker.
    Asked {
        /// The zone of the server.
        zone: Name,
        /// The question, shortened if the name was minimised.
        question: Question,
        /// The name of the server; the root if only the address is known.
        server: Name,
        /// Where and how.
        endpoint: Endpoint,
        /// Why this server, and why now.
        why: &'static str,
        /// From sending to this end.
        took: Duration,
        /// The meaning of the reply, or the reason why it was not useful; `None` if the race ended
        /// before.
        outcome: Option<Result<String, Fault>>,
    },
    /// The same question was under way already, beside this question or for a different client, and
    /// its result was awaited.
    Waited {
        /// The zone whose servers were asked; for a complete answer, its name.
        zone: Name,
        /// The question.
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
    detail: TraceDetail,
}

/// The detail of a trace.
#[derive(Debug)]
enum TraceDetail {
    /// Steps in words, for a person.
    Words(Mutex<Vec<TimedHop>>),
    /// Hops, for the history.
    Hops(Mutex<HopLog>),
}

impl Default for Trace {
    fn default() -> Self {
        Trace { started: Instant::now(), detail: TraceDetail::Words(Mutex::default()) }
    }
}

impl Trace {
    /// A trace of hops without words.
    #[must_use]
    pub fn of_hops() -> Self {
        Trace { started: Instant::now(), detail: TraceDetail::Hops(Mutex::default()) }
    }

    /// Adds a step to a trace in words.
    pub(crate) fn push(&self, depth: u8, hop: impl FnOnce() -> Hop) {
        let TraceDetail::Words(steps) = &self.detail else { return };
        let hop = hop();
        let mut steps = steps.lock();
        if steps.len() < MAX_STEPS {
            steps.push(TimedHop { at: self.started.elapsed(), depth, hop });
        }
    }

    /// Adds a hop that began at `since` to a trace of hops; the place of the hop.
    pub(crate) fn begin_hop(
        &self,
        since: Instant,
        hop: impl FnOnce(Duration) -> LoggedHop,
    ) -> Option<usize> {
        let hops = self.hops()?;
        let begun = since.saturating_duration_since(self.started);
        hops.lock().begin(|| hop(begun))
    }

    /// The hop at a place ends now.
    pub(crate) fn end_hop(&self, at: Option<usize>) {
        if let (Some(at), Some(hops)) = (at, self.hops()) {
            hops.lock().end(at, self.started.elapsed());
        }
    }

    /// The hops of a trace of hops; `None` for a trace in words.
    pub(crate) fn hops(&self) -> Option<&Mutex<HopLog>> {
        match &self.detail {
            TraceDetail::Hops(hops) => Some(hops),
            TraceDetail::Words(_) => None,
        }
    }

    /// The time since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The hops of a trace of hops, in the order of their beginnings, and the number of hops for which there was no
    /// room. No further hop is added.
    #[must_use]
    pub fn close_hops(&self) -> (Vec<LoggedHop>, u16) {
        self.hops().map(|hops| hops.lock().close()).unwrap_or_default()
    }

    /// The steps so far, in the order of their ends.
    #[must_use]
    pub fn steps(&self) -> Vec<TimedHop> {
        match &self.detail {
            TraceDetail::Words(steps) => steps.lock().clone(),
            TraceDetail::Hops(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_trace_has_a_limit_of_steps() {
        let trace = Trace::default();
        for number in 0..=MAX_STEPS {
            trace.push(0, || Hop::Note(number.to_string()));
        }
        assert_eq!(trace.steps().len(), MAX_STEPS);
    }
}
