//! The stages of the cache: finished answers, and answers put together from cache entries.

use zoners_api::QueryOutcome;
use zoners_cache::{AnswerKey, FinishedAnswer};
use zoners_dns::packet::ttl_offsets;
use zoners_dns::{ClockReading, Counter, Ede, EdeCode, Moment, Network, OptRcode, Question, Rtype};
use zoners_resolver::{Answer, Lack};

use super::group::ClientGroup;
use super::query::Query;
use super::system_probes::offline_reason;
use super::{Handled, Service, decided, finish};

/// Types that programs ask for together.
const PAIRED_TYPES: [Rtype; 3] = [Rtype::A, Rtype::AAAA, Rtype::HTTPS];

impl<N: Network> Service<N> {
    /// Writes the finished answer, if there is one and no policy is in force. Allocates nothing, unless the answer
    /// expires soon.
    pub(super) fn finished(&self, query: &Query<'_>, now: Moment, reply: &mut Vec<u8>) -> bool {
        let cache = &self.worker.shared().cache;
        let (name, key) = (query.request.name, query.answer_key(ClientGroup::ALL));
        let hit = cache.answer(name, key, self.rules.generation, now, |found| {
            reply.clear();
            reply.extend_from_slice(finish::within_limit(query, found.message));
            if found.has_several_records() {
                self.order.rotate(reply, found.ttl_offsets());
            }
            finish::deliver(query, reply, found.security, None, found.age, found.ttl_offsets());
            found.expires_soon(now)
        });
        if hit == Some(true) && cache.claim_refresh(name, key) {
            self.prefetch(query, key, now);
        }
        hit.is_some()
    }

    /// Prefetches a popular answer close to expiry; and the answers of the types for which programs
    /// ask at the same time, if due before the next prefetch of the first answer.
    #[cold]
    pub(super) fn prefetch(&self, query: &Query<'_>, own: AnswerKey, now: Moment) {
        let (cache, asked) = (&self.worker.shared().cache, query.request.question());
        let checking = query.request.head.checking();
        let times = |found: FinishedAnswer<'_>| (found.made, found.expires);
        let times = |key| cache.answer(query.request.name, key, self.rules.generation, now, times);
        let Some((made, expires)) = times(own) else { return };
        self.worker.refresh(&asked, checking, made, expires);
        if !PAIRED_TYPES.contains(&own.rtype) {
            return;
        }
        let again = now.after(expires.since(made));
        for rtype in PAIRED_TYPES.into_iter().filter(|rtype| *rtype != own.rtype) {
            let key = AnswerKey { rtype, ..own };
            if let Some((made, expires)) = times(key)
                && expires <= again
                && cache.claim_refresh(query.request.name, key)
            {
                let question = Question { rtype, ..asked.clone() };
                self.worker.refresh(&question, checking, made, expires);
            }
        }
    }

    /// Writes a reply from the cache: an answer of several RRsets, a remembered failure, or an expired answer.
    ///
    /// # Errors
    /// No reply is written, since the cache lacks a part of the answer.
    pub(super) fn known(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        asked: &Question,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Result<Handled, Lack> {
        let now = clock.now;
        let checking = query.request.head.checking();
        let lack = match self.worker.cached(asked, checking, now) {
            Ok(answer) => {
                if let Some(decided) = self.judge_answer(query, group, asked, &answer, clock, reply)
                {
                    return Ok(decided);
                }
                self.put_together(query, group, asked, &answer, now, reply);
                return Ok(self.replied(QueryOutcome::Cached));
            }
            Err(lack) => lack,
        };
        if !checking.is_disabled()
            && let Some(answer) = self.worker.synthesised(asked, now)
        {
            if let Some(decided) = self.judge_answer(query, group, asked, &answer, clock, reply) {
                return Ok(decided);
            }
            self.count(Counter::ClientSynthesised);
            finish::answer(query, &self.shown(asked, &answer), None, reply);
            return Ok(self.replied(QueryOutcome::Cached));
        }
        let failure = self.worker.failed(asked, checking, now);
        // The resolver of the network may know better.
        let failure = failure.filter(|_| !self.is_in_window()).ok_or(lack)?;
        if let Some(stale) = self.worker.stale(asked, checking, now) {
            if let Some(decided) = self.judge_answer(query, group, asked, &stale, clock, reply) {
                return Ok(decided);
            }
            let stale = self.shown(asked, &stale);
            finish::answer(query, &stale, Some(&finish::why_stale(&stale)), reply);
            return Ok(self.replied(QueryOutcome::Stale));
        }
        if let Some(answer) = self.offline_answer(asked) {
            let ede = self.in_form_of_client(query, &offline_reason()).into_owned();
            finish::answer(query, &answer, Some(&ede), reply);
            return Ok(self.replied(QueryOutcome::Cached));
        }
        let text = format!("failed before: {}", failure.ede);
        let ede = Ede::new(EdeCode::CACHED_ERROR, text);
        finish::error(query, OptRcode::SERVFAIL, Some(&ede), reply);
        self.record_remembered(asked, query.client, clock);
        Ok(self.replied(QueryOutcome::Cached))
    }

    /// Writes an answer of several RRsets.
    ///
    /// An answer is kept as finished when it is asked for the second time: a single question does
    /// not store its answer twice.
    fn put_together(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        asked: &Question,
        answer: &Answer,
        now: Moment,
        reply: &mut Vec<u8>,
    ) {
        self.worker.mark_wanted(asked);
        *reply = finish::message(query, &self.shown(asked, answer));
        let (cache, generation) = (&self.worker.shared().cache, self.rules.generation);
        let (name, key) = (query.request.name, query.answer_key(group));
        let (security, ttl) = (answer.security, answer.ttl());
        let ede = self.worker.why_unsigned(asked, security);
        // A finished answer has no EDE: an answer with one is put together each time.
        if ede.is_none() {
            let is_governed = self.rules.policy.is_some();
            if is_governed {
                decided::add_plain_trailer(reply);
            }
            cache.insert_answer(name, key, generation, reply, security, ttl, now);
            if is_governed {
                decided::cut_plain_trailer(reply);
            }
        }
        let ttls = ttl_offsets(reply).unwrap_or_default().into_iter();
        finish::deliver(query, reply, security, ede.as_ref(), 0, ttls);
    }
}
