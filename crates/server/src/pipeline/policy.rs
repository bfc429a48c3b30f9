//! Policy: what may be asked and what may be answered, by group of the client.
//!
//! Two stages of the pipeline use the policy: one before resolution, with the question, and one
//! after resolution, with the answer. A finished answer has passed both for its group, and skips
//! the policy.

use std::borrow::Cow;
use std::fmt;

use zoners_api::QueryOutcome;
use zoners_dns::{Ede, EdeCode, Moment, Network, OptRcode, Question};
use zoners_policy::PolicyRules;
use zoners_resolver::{Answer, PathServer};

use super::group::ClientGroup;
use super::query::Query;
use super::rebinding::AnswerOrigin;
use super::{Handled, Service, finish, structured_error};
use crate::client::Client;
use crate::events::outcome_counter;

/// Seconds for which a decision on a question is kept as a finished answer. A change of the policy ends the time, as
/// the rules get a new number.
const KEPT_SECONDS: u32 = 3600;

/// The decision of a policy on a question or an answer.
#[derive(Clone, Debug)]
pub enum PolicyDecision {
    /// The query goes on as it would without a policy.
    Pass,
    /// The client gets this answer, and the EDE with it (RFC 8914: 15 to 18).
    Answer(Box<Answer>, Option<Ede>),
    /// The client gets REFUSED with this EDE.
    Refuse(Ede),
    /// Over UDP, the client gets an empty reply with TC and asks again over TCP.
    TcpOnly,
    /// The client gets no reply.
    Drop,
}

/// A policy. It may not wait: its stages run between two packets of a worker.
pub trait Policy: fmt::Debug + Send + Sync {
    /// The group of a client; asked for each query, before the cache.
    fn group(&self, client: &Client) -> ClientGroup;

    /// Decides on a question that neither finished answers nor local data have answered.
    fn before_resolution(&self, group: ClientGroup, question: &Question) -> PolicyDecision;

    /// Decides on an answer of the cache or of a recursion; a failure is not shown. `servers` tells the nameservers of the
    /// answer's zones, which takes look-ups in the cache.
    fn after_resolution(
        &self,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
        servers: &dyn Fn() -> Vec<PathServer>,
    ) -> PolicyDecision;

    /// The rules of the lists, if the policy consists of lists.
    fn lists(&self) -> Option<&PolicyRules> {
        None
    }
}

impl<N: Network> Service<N> {
    /// The stage before resolution: how the query ends here, if it does.
    pub(super) fn judge_question(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        question: &Question,
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> Option<Handled> {
        let policy = self.rules.policy.as_ref()?;
        let decision = policy.before_resolution(group, question);
        let decided = self.enforce(decision, query, group, (KEPT_SECONDS, now), reply);
        decided.map(|(outcome, _)| self.ended(outcome))
    }

    /// The stage after resolution, for an answer that the cache had.
    pub(super) fn judge_answer(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> Option<Handled> {
        let answer = (answer, AnswerOrigin::Resolver);
        let decided = self.decide_on_answer(query, group, question, answer, now, reply);
        decided.map(|(outcome, _)| self.ended(outcome))
    }

    /// The stage after resolution: how the query ends here, if it does, and why.
    pub(super) fn decide_on_answer(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        question: &Question,
        (answer, origin): (&Answer, AnswerOrigin),
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> Option<(QueryOutcome, Option<EdeCode>)> {
        if let Some(policy) = &self.rules.policy {
            let servers = || self.worker.path_servers(question, answer);
            let decision = policy.after_resolution(group, question, answer, &servers);
            let seconds = answer.ttl().min(KEPT_SECONDS);
            let decided = self.enforce(decision, query, group, (seconds, now), reply);
            if decided.is_some() {
                return decided;
            }
        }
        self.deny_private_address(query, question, (answer, origin), now, reply)
    }

    /// Carries out a decision. An answer of the policy is kept as finished for so many seconds.
    fn enforce(
        &self,
        decision: PolicyDecision,
        query: &Query<'_>,
        group: ClientGroup,
        (seconds, now): (u32, Moment),
        reply: &mut Vec<u8>,
    ) -> Option<(QueryOutcome, Option<EdeCode>)> {
        match decision {
            PolicyDecision::Pass => None,
            PolicyDecision::Answer(answer, ede) => {
                self.keep_decided(query, group, &answer, ede.as_ref(), seconds, now);
                let told = ede.as_ref().map(|ede| self.in_form_of_client(query, ede));
                finish::answer(query, &self.order.of(&answer), told.as_deref(), reply);
                Some((QueryOutcome::Policy, ede.map(|ede| ede.code)))
            }
            PolicyDecision::Refuse(ede) => {
                let told = self.in_form_of_client(query, &ede);
                finish::error(query, OptRcode::REFUSED, Some(&told), reply);
                Some((QueryOutcome::Policy, Some(ede.code)))
            }
            PolicyDecision::TcpOnly if query.client.transport.is_stream() => None,
            PolicyDecision::TcpOnly => {
                finish::truncated(query, reply);
                Some((QueryOutcome::Policy, None))
            }
            PolicyDecision::Drop => {
                reply.clear();
                Some((QueryOutcome::Dropped, None))
            }
        }
    }

    /// The EDE of a decision in the form that the client understands.
    pub(super) fn in_form_of_client<'e>(&self, query: &Query<'_>, ede: &'e Ede) -> Cow<'e, Ede> {
        structured_error::in_form_of_client(query, ede, self.rules.contact.as_deref())
    }

    fn ended(&self, outcome: QueryOutcome) -> Handled {
        match outcome {
            QueryOutcome::Dropped => self.dropped(),
            outcome => self.replied(outcome_counter(outcome)),
        }
    }
}
