//! The context of a step: passed down through all rooms.

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

/// The client query behind a step: budget and trace, and the look-ups around this step.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The budget of the client query, charged by every step.
    pub budget: Arc<Budget>,
    /// Queries sent for the question at hand.
    pub question_queries: Arc<AtomicU32>,
    /// The number of nameserver look-ups around this step.
    pub depth: u8,
    /// Whether the result must be validated, where a trust anchor allows it.
    pub validate: bool,
    /// A cache entry that expires within this time counts as expired.
    pub ahead: Duration,
    proving: Option<Arc<ProofContext>>,
    trace: Option<Arc<Trace>>,
    lineage: Option<Arc<FlightLineage>>,
}

/// The validation of one reply.
#[derive(Debug)]
struct ProofContext {
    /// Servers with bogus answers to the question: not asked again.
    avoided: Vec<SocketAddr>,
    /// Signatures left to verify for the reply.
    verifications: AtomicU32,
}

/// The flights led between the client query and this step, innermost first.
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

    /// The context of a question with an answer to validate.
    #[must_use]
    pub(crate) fn validating(self, validate: bool) -> Self {
        Context { validate, ..self }
    }

    /// The context of a prefetch: refreshes entries that expire within `ahead`.
    pub(crate) fn ahead(self, ahead: Duration) -> Self {
        Context { ahead, ..self }
    }

    /// The context of a retry that avoids `server` too.
    pub(crate) fn avoiding(&self, server: SocketAddr, limits: &Limits) -> Self {
        let avoided = self.avoided().iter().copied().chain([server]).collect();
        self.proving_with(avoided, limits)
    }

    /// The context of the validation of one reply.
    pub(crate) fn proving(&self, limits: &Limits) -> Self {
        self.proving_with(self.avoided().to_vec(), limits)
    }

    fn proving_with(&self, avoided: Vec<SocketAddr>, limits: &Limits) -> Self {
        let verifications = AtomicU32::new(limits.verifications_per_reply);
        let proving = ProofContext { avoided, verifications };
        Context { proving: Some(Arc::new(proving)), ..self.clone() }
    }

    /// Charges the verification of a signature, to the reply and to the client query.
    pub(crate) fn charge_verification(&self) -> Result<(), Exhausted> {
        if let Some(proving) = &self.proving {
            take(&proving.verifications, Counter::BudgetVerifications)?;
        }
        self.budget.charge_verification()
    }

    /// The servers to avoid.
    pub(crate) fn avoided(&self) -> &[SocketAddr] {
        self.proving.as_ref().map_or(&[], |proving| proving.avoided.as_slice())
    }

    /// The context of a different question, which avoids no server.
    pub(crate) fn of_another_question(&self) -> Self {
        Context { proving: None, ..self.clone() }
    }

    /// The context inside `flight`, led by this step.
    pub(crate) fn leading(&self, flight: FlightId) -> Self {
        let lineage = FlightLineage { flight, above: self.lineage.clone() };
        Context { lineage: Some(Arc::new(lineage)), ..self.clone() }
    }

    /// The context of a nested question: the current question depends on the answer.
    pub(crate) fn nested(&self, limits: &Limits) -> Result<Self, Unresolved> {
        if self.depth >= limits.depth {
            return Err(Unresolved::new(Cause::Depth, "nameserver look-ups nested too deep"));
        }
        Ok(Context {
            depth: self.depth + 1,
            question_queries: Arc::default(),
            // The address of a nameserver needs no proof; the replies of the nameserver do.
            validate: false,
            ahead: Duration::ZERO,
            proving: None,
            ..self.clone()
        })
    }

    /// The flight led by this step, which waits when this step waits.
    pub(crate) fn flight(&self) -> Option<FlightId> {
        self.lineage.as_ref().map(|lineage| lineage.flight)
    }

    /// Whether `flight` is led further up: to wait for `flight` would be a deadlock.
    pub(crate) fn descends_from(&self, flight: FlightId) -> bool {
        let mut at = self.lineage.as_ref();
        std::iter::from_fn(|| {
            let lineage = at?;
            at = lineage.above.as_ref();
            Some(lineage.flight)
        })
        .any(|above| above == flight)
    }

    /// Charges a query before it is sent; `retry` for a hedge or a repetition.
    pub(crate) fn charge_query(&self, tcp: bool, retry: bool) -> Result<(), Exhausted> {
        self.budget.charge_query(&self.question_queries, tcp, retry)
    }

    /// Whether a failure concerns the question, and not only the budget of this client query: only such
    /// a failure is cached and handed to followers.
    pub(crate) fn blames_the_name(&self, unresolved: &Unresolved) -> bool {
        unresolved.cause.is_about_the_name() && self.budget.met().is_none()
    }

    /// Waits for a shared flight, and notes the time in the trace.
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

    /// Notes a step, if the client query has a trace.
    pub(crate) fn trace(&self, hop: impl FnOnce() -> Hop) {
        if let Some(trace) = &self.trace {
            trace.push(self.depth, hop());
        }
    }
}
