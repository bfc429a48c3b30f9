//! The cache stage: finished answers, and those that can be put together from what is known.

use zoners_cache::AnswerKey;
use zoners_dns::packet::ttl_offsets;
use zoners_dns::{Ede, EdeCode, Network, OptRcode};

use super::{Query, Service, finish};

impl<N: Network> Service<N> {
    /// The reply out of the cache.
    ///
    /// An answer is kept as finished when it is asked for the second time: until then its RRsets
    /// alone hold it, so that what is asked once is not stored twice.
    pub(super) fn finished(&self, query: &Query) -> Option<Vec<u8>> {
        let request = &query.request;
        let (shared, question) = (self.worker.shared(), &request.question);
        let (cache, now) = (&shared.cache, shared.now());
        let key =
            AnswerKey { dnssec_ok: request.dnssec_ok(), checking_disabled: request.cd, group: 0 };
        let hit = cache.answer(question, key, self.generation, now, |found| {
            let message = found.message.to_vec();
            finish::deliver(query, message, found.security, found.age, found.ttl_offsets())
        });
        if hit.is_some() {
            return hit;
        }
        if let Some(answer) = self.worker.cached(question) {
            let message = finish::message(query, &answer);
            let (security, ttl) = (answer.security, answer.ttl());
            cache.insert_answer(question, key, self.generation, &message, security, ttl, now);
            let ttls = ttl_offsets(&message)?.into_iter();
            return Some(finish::deliver(query, message, security, 0, ttls));
        }
        cache.failure(question, now).map(|failure| {
            let text = format!("failed before: {}", failure.ede);
            let ede = Ede::new(EdeCode::CACHED_ERROR, text);
            finish::error(query, OptRcode::SERVFAIL, Some(&ede))
        })
    }
}
