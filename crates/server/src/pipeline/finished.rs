//! The cache stage: finished answers, and those that can be put together from what is known.

use zoners_cache::{AnswerKey, FinishedAnswer};
use zoners_dns::packet::ttl_offsets;
use zoners_dns::{Counter, Ede, EdeCode, Moment, Network, OptRcode, Question, Rtype};
use zoners_resolver::{Answer, Lack};

use super::{Query, Service, finish};

/// What programs ask for together.
const TOGETHER: [Rtype; 3] = [Rtype::A, Rtype::AAAA, Rtype::HTTPS];

impl<N: Network> Service<N> {
    /// Writes the finished answer, if there is one. Allocates nothing, unless it expires soon.
    pub(super) fn finished(&self, query: &Query<'_>, now: Moment, reply: &mut Vec<u8>) -> bool {
        let cache = &self.worker.shared().cache;
        let (name, key) = (query.request.name, answer_key(query));
        let hit = cache.answer(name, key, self.rules.generation, now, |found| {
            reply.clear();
            reply.extend_from_slice(finish::enough(query, found.message));
            if found.has_several_records() {
                self.order.rotate(reply, found.ttl_offsets());
            }
            finish::deliver(query, reply, found.security, None, found.age, found.ttl_offsets());
            found.expires_soon(now)
        });
        if hit == Some(true) && cache.claim_answer(name, key) {
            self.prefetch(query, now);
        }
        hit.is_some()
    }

    /// Has the answer, which is popular and expires soon, asked for anew, together with what is asked
    /// for with it and expires before it will be looked after again.
    #[cold]
    fn prefetch(&self, query: &Query<'_>, now: Moment) {
        let (cache, asked) = (&self.worker.shared().cache, query.request.question());
        let (own, cd) = (answer_key(query), query.request.head.cd);
        let times = |found: FinishedAnswer<'_>| (found.made, found.expires);
        let times = |key| cache.answer(query.request.name, key, self.rules.generation, now, times);
        let Some((made, expires)) = times(own) else { return };
        self.worker.refresh(&asked, cd, made, expires);
        if !TOGETHER.contains(&own.rtype) {
            return;
        }
        let again = now.after(expires.since(made));
        for rtype in TOGETHER.into_iter().filter(|rtype| *rtype != own.rtype) {
            let key = AnswerKey { rtype, ..own };
            if let Some((made, expires)) = times(key)
                && expires <= again
                && cache.claim_answer(query.request.name, key)
            {
                let question = Question { rtype, ..asked.clone() };
                self.worker.refresh(&question, cd, made, expires);
            }
        }
    }

    /// Writes what can be said from what is known: an answer of several RRsets, or a failure that
    /// is remembered, or what was known before that; says how the query is counted.
    ///
    /// # Errors
    /// Nothing is written, since the cache lacks some of the answer.
    pub(super) fn known(
        &self,
        query: &Query<'_>,
        asked: &Question,
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> Result<Counter, Lack> {
        let head = &query.request.head;
        let lack = match self.worker.cached(asked, head.cd, now) {
            Ok(answer) => {
                self.put_together(query, asked, &answer, now, reply);
                return Ok(Counter::ClientCached);
            }
            Err(lack) => lack,
        };
        if !head.cd
            && let Some(answer) = self.worker.synthesised(asked, now)
        {
            self.count(Counter::ClientSynthesised);
            finish::answer(query, &self.order.of(&answer), None, reply);
            return Ok(Counter::ClientCached);
        }
        let failure = self.worker.failed(asked, head.cd, now).ok_or(lack)?;
        if let Some(stale) = self.worker.stale(asked, head.cd, now) {
            let stale = self.order.of(&stale);
            finish::answer(query, &stale, Some(&finish::why_stale(&stale)), reply);
            return Ok(Counter::ClientStale);
        }
        let text = format!("failed before: {}", failure.ede);
        let ede = Ede::new(EdeCode::CACHED_ERROR, text);
        finish::error(query, OptRcode::SERVFAIL, Some(&ede), reply);
        Ok(Counter::ClientCached)
    }

    /// Writes an answer of several RRsets.
    ///
    /// It is kept as finished when it is asked for the second time: until then its RRsets alone hold
    /// it, so that what is asked once is not stored twice.
    fn put_together(
        &self,
        query: &Query<'_>,
        asked: &Question,
        answer: &Answer,
        now: Moment,
        reply: &mut Vec<u8>,
    ) {
        self.worker.is_wanted(asked);
        *reply = finish::message(query, &self.order.of(answer));
        let (cache, generation) = (&self.worker.shared().cache, self.rules.generation);
        let (name, key) = (query.request.name, answer_key(query));
        let (security, ttl) = (answer.security, answer.ttl());
        let ede = self.worker.why_unsigned(asked, security);
        // Where there is more to say than a message can keep, it is put together each time.
        if ede.is_none() {
            cache.insert_answer(name, key, generation, reply, security, ttl, now);
        }
        let ttls = ttl_offsets(reply).unwrap_or_default().into_iter();
        finish::deliver(query, reply, security, ede.as_ref(), 0, ttls);
    }
}

fn answer_key(query: &Query<'_>) -> AnswerKey {
    let head = &query.request.head;
    AnswerKey {
        rtype: query.request.rtype,
        dnssec_ok: head.dnssec_ok(),
        compact_ok: head.compact_ok(),
        checking_disabled: head.cd,
        group: 0,
    }
}
