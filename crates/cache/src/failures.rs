//! Failures of resolution, cached so that a broken name is not resolved for every client query (RFC
//! 9520), and lame servers.

use std::time::Duration;

use bytes::BufMut;
use zoners_dns::{Ede, EdeCode, Endpoint, Moment, Name, Question};

use crate::Cache;
use crate::codec::ValueReader;
use crate::key::{CacheKey, EntryKind};

/// How long the first failure is cached (RFC 9520 section 3.2) …
const FIRST_FAILURE_TTL: Duration = Duration::from_secs(1);
/// … and the longest time. Each repetition doubles the time up to this limit.
const MAX_FAILURE_TTL: Duration = Duration::from_secs(60);
/// How long a lame server is not asked again for the zone.
const LAME_TTL: Duration = Duration::from_secs(300);

/// A cached failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedFailure {
    /// The reason of the failure.
    pub ede: Ede,
    /// When resolution may be tried again.
    pub until: Moment,
}

impl Cache {
    /// The failure of `question`, until resolution may be tried again.
    #[must_use]
    pub fn failure(&self, question: &Question, now: Moment) -> Option<CachedFailure> {
        let key = CacheKey::of_type(EntryKind::Failure, question.name.for_slice(), question.rtype);
        self.table.get(key.as_slice(), now, |value, _| {
            let mut value = ValueReader(value);
            let _span = value.u32()?;
            let until = Moment::from_millis(value.u64()?);
            let ede = Ede::new(EdeCode(value.u16()?), String::from_utf8_lossy(value.0));
            (now < until).then_some(CachedFailure { ede, until })
        })
    }

    /// Whether `question` failed recently, even if resolution may be tried again by now.
    #[must_use]
    pub fn has_failed(&self, question: &Question, now: Moment) -> bool {
        let key = CacheKey::of_type(EntryKind::Failure, question.name.for_slice(), question.rtype);
        self.table.get(key.as_slice(), now, |_, _| Some(())).is_some()
    }

    /// Caches a failure for 1 s, and for twice the time at each repetition, up to 60 s. If no
    /// server replied on any path (`silent`), the uplink may be down, and the failure is cached for
    /// 1 s only.
    pub fn insert_failure(&self, question: &Question, ede: &Ede, silent: bool, now: Moment) {
        let key = CacheKey::of_type(EntryKind::Failure, question.name.for_slice(), question.rtype);
        self.table.update(&key, now, |before| {
            let before = before.and_then(|value| ValueReader(value).u32());
            let span = match before {
                Some(span) if !silent => Duration::from_millis(span.into()).saturating_mul(2),
                _ => FIRST_FAILURE_TTL,
            }
            .min(MAX_FAILURE_TTL);
            let mut value = Vec::with_capacity(14 + ede.text.len());
            value.put_u32(span.as_millis() as u32);
            value.put_u64(now.after(span).as_millis());
            value.put_u16(ede.code.0);
            value.put_slice(ede.text.as_bytes());
            // The entry outlives the failure, so that the next failure finds the last duration.
            Some((value, now.after(span + MAX_FAILURE_TTL)))
        });
    }

    /// Removes the failure of `question`.
    pub fn remove_failure(&self, question: &Question) {
        self.table.remove(&CacheKey::of_type(
            EntryKind::Failure,
            question.name.for_slice(),
            question.rtype,
        ));
    }

    /// Whether the server is lame for the zone.
    #[must_use]
    pub fn is_lame(&self, zone: &Name, server: Endpoint, now: Moment) -> bool {
        let key = CacheKey::of_server_in(EntryKind::Lame, zone.for_slice(), server);
        self.table.get(key.as_slice(), now, |_, _| Some(())).is_some()
    }

    /// Records that the server is lame for the zone.
    pub fn insert_lame(&self, zone: &Name, server: Endpoint, now: Moment) {
        let key = CacheKey::of_server_in(EntryKind::Lame, zone.for_slice(), server);
        self.table.insert(&key, &[], now.after(LAME_TTL), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    use zoners_dns::{Rtype, name};

    #[test]
    fn a_failure_is_kept_longer_each_time_but_never_over_a_minute() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let question = Question::new(name::parse("broken.test").unwrap(), Rtype::A);
        let ede = Ede::new(EdeCode::NO_REACHABLE_AUTHORITY, "all lame");
        let mut now = Moment::from_millis(0);
        let mut spans = vec![];
        for _ in 0..8 {
            cache.insert_failure(&question, &ede, false, now);
            let failure = cache.failure(&question, now).unwrap();
            assert_eq!(failure.ede, ede);
            spans.push(failure.until.since(now).as_secs());
            now = failure.until;
            assert_eq!(cache.failure(&question, now), None);
        }
        assert_eq!(spans, [1, 2, 4, 8, 16, 32, 60, 60]);
        cache.insert_failure(&question, &ede, true, now);
        let silent = cache.failure(&question, now).unwrap();
        assert_eq!(silent.until.since(now), FIRST_FAILURE_TTL, "silence may be our own line");
        cache.insert_failure(&question, &ede, false, silent.until);
        cache.remove_failure(&question);
        cache.insert_failure(&question, &ede, false, silent.until);
        let anew = cache.failure(&question, silent.until).unwrap();
        assert_eq!(anew.until.since(silent.until), FIRST_FAILURE_TTL, "it had worked in between");
    }

    #[test]
    fn lameness_is_for_one_zone_and_ends() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let (zone, other) = (name::parse("a.test").unwrap(), name::parse("b.test").unwrap());
        let server = Endpoint::udp([192, 0, 2, 1].into());
        let now = Moment::from_millis(0);
        cache.insert_lame(&zone, server, now);
        assert!(cache.is_lame(&zone, server, now));
        assert!(!cache.is_lame(&other, server, now));
        assert!(!cache.is_lame(&zone, server, now.after(LAME_TTL)));
    }
}
