//! A step of a recursion: the context that each function on the way to an answer gets.
//!
//! The context has two parts. [`ClientContext`] lasts as long as the client query; the rest of [`Step`]
//! changes from step to step. The parts of a step, and their values in the steps made from the step:
//!
//! | part | nameserver addresses | keys and DS | validation, retry | inside a flight |
//! |---|---|---|---|---|
//! | client query | same | same | same | same |
//! | flight lineage | same | same | same | one flight more |
//! | depth | one more | same | same | same |
//! | queries of the question, `validate`, `ahead` | from the start | same | same | same |
//! | avoided servers, signatures of the reply | none | none | anew | same |

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio::time::Instant;
use zoners_cache::ServerFault;
use zoners_dns::{Checking, Counter, Endpoint, Name, Question, Rtype};

use crate::model::answer::{Cause, Unresolved};
use crate::model::budget::{Exhausted, take};
use crate::model::client_context::ClientContext;
use crate::model::flights::FlightId;
use crate::model::hop_log::{LoggedEnd, LoggedEvent, LoggedHop};
use crate::model::settings::Limits;
use crate::model::trace::Hop;

/// A step of a recursion.
///
/// A step holds the `Arc` of its client query, instead of a second argument beside it: every function with
/// a step charges the budget, and work that outlives its caller needs both parts.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The client query, with the budget that every step charges.
    pub client: Arc<ClientContext>,
    /// The number of nameserver look-ups around this step.
    pub depth: u8,
    /// Whether the result must be validated, where a trust anchor allows it.
    pub validate: bool,
    /// A cache entry that expires within this time counts as expired.
    pub ahead: Duration,
    /// Queries sent for the question at hand.
    question_queries: Arc<AtomicU32>,
    proof: Option<Arc<ProofAttempt>>,
    lineage: Option<Arc<FlightLineage>>,
}

/// The validation of one reply.
#[derive(Debug)]
struct ProofAttempt {
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

/// A question that must be answered before the question at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NestedQuestion {
    /// The addresses of a nameserver.
    Addresses,
    /// The keys or DS records of a zone.
    Keys,
}

impl Step {
    /// The first step for a client query.
    #[must_use]
    pub(crate) fn first(client: ClientContext) -> Self {
        Step::start(Arc::new(client))
    }

    /// The first step of a question of our own, for which no client waits.
    #[must_use]
    pub(crate) fn without_client(limits: Limits) -> Self {
        Step::first(ClientContext::new(limits, None, None))
    }

    fn start(client: Arc<ClientContext>) -> Self {
        Step {
            client,
            depth: 0,
            validate: false,
            ahead: Duration::ZERO,
            question_queries: Arc::default(),
            proof: None,
            lineage: None,
        }
    }

    /// The step for a nested question; the only place to say which parts start anew.
    fn nested(&self, question: NestedQuestion) -> Self {
        match question {
            // The address of a nameserver needs no proof; the replies of the nameserver do.
            NestedQuestion::Addresses => Step {
                depth: self.depth + 1,
                lineage: self.lineage.clone(),
                ..Step::start(self.client.clone())
            },
            // Keys prove the question at hand, and are charged to it. A server that lied about the question
            // may still give the keys of the zone.
            NestedQuestion::Keys => Step { proof: None, ..self.clone() },
        }
    }

    /// The step that looks up addresses of a nameserver.
    ///
    /// # Errors
    /// The look-ups are nested too deep.
    pub(crate) fn for_addresses(&self, limits: &Limits) -> Result<Self, Unresolved> {
        if self.depth >= limits.depth {
            return Err(Unresolved::new(Cause::Depth, "nameserver look-ups nested too deep"));
        }
        Ok(self.nested(NestedQuestion::Addresses))
    }

    /// The step that looks up keys or DS records.
    pub(crate) fn for_keys(&self) -> Self {
        self.nested(NestedQuestion::Keys)
    }

    /// The step of a question whose answer is validated, or is not.
    #[must_use]
    pub(crate) fn validating(self, validate: bool) -> Self {
        Step { validate, ..self }
    }

    /// Whether cached data has to be proven for this step.
    pub(crate) fn checking(&self) -> Checking {
        Checking::of_cd(!self.validate)
    }

    /// The step of a prefetch: refreshes entries that expire within `ahead`.
    pub(crate) fn ahead(self, ahead: Duration) -> Self {
        Step { ahead, ..self }
    }

    /// The step of a retry that avoids `server` too.
    pub(crate) fn avoiding(&self, server: SocketAddr, limits: &Limits) -> Self {
        let avoided = self.avoided().iter().copied().chain([server]).collect();
        self.proving_with(avoided, limits)
    }

    /// The step that validates one reply.
    pub(crate) fn proving(&self, limits: &Limits) -> Self {
        self.proving_with(self.avoided().to_vec(), limits)
    }

    fn proving_with(&self, avoided: Vec<SocketAddr>, limits: &Limits) -> Self {
        let verifications = AtomicU32::new(limits.verifications_per_reply);
        let proof = ProofAttempt { avoided, verifications };
        Step { proof: Some(Arc::new(proof)), ..self.clone() }
    }

    /// The step inside `flight`, led by this step.
    pub(crate) fn leading(&self, flight: FlightId) -> Self {
        let lineage = FlightLineage { flight, above: self.lineage.clone() };
        Step { lineage: Some(Arc::new(lineage)), ..self.clone() }
    }

    /// The servers to avoid.
    pub(crate) fn avoided(&self) -> &[SocketAddr] {
        self.proof.as_ref().map_or(&[], |proof| proof.avoided.as_slice())
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
        self.client.budget.charge_query(&self.question_queries, tcp, retry)
    }

    /// Charges the verification of a signature, to the reply and to the client query.
    pub(crate) fn charge_verification(&self) -> Result<(), Exhausted> {
        if let Some(proof) = &self.proof {
            take(&proof.verifications, Counter::BudgetVerifications)?;
        }
        self.client.budget.charge_verification()
    }

    /// Waits for a shared flight, and notes the time in the trace.
    pub(crate) async fn wait<T>(
        &self,
        zone: &Name,
        question: &Question,
        landing: impl Future<Output = T>,
    ) -> T {
        let since = Instant::now();
        let hop = self.client.trace.as_ref().and_then(|trace| {
            trace.begin_hop(since, |begun| {
                let (zone, rtype) = (zone.clone(), question.rtype);
                let (depth, event) = (self.depth, LoggedEvent::Waited);
                LoggedHop { begun, took: None, depth, zone, rtype, event }
            })
        });
        let landed = landing.await;
        self.client.trace.iter().for_each(|trace| trace.end_hop(hop));
        self.trace(|| {
            let (zone, question) = (zone.clone(), question.clone());
            Hop::Waited { zone, question, took: since.elapsed() }
        });
        landed
    }

    /// Notes a step, if the client query has a trace.
    pub(crate) fn trace(&self, hop: impl FnOnce() -> Hop) {
        if let Some(trace) = &self.client.trace {
            trace.push(self.depth, hop);
        }
    }

    /// Logs that a query began at `since`, if the client query has a trace of hops.
    pub(crate) fn begin_query<'a>(
        &self,
        since: Instant,
        to: Endpoint,
        why: &'static str,
        asked: impl FnOnce() -> (&'a Name, Rtype, &'a Name),
    ) {
        if let Some(trace) = &self.client.trace {
            trace.begin_hop(since, |begun| {
                let (zone, rtype, server) = asked();
                let (zone, server) = (zone.clone(), server.clone());
                let event =
                    LoggedEvent::Asked { server, endpoint: to, why, end: LoggedEnd::UnderWay };
                LoggedHop { begun, took: None, depth: self.depth, zone, rtype, event }
            });
        }
    }

    /// Logs the end of a query, likewise.
    pub(crate) fn end_query(&self, to: Endpoint, took: Duration, end: impl FnOnce() -> LoggedEnd) {
        if let Some(hops) = self.client.trace.as_ref().and_then(|trace| trace.hops()) {
            hops.lock().end_query(to, took, end());
        }
    }

    /// Logs that a server in backoff is left out, likewise.
    pub(crate) fn log_skipped(
        &self,
        zone: &Name,
        rtype: Rtype,
        endpoint: Endpoint,
        fault: impl FnOnce() -> Option<ServerFault>,
    ) {
        if let Some(trace) = &self.client.trace {
            trace.begin_hop(Instant::now(), |begun| {
                let event = LoggedEvent::Skipped { endpoint, fault: fault() };
                let (took, zone) = (Some(Duration::ZERO), zone.clone());
                LoggedHop { begun, took, depth: self.depth, zone, rtype, event }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::flights::{Boarding, Flights};

    fn flight() -> FlightId {
        let flights = Flights::<u8, ()>::new(Arc::default());
        match flights.board(&1, None) {
            Boarding::Lead(lead) => lead.id(),
            other => unreachable!("{other:?}"),
        }
    }

    /// A step with every part changed.
    fn changed() -> Step {
        let limits = Limits::default();
        let server = "192.0.2.1:53".parse().unwrap();
        let step = Step::without_client(limits).validating(true).ahead(Duration::from_secs(9));
        step.charge_query(false, false).unwrap();
        step.leading(flight()).avoiding(server, &limits)
    }

    #[tokio::test(start_paused = true)]
    async fn the_look_up_of_an_address_starts_anew_under_the_same_budget() {
        let (outer, limits) = (changed(), Limits::default());
        let inner = outer.for_addresses(&limits).unwrap();
        assert!(Arc::ptr_eq(&inner.client, &outer.client));
        assert_eq!(inner.flight(), outer.flight());
        assert_eq!(inner.depth, 1);
        assert_eq!((inner.validate, inner.ahead), (false, Duration::ZERO));
        assert!(inner.avoided().is_empty());
        assert!(!Arc::ptr_eq(&inner.question_queries, &outer.question_queries));
        let deepest = Step { depth: limits.depth, ..outer };
        assert_eq!(deepest.for_addresses(&limits).unwrap_err().cause, Cause::Depth);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_charged_to_the_question_that_they_prove() {
        let outer = changed();
        let inner = outer.for_keys();
        assert!(Arc::ptr_eq(&inner.client, &outer.client));
        assert!(Arc::ptr_eq(&inner.question_queries, &outer.question_queries));
        assert_eq!(inner.flight(), outer.flight());
        assert_eq!((inner.depth, inner.validate, inner.ahead), (0, true, Duration::from_secs(9)));
        assert!(inner.avoided().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_has_signatures_of_its_own_within_those_of_the_query() {
        let limits = Limits { verifications_per_reply: 1, ..Limits::default() };
        let step = Step::without_client(limits);
        for _ in 0..2 {
            let reply = step.proving(&limits);
            assert_eq!(reply.charge_verification(), Ok(()));
            let spent = Err(Exhausted(Counter::BudgetVerifications));
            assert_eq!(reply.charge_verification(), spent);
        }
    }
}
