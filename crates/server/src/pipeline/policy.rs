//! Policy: what may be asked and what may be answered, by group of the client.
//!
//! Two stages of the pipeline use the policy: one before resolution, with the question, and one
//! after resolution, with the answer. A finished answer has passed both for its group, and skips
//! the policy.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use zoners_api::QueryOutcome;
use zoners_dns::{
    ClockReading, Ede, EdeCode, Moment, NameSlice, Network, OptRcode, Question, Rtype,
};
use zoners_policy::PolicyRules;
use zoners_resolver::{Answer, PathServer};

use super::group::ClientGroup;
use super::policy_reason::PolicyReason;
use super::query::Query;
use super::rebinding::AnswerOrigin;
use super::redirect::Redirect;
use super::{Handled, Service, finish, structured_error};
use crate::client::Client;

/// Seconds for which a decision on a question is kept as a finished answer. A change of the policy ends the time, as
/// the rules get a new number.
const KEPT_SECONDS: u32 = 3600;

/// The decision of a policy on a question or an answer.
#[derive(Clone, Debug)]
pub enum PolicyDecision {
    /// The query goes on as it would without a policy.
    Pass,
    /// The client gets this answer, and the EDE of the reason with it (RFC 8914: 15 to 18).
    Answer(Box<Answer>, Option<PolicyReason>),
    /// The client gets these aliases and the records of their target.
    Redirect(Box<Redirect>),
    /// The client gets REFUSED with this EDE.
    Refuse(Ede),
    /// Over UDP, the client gets an empty reply with TC and asks again over TCP.
    TcpOnly,
    /// The client gets no reply.
    Drop,
}

/// How a decision ends a query.
#[derive(Debug)]
pub(super) enum Judged {
    /// The reply is written, if there is one; with the code of the EDE.
    Ended(QueryOutcome, Option<EdeCode>),
    /// The query goes on to a target.
    Redirected(Box<Redirect>),
}

/// A policy. It may not wait: its stages run between two packets of a worker.
pub trait Policy: fmt::Debug + Send + Sync {
    /// The group of a client; asked for each query, before the cache.
    fn group(&self, client: &Client) -> ClientGroup;

    /// The answer of the group's own records, before local data.
    fn records(&self, _group: ClientGroup, _name: &NameSlice, _rtype: Rtype) -> Option<Answer> {
        None
    }

    /// The number of the upstream that resolves for a group; none for the resolver of all clients.
    fn upstream(&self, _group: ClientGroup) -> Option<usize> {
        None
    }

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

    /// Counts a reply that a list has decided, and which was kept as finished.
    fn count_reply(&self, _list: u16) {}

    /// The rules of the lists, if the policy consists of lists.
    fn lists(&self) -> Option<&PolicyRules> {
        None
    }

    /// The time for which the policy was made; none for all times.
    fn term(&self) -> Option<PolicyTerm> {
        None
    }
}

/// The time for which a policy was made, in Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyTerm {
    /// When the policy was made.
    pub since: u64,
    /// When a schedule begins or ends.
    pub until: Option<u64>,
}

impl PolicyTerm {
    /// Whether another policy is due, also after the clock was set.
    #[must_use]
    pub fn is_over(&self, unix_seconds: u64) -> bool {
        self.until.is_some_and(|until| unix_seconds >= until || unix_seconds < self.since)
    }

    /// The time until the next policy; none if schedules never change.
    #[must_use]
    pub fn left(&self, unix_seconds: u64) -> Option<Duration> {
        let until = self.until?;
        let is_over = self.is_over(unix_seconds);
        Some(if is_over { Duration::ZERO } else { Duration::from_secs(until - unix_seconds) })
    }
}

impl<N: Network> Service<N> {
    /// The stage before resolution: how the query ends here, if it does.
    pub(super) fn judge_question(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        question: &Question,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Option<Handled> {
        let policy = self.rules.policy.as_ref()?;
        let decision = policy.before_resolution(group, question);
        let judged = self.enforce(decision, query, group, (KEPT_SECONDS, clock.now), reply)?;
        Some(self.judged(judged, query, group, clock, reply))
    }

    /// The stage after resolution, for an answer that the cache had.
    pub(super) fn judge_answer(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Option<Handled> {
        let answer = (answer, AnswerOrigin::Resolver);
        let judged = self.decide_on_answer(query, group, question, answer, clock.now, reply)?;
        Some(self.judged(judged, query, group, clock, reply))
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
    ) -> Option<Judged> {
        if let Some(policy) = &self.rules.policy {
            let servers = || self.worker.path_servers(question, answer);
            let decision = policy.after_resolution(group, question, answer, &servers);
            let seconds = answer.ttl().min(KEPT_SECONDS);
            let judged = self.enforce(decision, query, group, (seconds, now), reply);
            if judged.is_some() {
                return judged;
            }
        }
        let denied = self.deny_private_address(query, question, (answer, origin), now, reply);
        denied.map(|(outcome, code)| Judged::Ended(outcome, code))
    }

    /// Carries out a decision. An answer of the policy is kept as finished for so many seconds.
    fn enforce(
        &self,
        decision: PolicyDecision,
        query: &Query<'_>,
        group: ClientGroup,
        (seconds, now): (u32, Moment),
        reply: &mut Vec<u8>,
    ) -> Option<Judged> {
        match decision {
            PolicyDecision::Redirect(redirect) => Some(Judged::Redirected(redirect)),
            PolicyDecision::Pass => None,
            PolicyDecision::Answer(answer, reason) => {
                self.keep_decided(query, group, &answer, reason.as_ref(), seconds, now);
                let ede = reason.as_ref().map(|reason| &reason.ede);
                let told = ede.map(|ede| self.in_form_of_client(query, ede));
                finish::answer(query, &self.order.of(&answer), told.as_deref(), reply);
                Some(Judged::Ended(QueryOutcome::Policy, ede.map(|ede| ede.code)))
            }
            PolicyDecision::Refuse(ede) => {
                let told = self.in_form_of_client(query, &ede);
                finish::error(query, OptRcode::REFUSED, Some(&told), reply);
                Some(Judged::Ended(QueryOutcome::Policy, Some(ede.code)))
            }
            PolicyDecision::TcpOnly if query.client.transport.is_stream() => None,
            PolicyDecision::TcpOnly => {
                finish::truncated(query, reply);
                Some(Judged::Ended(QueryOutcome::Policy, None))
            }
            PolicyDecision::Drop => {
                reply.clear();
                Some(Judged::Ended(QueryOutcome::Dropped, None))
            }
        }
    }

    /// The EDE of a decision in the form that the client understands.
    pub(super) fn in_form_of_client<'e>(&self, query: &Query<'_>, ede: &'e Ede) -> Cow<'e, Ede> {
        structured_error::in_form_of_client(query, ede, self.rules.contact.as_deref())
    }

    fn judged(
        &self,
        judged: Judged,
        query: &Query<'_>,
        group: ClientGroup,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        match judged {
            Judged::Ended(outcome, _) => self.ended(outcome),
            Judged::Redirected(to) => self.handle_redirect(query, group, *to, clock, reply),
        }
    }

    fn ended(&self, outcome: QueryOutcome) -> Handled {
        match outcome {
            QueryOutcome::Dropped => self.unanswered(outcome),
            outcome => self.replied(outcome),
        }
    }
}
