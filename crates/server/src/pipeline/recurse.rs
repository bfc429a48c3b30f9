//! Recursion of a miss, and the stages after it.

use std::sync::Arc;
use std::time::Duration;

use zoners_api::QueryOutcome;
use zoners_dns::{EdeCode, Moment, Network, OptRcode, Question};
use zoners_net::client_slots::stands_for;
use zoners_resolver::{Cause, Resolution, Trace, Unresolved};

use super::observe::resolved_miss;
use super::pending_miss::PendingMiss;
use super::policy::Judged;
use super::query::Miss;
use super::rebinding::AnswerOrigin;
use super::system_probes::offline_reason;
use super::{Service, admit, finish, timeline};
use crate::events::outcome_counter;

/// The time after which an answer is late. A late answer is not sent to an address that is not proven, has a
/// limit and has more than [`LATE_CLIENT_QUERIES`] waiting: answers held back to arrive in one burst are a weapon
/// (DNSBomb).
const LATE_AFTER: Duration = Duration::from_millis(1900);
/// See [`LATE_AFTER`].
const LATE_CLIENT_QUERIES: usize = 64;

impl<N: Network> Service<N> {
    /// Takes a miss through recursion. `None` if there is no reply: the answer came too late to be sent, or the
    /// policy drops it.
    pub async fn recurse(&self, miss: Box<Miss>, trace: Option<Arc<Trace>>) -> Option<Vec<u8>> {
        let mut pending = PendingMiss::new(self, miss);
        let miss = pending.get_mut()?;
        let told_within = self.room_for_timeline(miss);
        let is_recorded = told_within.is_some() || self.events.recorder().is_some();
        let recorded = is_recorded.then(|| Arc::new(Trace::of_hops()));
        let trace = trace.or_else(|| recorded.clone());
        let service = self.of_group(miss.group);
        let (resolution, origin) = service.resolve_miss(miss, trace).await;
        let mut now = self.worker.shared().now();
        let mut reply = Vec::new();
        let resolved = (&resolution, origin);
        let (outcome, reason) = match service.finish_recursion(miss, resolved, now, &mut reply) {
            Judged::Ended(outcome, reason) => (outcome, reason),
            // Boxed, since it is rare.
            Judged::Redirected(redirect) => {
                let ended = Box::pin(service.recurse_redirect(miss, *redirect, &mut reply)).await;
                now = self.worker.shared().now();
                ended
            }
        };
        let miss = pending.take()?;
        self.end_miss(&miss, (outcome, reason), &reply, now);
        if let Some(trace) = recorded {
            let miss = resolved_miss(*miss, &trace, &resolution, (outcome, reason), &reply);
            if let Some(limit) = told_within {
                timeline::tell_miss(&miss, limit, &mut reply);
            }
            self.record_miss(miss);
        }
        (!reply.is_empty()).then_some(reply)
    }

    /// Counts the outcome of a miss, with the time that it took.
    pub(super) fn end_miss(
        &self,
        miss: &Miss,
        (outcome, reason): (QueryOutcome, Option<EdeCode>),
        reply: &[u8],
        now: Moment,
    ) {
        self.count(outcome_counter(outcome));
        let took = now.since(miss.received.now);
        self.latencies.note_recursion(outcome, miss.client.transport, took);
        if self.events.are_read() {
            self.put_recursion(miss, outcome, reason, reply, now);
        }
    }

    /// Resolves the question of a miss, or the target of its redirect.
    pub(super) async fn resolve_miss(
        &self,
        miss: &Miss,
        trace: Option<Arc<Trace>>,
    ) -> (Resolution, AnswerOrigin) {
        let asker = Some(stands_for(miss.client.address));
        let (checking, lack) = (miss.head.checking(), miss.lack);
        let redirected = miss.redirect.as_ref().map(|_| miss.question_to_resolve());
        let question = redirected.as_ref().unwrap_or(&miss.question);
        match &self.window {
            None => {
                match self.worker.resolve_for(asker, question, checking, lack, trace).await {
                    Err(failed) => match self.late_way(&failed, question) {
                        // Boxed, since it is rare.
                        Some(way) => Box::pin(self.resolve_late(&way, asker, miss, failed)).await,
                        None => (Err(failed), AnswerOrigin::Resolver),
                    },
                    own => (own, AnswerOrigin::Resolver),
                }
            }
            // Boxed, since it is rare.
            Some(window) => Box::pin(self.resolve_in_window(window, asker, miss, trace)).await,
        }
    }

    /// Writes the response to a resolved miss, if there is one; returns the outcome and the reason, or where a rule of
    /// the policy leads.
    fn finish_recursion(
        &self,
        miss: &Miss,
        (resolution, origin): (&Resolution, AnswerOrigin),
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> Judged {
        let query = miss.query();
        let late = now.since(miss.received.now) > LATE_AFTER
            && miss.slot.of_client() > LATE_CLIENT_QUERIES;
        if late && !query.is_certain() && !self.rules.rates.has_no_limit(miss.client.address) {
            return Judged::Ended(QueryOutcome::Late, None);
        }
        if miss.redirect.is_some() {
            let (outcome, reason) =
                self.finish_resolved_redirect(miss, (resolution, origin), now, reply);
            return Judged::Ended(outcome, reason);
        }
        let answer = match resolution {
            Ok(answer) => answer,
            Err(Unresolved { ede, .. }) => {
                if let Some(answer) = self.offline_answer(&miss.question) {
                    let ede = self.in_form_of_client(&query, &offline_reason()).into_owned();
                    finish::answer(&query, &answer, Some(&ede), reply);
                    return Judged::Ended(QueryOutcome::Recursed, Some(ede.code));
                }
                finish::error(&query, OptRcode::SERVFAIL, Some(ede), reply);
                return Judged::Ended(QueryOutcome::Failed, Some(ede.code));
            }
        };
        if let Some(decided) =
            self.decide_on_answer(&query, miss.group, &miss.question, (answer, origin), now, reply)
        {
            return decided;
        }
        let (outcome, ede) = match answer.stale {
            true => (QueryOutcome::Stale, Some(finish::why_stale(answer))),
            false => {
                let ede = self.worker.why_unsigned(&miss.question, answer.security);
                (QueryOutcome::Recursed, ede)
            }
        };
        finish::answer(&query, &self.shown(&miss.question, answer), ede.as_ref(), reply);
        Judged::Ended(outcome, ede.map(|ede| ede.code))
    }

    /// Answers a question without a packet: local data first, then cache and recursion. Without a
    /// client, no policy applies.
    ///
    /// # Errors
    /// The question could not be answered, or not in time.
    pub async fn look_up(&self, question: &Question, trace: Option<Arc<Trace>>) -> Resolution {
        if let Some((_, text)) = admit::invalid_type(question.rtype) {
            let failed = Unresolved::new(Cause::Unusable, format!("{} {text}", question.rtype));
            return Err(failed.with_code(EdeCode::INVALID_QUERY_TYPE));
        }
        match self.own_answer(question.name.for_slice(), question.rtype) {
            Some(answer) => self.look_up_own(answer, question).await,
            None => self.worker.resolve(question, trace).await,
        }
    }
}
