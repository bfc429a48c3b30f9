//! Policy: what may be asked and what may be answered, by group of the client.
//!
//! Two stages of the pipeline use the policy: one before resolution, with the question, and one
//! after resolution, with the answer. A finished answer has passed both for its group, and skips
//! the policy.

use std::fmt;

use zoners_api::QueryOutcome;
use zoners_dns::{Ede, EdeCode, Network, Question};
use zoners_resolver::Answer;

use super::group::ClientGroup;
use super::query::Query;
use super::{Handled, Service, finish};
use crate::client::Client;
use crate::events::outcome_counter;

/// The decision of a policy on a question or an answer.
#[derive(Clone, Debug)]
pub enum PolicyDecision {
    /// The query goes on as it would without a policy.
    Pass,
    /// The client gets this answer, and the EDE with it (RFC 8914: 15 to 18).
    Answer(Box<Answer>, Option<Ede>),
    /// The client gets no reply.
    Drop,
}

/// A policy. It may not wait: its stages run between two packets of a worker.
pub trait Policy: fmt::Debug + Send + Sync {
    /// The group of a client; asked for each query, before the cache.
    fn group(&self, client: &Client) -> ClientGroup;

    /// Decides on a question that neither finished answers nor local data have answered.
    fn before_resolution(&self, group: ClientGroup, question: &Question) -> PolicyDecision;

    /// Decides on an answer of the cache or of a recursion; a failure is not shown.
    fn after_resolution(
        &self,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
    ) -> PolicyDecision;
}

impl<N: Network> Service<N> {
    /// The stage before resolution: how the query ends here, if it does.
    pub(super) fn judge_question(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        question: &Question,
        reply: &mut Vec<u8>,
    ) -> Option<Handled> {
        let policy = self.rules.policy.as_ref()?;
        let decision = policy.before_resolution(group, question);
        self.enforce(decision, query, reply).map(|(outcome, _)| self.ended(outcome))
    }

    /// The stage after resolution, for an answer that the cache had.
    pub(super) fn judge_answer(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
        reply: &mut Vec<u8>,
    ) -> Option<Handled> {
        let decided = self.decide_on_answer(query, group, question, answer, reply);
        decided.map(|(outcome, _)| self.ended(outcome))
    }

    /// The stage after resolution: how the query ends here, if it does, and why.
    pub(super) fn decide_on_answer(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
        reply: &mut Vec<u8>,
    ) -> Option<(QueryOutcome, Option<EdeCode>)> {
        let policy = self.rules.policy.as_ref()?;
        self.enforce(policy.after_resolution(group, question, answer), query, reply)
    }

    fn enforce(
        &self,
        decision: PolicyDecision,
        query: &Query<'_>,
        reply: &mut Vec<u8>,
    ) -> Option<(QueryOutcome, Option<EdeCode>)> {
        match decision {
            PolicyDecision::Pass => None,
            PolicyDecision::Answer(answer, ede) => {
                finish::answer(query, &self.order.of(&answer), ede.as_ref(), reply);
                Some((QueryOutcome::Policy, ede.map(|ede| ede.code)))
            }
            PolicyDecision::Drop => {
                reply.clear();
                Some((QueryOutcome::Dropped, None))
            }
        }
    }

    fn ended(&self, outcome: QueryOutcome) -> Handled {
        match outcome {
            QueryOutcome::Dropped => self.dropped(),
            outcome => self.replied(outcome_counter(outcome)),
        }
    }
}
