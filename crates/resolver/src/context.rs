//! What is passed down with every step for a client query.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::answer::{Cause, Unresolved};
use crate::budget::{Budget, Exhausted};
use crate::flights::FlightId;
use crate::settings::Limits;
use crate::trace::{Hop, Trace};

/// The client query that the work is for: its budget, its trace, and the look-ups that this step
/// is nested in. A place for DNS cookies of upstream servers is here when they come.
#[derive(Clone, Debug)]
pub struct Context {
    /// Charged by everything.
    pub budget: Arc<Budget>,
    /// Queries sent for the question at hand.
    pub question_queries: Arc<AtomicU32>,
    /// How many nameserver look-ups this one is nested in.
    pub depth: u8,
    /// Whether what is found must be proven, where it can be.
    pub validate: bool,
    /// Servers that gave bogus answers to this question: not asked again.
    avoided: Option<Arc<Vec<SocketAddr>>>,
    trace: Option<Arc<Trace>>,
    lineage: Option<Arc<Lineage>>,
}

/// The flights that are led on the way from the client's question to here, the innermost first.
#[derive(Debug)]
struct Lineage {
    flight: FlightId,
    above: Option<Arc<Lineage>>,
}

impl Context {
    /// The context of a client's question.
    #[must_use]
    pub fn new(limits: Limits, asker: Option<IpAddr>, trace: Option<Arc<Trace>>) -> Self {
        Context {
            budget: Arc::new(Budget::new(limits, asker)),
            question_queries: Arc::default(),
            depth: 0,
            validate: false,
            avoided: None,
            trace,
            lineage: None,
        }
    }

    /// The context of a question whose answer must be proven.
    #[must_use]
    pub(crate) fn validating(self, validate: bool) -> Self {
        Context { validate, ..self }
    }

    /// The context of a further try that avoids `server` too.
    pub(crate) fn avoiding(&self, server: SocketAddr) -> Self {
        let avoided = self.avoided().iter().copied().chain([server]).collect();
        Context { avoided: Some(Arc::new(avoided)), ..self.clone() }
    }

    /// Servers that are not asked again.
    pub(crate) fn avoided(&self) -> &[SocketAddr] {
        self.avoided.as_ref().map_or(&[], |avoided| avoided.as_slice())
    }

    /// The context of another question.
    pub(crate) fn avoiding_nobody(&self) -> Self {
        Context { avoided: None, ..self.clone() }
    }

    /// The context inside `flight`, which this step leads.
    pub(crate) fn leading(&self, flight: FlightId) -> Self {
        let lineage = Lineage { flight, above: self.lineage.clone() };
        Context { lineage: Some(Arc::new(lineage)), ..self.clone() }
    }

    /// The context of a question that must be answered before this one can be.
    pub(crate) fn nested(&self, limits: &Limits) -> Result<Self, Unresolved> {
        if self.depth >= limits.depth {
            return Err(Unresolved::new(Cause::Depth, "nameserver look-ups nested too deep"));
        }
        Ok(Context {
            depth: self.depth + 1,
            question_queries: Arc::default(),
            // Where a nameserver is need not be proven: what it says must be.
            validate: false,
            avoided: None,
            ..self.clone()
        })
    }

    /// The flight that waits when this step waits.
    pub(crate) fn flight(&self) -> Option<FlightId> {
        self.lineage.as_ref().map(|lineage| lineage.flight)
    }

    /// Whether `flight` is led further up: waiting for it would be waiting for ourselves.
    pub(crate) fn descends_from(&self, flight: FlightId) -> bool {
        let mut at = self.lineage.as_ref();
        std::iter::from_fn(|| {
            let lineage = at?;
            at = lineage.above.as_ref();
            Some(lineage.flight)
        })
        .any(|above| above == flight)
    }

    /// Charges a query that is about to be sent.
    pub(crate) fn charge_query(&self, tcp: bool) -> Result<(), Exhausted> {
        self.budget.charge_query(&self.question_queries, tcp)
    }

    /// Notes a step, if anybody wants to know.
    pub(crate) fn trace(&self, hop: impl FnOnce() -> Hop) {
        if let Some(trace) = &self.trace {
            trace.push(self.depth, hop());
        }
    }
}
