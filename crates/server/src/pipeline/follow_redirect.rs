//! Aliases of local data and of policy rules, followed: the client gets the aliases and the records of the target in one
//! answer, as most clients follow no alias themselves.
//!
//! The target is looked up in the records of the group, in local data, in the cache, and by recursion. An answer to which
//! a rule leads is not judged again: the operator's rule named the target, and rules could lead in a circle.

use std::net::IpAddr;
use std::sync::Arc;

use zoners_api::QueryOutcome;
use zoners_dns::{
    ClockReading, Ede, EdeCode, Moment, NameSlice, Network, OptRcode, Question, Rtype,
};
use zoners_resolver::{Answer, Cause, Lack, Resolution, Unresolved};

use super::group::ClientGroup;
use super::query::{Miss, Query};
use super::rebinding::AnswerOrigin;
use super::redirect::Redirect;
use super::{Handled, Service, finish};

/// The reason why a circle of aliases has no answer.
fn loop_reason() -> Ede {
    Ede::new(EdeCode::OTHER, "the aliases of local data or of a rule lead in a circle")
}

fn in_a_circle() -> Unresolved {
    let Ede { code, text } = loop_reason();
    Unresolved::new(Cause::Aliases, text).with_code(code)
}

impl<N: Network> Service<N> {
    /// The records of a client's group, those about this resolver for a client that has asked the address `at`, or local
    /// data.
    pub(super) fn own_records(
        &self,
        group: ClientGroup,
        (name, rtype): (&NameSlice, Rtype),
        at: Option<IpAddr>,
    ) -> Option<Answer> {
        let policy = self.rules.policy.as_ref();
        let of_group = policy.and_then(|policy| policy.records(group, name, rtype));
        let has_http3 = |listener| self.rules.has_http3(listener);
        let about = || self.rules.discovery.as_ref()?.answer(name, rtype, at, has_http3);
        let of_group = of_group.or_else(about);
        of_group.or_else(|| self.rules.local.answer(name, rtype))
    }

    /// Replies with records of the group or of local data; an alias is followed for a client that desires recursion.
    pub(super) fn handle_own(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        answer: &Answer,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        if answer.rcode == OptRcode::SERVFAIL {
            finish::error(query, OptRcode::SERVFAIL, Some(&loop_reason()), reply);
            return self.replied(QueryOutcome::Failed);
        }
        let redirect = Redirect::of_local(answer, query.request.rtype);
        if let Some(redirect) = redirect.filter(|_| query.request.head.rd) {
            return self.handle_redirect(query, group, redirect, clock, reply);
        }
        finish::authoritative(query, &self.order.of(answer), reply);
        self.replied(QueryOutcome::Local)
    }

    /// Replies with the answer to which a redirect leads, or hands on the miss.
    pub(super) fn handle_redirect(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        mut redirect: Redirect,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        let asked = query.request.question();
        if let Some(answer) = self.follow_own(group, &mut redirect, asked.rtype) {
            return self.finish_redirect(query, group, &redirect, &answer, clock.now, reply);
        }
        let (question, checking) = (redirect.question(&asked), query.request.head.checking());
        let lack = match self.worker.cached(&question, checking, clock.now) {
            _ if redirect.is_loop() => {
                finish::error(query, OptRcode::SERVFAIL, Some(&loop_reason()), reply);
                return self.replied(QueryOutcome::Failed);
            }
            Ok(answer) => {
                self.worker.mark_wanted(&question);
                let found = (&answer, AnswerOrigin::Resolver);
                if self.deny_private_address(query, &question, found, clock.now, reply).is_some() {
                    return self.replied(QueryOutcome::Policy);
                }
                return self.finish_redirect(query, group, &redirect, &answer, clock.now, reply);
            }
            Err(lack) => lack,
        };
        self.handle_miss(query, group, (asked, lack), Some(redirect), clock, reply)
    }

    /// The records of the group or of local data to which a redirect leads. Aliases on the way are added.
    fn follow_own(
        &self,
        group: ClientGroup,
        redirect: &mut Redirect,
        rtype: Rtype,
    ) -> Option<Answer> {
        while !redirect.is_loop() {
            let answer = self.own_records(group, (redirect.target.for_slice(), rtype), None)?;
            let Some(next) = Redirect::of_local(&answer, rtype) else { return Some(answer) };
            redirect.chain.extend(next.chain);
            redirect.target = next.target;
        }
        None
    }

    /// Writes the answer of a redirect that needs no recursion.
    fn finish_redirect(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        redirect: &Redirect,
        found: &Answer,
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> Handled {
        let Some(answer) = redirect.complete(found) else {
            finish::error(query, OptRcode::SERVFAIL, Some(&loop_reason()), reply);
            return self.replied(QueryOutcome::Failed);
        };
        let reason = redirect.reason.as_ref();
        if reason.is_some() {
            self.keep_redirected(query, group, &answer, reason, now);
        }
        let told = reason.map(|reason| self.in_form_of_client(query, &reason.ede));
        finish::answer(query, &self.order.of(&answer), told.as_deref(), reply);
        let is_of_policy = reason.is_some();
        self.replied(if is_of_policy { QueryOutcome::Policy } else { QueryOutcome::Local })
    }

    /// Takes a miss through recursion to the target of its redirect, and writes the answer.
    pub(super) async fn recurse_redirect(
        &self,
        miss: &mut Miss,
        mut redirect: Redirect,
        reply: &mut Vec<u8>,
    ) -> (QueryOutcome, Option<EdeCode>) {
        let own = self.follow_own(miss.group, &mut redirect, miss.question.rtype);
        let redirect = miss.redirect.insert(Box::new(redirect));
        let (resolution, origin) = match own {
            Some(answer) => (Ok(Arc::new(answer)), None),
            None if redirect.is_loop() => (Err(in_a_circle()), None),
            None => {
                miss.lack = Lack::Something;
                let (resolution, origin) = self.resolve_miss(miss, None).await;
                (resolution, Some(origin))
            }
        };
        match origin {
            Some(origin) => {
                let now = self.worker.shared().now();
                self.finish_resolved_redirect(miss, (&resolution, origin), now, reply)
            }
            None => self.complete_redirect(miss, &resolution, reply),
        }
    }

    /// Writes the answer of a miss with a redirect, after recursion. Names of the Internet get no private addresses here
    /// either.
    pub(super) fn finish_resolved_redirect(
        &self,
        miss: &Miss,
        (resolution, origin): (&Resolution, AnswerOrigin),
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> (QueryOutcome, Option<EdeCode>) {
        let denied = resolution.as_ref().ok().and_then(|answer| {
            let question = miss.question_to_resolve();
            self.deny_private_address(&miss.query(), &question, (answer, origin), now, reply)
        });
        denied.unwrap_or_else(|| self.complete_redirect(miss, resolution, reply))
    }

    fn complete_redirect(
        &self,
        miss: &Miss,
        resolution: &Resolution,
        reply: &mut Vec<u8>,
    ) -> (QueryOutcome, Option<EdeCode>) {
        let query = miss.query();
        let whole = match (resolution, &miss.redirect) {
            (Ok(found), Some(redirect)) => redirect.complete(found).ok_or_else(loop_reason),
            (Ok(found), None) => Ok((**found).clone()),
            (Err(Unresolved { ede, .. }), _) => Err(ede.clone()),
        };
        let reason = miss.redirect.as_ref().and_then(|redirect| redirect.reason.as_ref());
        let reason = reason.map(|reason| &reason.ede);
        match whole {
            Ok(answer) => {
                let told = reason.map(|ede| self.in_form_of_client(&query, ede));
                finish::answer(&query, &self.order.of(&answer), told.as_deref(), reply);
                match reason {
                    Some(ede) => (QueryOutcome::Policy, Some(ede.code)),
                    None => (QueryOutcome::Recursed, None),
                }
            }
            Err(ede) => {
                finish::error(&query, OptRcode::SERVFAIL, Some(&ede), reply);
                (QueryOutcome::Failed, Some(ede.code))
            }
        }
    }

    /// The answer of local data for a look-up without a client; an alias is followed.
    pub(super) async fn look_up_own(&self, answer: Answer, asked: &Question) -> Resolution {
        if answer.rcode == OptRcode::SERVFAIL {
            return Err(in_a_circle());
        }
        let Some(mut redirect) = Redirect::of_local(&answer, asked.rtype) else {
            return Ok(Arc::new(answer));
        };
        let found = match self.follow_own(ClientGroup::ALL, &mut redirect, asked.rtype) {
            Some(found) => Arc::new(found),
            None if redirect.is_loop() => return Err(in_a_circle()),
            None => self.worker.resolve(&redirect.question(asked), None).await?,
        };
        redirect.complete(&found).map(Arc::new).ok_or_else(in_a_circle)
    }
}

impl Miss {
    /// The question for recursion: the target of a redirect, or the question of the client.
    pub(super) fn question_to_resolve(&self) -> Question {
        match &self.redirect {
            Some(redirect) => redirect.question(&self.question),
            None => self.question.clone(),
        }
    }
}
