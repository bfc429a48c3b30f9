//! What is passed down with every step for a client query.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::{Counter, Name, Question};

use crate::model::answer::{Cause, Unresolved};
use crate::model::budget::{Budget, Exhausted, take};
use crate::model::flights::FlightId;
use crate::model::settings::Limits;
use crate::model::trace::{Hop, Trace};

/// The client query that the work is for: its budget, its trace, and the look-ups that this step
/// is nested in.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Charged by everything.
    pub budget: Arc<Budget>,
    /// Queries sent for the question at hand.
    pub question_queries: Arc<AtomicU32>,
    /// How many nameserver look-ups this one is nested in.
    pub depth: u8,
    /// Whether what is found must be proven, where it can be.
    pub validate: bool,
    /// What is in the cache for no longer than this is as good as expired.
    pub ahead: Duration,
    proving: Option<Arc<ProofContext>>,
    trace: Option<Arc<Trace>>,
    lineage: Option<Arc<FlightLineage>>,
}

/// The reply that is being proven.
#[derive(Debug)]
struct ProofContext {
    /// Servers that gave bogus answers to the question: not asked again.
    avoided: Vec<SocketAddr>,
    /// Signatures that may still be verified for it.
    verifications: AtomicU32,
}

/// The flights that are led on the way from the client's question to here, the innermost first.
#[derive(Debug)]
struct FlightLineage {
    flight: FlightId,
    above: Option<Arc<FlightLineage>>,
}

impl Context {
    /// The context of a client's question.
    #[must_use]
    pub(crate) fn new(limits: Limits, asker: Option<IpAddr>, trace: Option<Arc<Trace>>) -> Self {
        Context {
            budget: Arc::new(Budget::new(limits, asker)),
            question_queries: Arc::default(),
            depth: 0,
            validate: false,
            ahead: Duration::ZERO,
            proving: None,
            trace,
            lineage: None,
        }
    }

    /// The context of a question whose answer must be proven.
    #[must_use]
    pub(crate) fn validating(self, validate: bool) -> Self {
        Context { validate, ..self }
    }

    /// The context of refreshing what expires within `ahead`.
    pub(crate) fn ahead(self, ahead: Duration) -> Self {
        Context { ahead, ..self }
    }

    /// The context of a further try that avoids `server` too.
    pub(crate) fn avoiding(&self, server: SocketAddr, limits: &Limits) -> Self {
        let avoided = self.avoided().iter().copied().chain([server]).collect();
        self.proving_with(avoided, limits)
    }

    /// The context of proving one reply.
    pub(crate) fn proving(&self, limits: &Limits) -> Self {
        self.proving_with(self.avoided().to_vec(), limits)
    }

    fn proving_with(&self, avoided: Vec<SocketAddr>, limits: &Limits) -> Self {
        let verifications = AtomicU32::new(limits.verifications_per_reply);
        let proving = ProofContext { avoided, verifications };
        Context { proving: Some(Arc::new(proving)), ..self.clone() }
    }

    /// Charges a signature that is about to be verified, to the reply and to the client query.
    pub(crate) fn charge_verification(&self) -> Result<(), Exhausted> {
        if let Some(proving) = &self.proving {
            take(&proving.verifications, Counter::BudgetVerifications)?;
        }
        self.budget.charge_verification()
    }

    /// Servers that are not asked again.
    pub(crate) fn avoided(&self) -> &[SocketAddr] {
        self.proving.as_ref().map_or(&[], |proving| proving.avoided.as_slice())
    }

    /// The context of another question.
    pub(crate) fn avoiding_nobody(&self) -> Self {
        Context { proving: None, ..self.clone() }
    }

    /// The context inside `flight`, which this step leads.
    pub(crate) fn leading(&self, flight: FlightId) -> Self {
        let lineage = FlightLineage { flight, above: self.lineage.clone() };
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
            ahead: Duration::ZERO,
            proving: None,
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

    /// Charges a query that is about to be sent; `retry` if it goes beside another.
    pub(crate) fn charge_query(&self, tcp: bool, retry: bool) -> Result<(), Exhausted> {
        self.budget.charge_query(&self.question_queries, tcp, retry)
    }

    /// Whether a failure says something of what was asked, and not of the one who asked: only then
    /// the failure is cached and told to followers.
    pub(crate) fn blames_the_name(&self, unresolved: &Unresolved) -> bool {
        unresolved.cause.is_about_the_name() && self.budget.met().is_none()
    }

    /// Waits for a flight in which the servers of `zone` are asked for another question's sake too.
    pub(crate) async fn wait<T>(
        &self,
        zone: &Name,
        question: &Question,
        landing: impl Future<Output = T>,
    ) -> T {
        let since = Instant::now();
        let landed = landing.await;
        self.trace(|| {
            let (zone, question) = (zone.clone(), question.clone());
            Hop::Waited { zone, question, took: since.elapsed() }
        });
        landed
    }

    /// Notes a step, if anybody wants to know.
    pub(crate) fn trace(&self, hop: impl FnOnce() -> Hop) {
        if let Some(trace) = &self.trace {
            trace.push(self.depth, hop());
        }
    }
}
