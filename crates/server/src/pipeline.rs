//! What happens to a query, in this order:
//!
//! | stage | where | may answer |
//! |---|---|---|
//! | admit | [`admit`], [`strangers`], [`rates`] | what is no query for us, what comes too fast |
//! | finished | [`finished`] | what was answered before under the same rules |
//! | local data and policy | [`local`], [`any`] | records of our own, special-use names, the type ANY |
//! | cache | [`finished`] | what is known |
//! | recursion, the second level beside it | [`zoners_resolver`] | the rest |
//! | policy on the answer | none yet | |
//! | finish | [`finish`] | puts on what differs from client to client |
//!
//! The stages up to the cache are synchronous. They take a packet as it lies in the receive buffer
//! and write the reply into a buffer that is used again, so that a finished answer goes out without
//! allocating; only a miss is handed to the runtime. Finished answers come before local data, since
//! they carry the generation of the rules and only what passed those is ever finished.

mod admit;
mod any;
mod buckets;
mod compact;
mod cookies;
mod finish;
mod finished;
pub mod local;
mod order;
mod rates;
mod rules;
mod strangers;

use std::sync::Arc;
use std::time::Duration;

use zoners_dns::packet::{ClientQuery, QueryHeader};
use zoners_dns::{
    ClockReading, Counter, Ede, EdeCode, Moment, NameSlice, Network, OptRcode, Question, Rtype,
};
use zoners_resolver::worker::Resolution;
use zoners_resolver::{Answer, Cause, Lack, Trace, Unresolved, Worker};

use crate::client::{Client, stands_for};
use crate::client_slots::ClientSlot;
use crate::config::Any;
use admit::Admission;
use cookies::Cookie;
pub use cookies::Cookies;
pub use local::Local;
use order::Order;
pub use rules::Rules;

/// A client whose address is certain may have so many times as many queries waiting: it may be a
/// forwarder with many behind it.
const CERTAIN: usize = 10;
/// An answer that took longer than this …
const LATE: Duration = Duration::from_millis(1900);
/// … is not sent to an address that is not certain, has a limit, and has more than this many waiting:
/// answers held back to arrive in one burst are a weapon (DNSBomb).
const LATE_MANY: usize = 64;

/// What a worker does for clients.
#[derive(Debug)]
pub struct Service<N: Network> {
    worker: Arc<Worker<N>>,
    rules: Arc<Rules>,
    order: Order,
}

/// What came of the synchronous stages.
#[derive(Debug)]
pub enum Handled {
    /// The reply is written, ready to be sent.
    Reply,
    /// Nothing is to be sent.
    Nothing,
    /// Others must be asked; see [`Service::recurse`].
    Miss(Box<Miss>),
}

/// An admitted query, where it lies in the packet.
#[derive(Clone, Copy, Debug)]
struct Query<'a> {
    request: ClientQuery<'a>,
    client: Client,
    cookie: Cookie,
}

/// An admitted query that the cache cannot answer.
#[derive(Debug)]
pub struct Miss {
    question: Question,
    lack: Lack,
    head: QueryHeader,
    client: Client,
    cookie: Cookie,
    since: Moment,
    slot: ClientSlot,
}

impl Query<'_> {
    /// Whether the client's address is certainly its own.
    fn is_certain(&self) -> bool {
        self.client.is_certain() || self.cookie.is_known()
    }
}

impl Miss {
    fn query(&self) -> Query<'_> {
        let Question { name, rtype, class } = &self.question;
        let (name, rtype, class) = (name.for_slice(), *rtype, *class);
        let request = ClientQuery { head: self.head, name, rtype, class, cookie: None };
        Query { request, client: self.client, cookie: self.cookie }
    }
}

impl<N: Network> Service<N> {
    /// A service that resolves with `worker` and treats clients as `rules` say.
    #[must_use]
    pub fn new(worker: Arc<Worker<N>>, rules: Arc<Rules>) -> Self {
        let order = Order::new(rules.order);
        Service { worker, rules, order }
    }

    /// The same worker, treating clients by other rules of the same configuration.
    #[must_use]
    pub fn with_rules(&self, rules: Arc<Rules>) -> Self {
        Service::new(self.worker.clone(), rules)
    }

    /// Takes a packet that came at `clock` through the synchronous stages; what is to be sent is
    /// written into `reply`.
    pub fn handle(
        &self,
        packet: &[u8],
        client: Client,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        self.count(Counter::ClientQueries);
        let query = match self.rules.access.admit(packet, client, clock, reply) {
            Admission::Admitted(query) => query,
            Admission::Drop => {
                self.count(Counter::ClientDropped);
                return Handled::Nothing;
            }
            Admission::Unheard => {
                self.count(Counter::ClientErrorsLimited);
                return Handled::Nothing;
            }
            // What is wrong with a query costs its sender as much as what is right.
            Admission::Answered if !self.may_ask(client, clock.now) => {
                self.count(Counter::ClientErrorsLimited);
                return Handled::Nothing;
            }
            Admission::Answered => return self.replied(Counter::ClientRefused),
        };
        if !query.cookie.is_known() && !self.may_ask(client, clock.now) {
            self.slow_down(&query, reply);
            return self.replied(Counter::ClientRateLimited);
        }
        if self.finished(&query, clock.now, reply) {
            return self.replied(Counter::ClientCached);
        }
        if let Some(answer) = self.rules.local.answer(query.request.name, query.request.rtype) {
            finish::own(&query, &self.order.of(&answer), reply);
            return self.replied(Counter::ClientLocal);
        }
        if self.gets_a_word(query.request.rtype) {
            finish::answer(&query, &any::minimal(query.request.name), None, reply);
            return self.replied(Counter::ClientLocal);
        }
        let question = query.request.question();
        let lack = match self.known(&query, &question, clock.now, reply) {
            Ok(outcome) => return self.replied(outcome),
            Err(lack) => lack,
        };
        if !query.request.head.rd {
            finish::not_recursive(&query, reply);
            return self.replied(Counter::ClientRefused);
        }
        let most = self.rules.waiting_per_client;
        let most = if query.is_certain() { most.saturating_mul(CERTAIN) } else { most };
        let Some(slot) = self.rules.waiting.take(client.address, most) else {
            self.count(Counter::ClientWaitingFull);
            let ede = Ede::new(EdeCode::OTHER, "too many queries are waiting");
            finish::error(&query, OptRcode::SERVFAIL, Some(&ede), reply);
            return self.replied(Counter::ClientServfail);
        };
        let Query { request: ClientQuery { head, .. }, cookie, .. } = query;
        let since = clock.now;
        Handled::Miss(Box::new(Miss { question, lack, head, client, cookie, since, slot }))
    }

    /// What the clock shows: to be read once for all that came together.
    #[must_use]
    pub fn clock(&self) -> ClockReading {
        self.worker.shared().clock.read()
    }

    /// Takes note of a packet that nobody had the time to look at.
    pub(crate) fn shed(&self) {
        self.count(Counter::ClientQueries);
        self.count(Counter::ClientShed);
    }

    /// Takes note of a packet that comes from where no client is.
    pub(crate) fn ignored(&self) {
        self.count(Counter::ClientQueries);
        self.count(Counter::ClientDropped);
    }

    /// Takes a miss through recursion. `None` if the answer came so late that it is not sent.
    pub async fn recurse(&self, miss: Miss, trace: Option<Arc<Trace>>) -> Option<Vec<u8>> {
        let asker = Some(stands_for(miss.client.address));
        let (question, lack) = (&miss.question, miss.lack);
        let resolution = self.worker.resolve_for(asker, question, miss.head.cd, lack, trace).await;
        let (query, now) = (miss.query(), self.worker.shared().now());
        let late = now.since(miss.since) > LATE && miss.slot.of_client() > LATE_MANY;
        if late && !query.is_certain() && !self.rules.rates.has_no_limit(miss.client.address) {
            self.count(Counter::ClientLate);
            return None;
        }
        let mut reply = Vec::new();
        match resolution {
            Ok(answer) => {
                let (outcome, ede) = match answer.stale {
                    true => (Counter::ClientStale, Some(finish::why_stale(&answer))),
                    false => {
                        let ede = self.worker.why_unsigned(question, answer.security);
                        (Counter::ClientRecursed, ede)
                    }
                };
                self.count(outcome);
                finish::answer(&query, &self.order.of(&answer), ede.as_ref(), &mut reply);
            }
            Err(unresolved) => {
                self.count(Counter::ClientServfail);
                finish::error(&query, OptRcode::SERVFAIL, Some(&unresolved.ede), &mut reply);
            }
        }
        Some(reply)
    }

    /// All stages: the reply to a packet, if there is to be one.
    pub async fn answer(&self, packet: &[u8], client: Client) -> Option<Vec<u8>> {
        let mut reply = Vec::new();
        match self.handle(packet, client, self.clock(), &mut reply) {
            Handled::Reply => Some(reply),
            Handled::Nothing => None,
            Handled::Miss(miss) => self.recurse(*miss, None).await,
        }
    }

    /// Answers a question that came by no packet: local data first, then cache and recursion.
    ///
    /// # Errors
    /// The question could not be answered, or not in time.
    pub async fn look_up(&self, question: &Question, trace: Option<Arc<Trace>>) -> Resolution {
        if let Some((_, text)) = admit::invalid_type(question.rtype) {
            let failed = Unresolved::new(Cause::Unusable, format!("{} {text}", question.rtype));
            return Err(failed.with_code(EdeCode::INVALID_QUERY_TYPE));
        }
        match self.own_answer(question.name.for_slice(), question.rtype) {
            Some(answer) => Ok(Arc::new(answer)),
            None => self.worker.resolve(question, trace).await,
        }
    }

    /// What it treats clients by.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The worker that resolves.
    #[must_use]
    pub fn worker(&self) -> &Arc<Worker<N>> {
        &self.worker
    }

    /// Whether a client that has not shown a cookie asks no faster than it may.
    fn may_ask(&self, client: Client, now: Moment) -> bool {
        client.is_certain() || self.rules.rates.allow(client.address, now)
    }

    /// Tells one who asks too fast how to go on: with the cookie that it gets along (RFC 7873
    /// section 5.2.3), or over TCP.
    fn slow_down(&self, query: &Query<'_>, reply: &mut Vec<u8>) {
        match query.cookie {
            Cookie::Absent => finish::come_over_tcp(query, reply),
            _ => finish::error(query, OptRcode::BADCOOKIE, None, reply),
        }
    }

    /// What is answered without asking anyone.
    fn own_answer(&self, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        let local = self.rules.local.answer(name, rtype);
        local.or_else(|| self.gets_a_word(rtype).then(|| any::minimal(name)))
    }

    /// Whether a question of this type is answered by a word instead of records (RFC 8482).
    fn gets_a_word(&self, rtype: Rtype) -> bool {
        rtype == Rtype::ANY && self.rules.any == Any::Minimal
    }

    /// Counts how a query ended, and says that its reply is written.
    fn replied(&self, outcome: Counter) -> Handled {
        self.count(outcome);
        Handled::Reply
    }

    /// Counts something that happened on the way of a client to here.
    pub(crate) fn count(&self, counter: Counter) {
        self.worker.counters().count(counter);
    }
}
