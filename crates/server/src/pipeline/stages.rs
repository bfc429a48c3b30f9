//! The synchronous stages of a packet, in their order.

use zoners_api::QueryOutcome;
use zoners_dns::packet::ClientQuery;
use zoners_dns::{
    ClockReading, Counter, Ede, EdeCode, Moment, NameSlice, Network, OptRcode, Question, Rtype,
};
use zoners_resolver::{Answer, Lack};

use super::admit::NotAdmitted;
use super::cookies::Cookie;
use super::group::ClientGroup;
use super::query::{Miss, Query};
use super::redirect::Redirect;
use super::{Handled, Service, any, finish};
use crate::client::Client;
use crate::config::Any;

/// Factor of waiting queries for a client with a proven address: it may be a forwarder for many
/// clients.
const PROVEN_CLIENT_FACTOR: usize = 10;

impl<N: Network> Service<N> {
    /// Takes a packet received at `clock` through the synchronous stages; the reply is written into
    /// `reply`.
    pub fn handle(
        &self,
        packet: &[u8],
        client: Client,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        self.count(Counter::ClientQueries);
        let access = &self.rules.access;
        let mut query = match ClientQuery::read(packet) {
            Ok(request) => Query { request, client, cookie: Cookie::Absent },
            Err(unreadable) => {
                let ended = access.answer_unreadable(unreadable, packet, client, clock, reply);
                return self.not_admitted(ended, client, clock.now);
            }
        };
        if let Err(ended) = access.admit(&mut query, packet, clock, reply) {
            return self.not_admitted(ended, client, clock.now);
        }
        if !query.cookie.is_known() && !self.may_ask(client, clock.now) {
            self.slow_down(&query, reply);
            return self.replied(QueryOutcome::RateLimited);
        }
        if self.rules.policy.is_some() {
            return self.handle_in_group(&query, clock, reply);
        }
        if self.finished(&query, clock.now, reply) {
            return self.replied(QueryOutcome::Cached);
        }
        self.handle_unfinished(&query, ClientGroup::ALL, clock, reply)
    }

    /// The outcome of a packet that is not served.
    #[cold]
    fn not_admitted(&self, ended: NotAdmitted, client: Client, now: Moment) -> Handled {
        match ended {
            NotAdmitted::Drop => self.unanswered(QueryOutcome::Dropped),
            // A malformed query costs its sender as much as a valid query.
            NotAdmitted::Answered if self.may_ask(client, now) => {
                self.replied(QueryOutcome::Refused)
            }
            NotAdmitted::Answered | NotAdmitted::Unheard => {
                self.unanswered(QueryOutcome::ErrorsLimited)
            }
        }
    }

    /// The stages from finished answers on, under a policy. A separate function, so that a hit
    /// without a policy pays one comparison.
    #[inline(never)]
    fn handle_in_group(
        &self,
        query: &Query<'_>,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        let group = self.rules.group(&query.client);
        let service = self.of_group(group);
        match service.finished_in_group(query, group, clock.now, reply) {
            Some(outcome) => self.replied(outcome),
            None => service.handle_unfinished(query, group, clock, reply),
        }
    }

    /// The synchronous stages after the finished answers.
    fn handle_unfinished(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        let ClientQuery { name, rtype, .. } = query.request;
        if let Some(answer) = self.own_records(group, (name, rtype), query.client.asked) {
            return self.handle_own(query, group, &answer, clock, reply);
        }
        if self.is_minimal_any(rtype) {
            finish::answer(query, &any::minimal(name), None, reply);
            return self.replied(QueryOutcome::Local);
        }
        let question = query.request.question();
        if let Some(decided) = self.judge_question(query, group, &question, clock, reply) {
            return decided;
        }
        let lack = match self.known(query, group, &question, clock, reply) {
            Ok(handled) => return handled,
            Err(lack) => lack,
        };
        self.handle_miss(query, group, (question, lack), None, clock, reply)
    }

    /// The miss of a question, if the client may wait for a recursion.
    pub(super) fn handle_miss(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        (question, lack): (Question, Lack),
        redirect: Option<Redirect>,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        let head = query.request.head;
        if !head.rd {
            finish::not_recursive(query, reply);
            return self.replied(QueryOutcome::Refused);
        }
        let most = self.rules.waiting_per_client;
        let most =
            if query.is_certain() { most.saturating_mul(PROVEN_CLIENT_FACTOR) } else { most };
        let Some(slot) = self.rules.waiting.take(query.client.address, most) else {
            self.count(Counter::ClientWaitingFull);
            let ede = Ede::new(EdeCode::OTHER, "too many queries are waiting");
            finish::error(query, OptRcode::SERVFAIL, Some(&ede), reply);
            return self.replied(QueryOutcome::Failed);
        };
        let Query { client, cookie, .. } = *query;
        let (received, redirect) = (clock, redirect.map(Box::new));
        let miss = Miss { question, lack, redirect, head, client, group, cookie, received, slot };
        Handled::Miss(Box::new(miss))
    }

    /// Whether a client without a valid cookie stays within its rate.
    fn may_ask(&self, client: Client, now: Moment) -> bool {
        client.is_certain() || self.rules.rates.allow(client.address, now)
    }

    /// Tells a client above its rate how to continue: with the cookie in this response (RFC 7873
    /// section 5.2.3), or over TCP.
    fn slow_down(&self, query: &Query<'_>, reply: &mut Vec<u8>) {
        match query.cookie {
            Cookie::Absent => finish::truncated(query, reply),
            _ => finish::error(query, OptRcode::BADCOOKIE, None, reply),
        }
    }

    /// The answer of local data.
    pub(super) fn own_answer(&self, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        let local = self.rules.local.answer(name, rtype);
        local.or_else(|| self.is_minimal_any(rtype).then(|| any::minimal(name)))
    }

    /// Whether a question of this type gets a HINFO record in place of every record (RFC 8482).
    fn is_minimal_any(&self, rtype: Rtype) -> bool {
        rtype == Rtype::ANY && self.rules.any == Any::Minimal
    }
}
