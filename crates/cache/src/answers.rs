//! Finished answers: whole messages, in which only ID, spelling, flags and TTLs differ between
//! clients.

use bytes::BufMut;
use zoners_dns::{Checking, Moment, NameSlice, Rtype, Security, packet};

use crate::Cache;
use crate::codec::ValueReader;
use crate::key::{CacheKey, with_answer_key};

/// The key of a finished answer, beside the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    /// QTYPE.
    pub rtype: Rtype,
    /// DO: the answer has DNSSEC records.
    pub dnssec_ok: bool,
    /// CO beside DO: the RCODE of a compact denial is NXDOMAIN (RFC 9824 section 5.1).
    pub compact_ok: bool,
    /// CD: whether the answer is validated.
    pub checking: Checking,
    /// The group of clients whose policy shaped the answer; 0 as long as there is one group.
    pub group: u8,
}

/// A finished answer, borrowed from the cache.
#[derive(Clone, Copy, Debug)]
pub struct FinishedAnswer<'a> {
    /// The message with ID 0, the name in the spelling of the first query, and no OPT.
    pub message: &'a [u8],
    /// Seconds since the message was made.
    pub age: u32,
    /// When the message was made.
    pub made: Moment,
    /// When it expires.
    pub expires: Moment,
    /// The least security status of the RRsets in the message.
    pub security: Security,
    offsets: &'a [u8],
}

impl FinishedAnswer<'_> {
    /// Whether less than a tenth of the TTL remains, so that a prefetch is due.
    #[must_use]
    pub fn expires_soon(&self, now: Moment) -> bool {
        let left = self.expires.as_millis().saturating_sub(now.as_millis());
        left.saturating_mul(9) <= now.as_millis().saturating_sub(self.made.as_millis())
    }

    /// Whether the message has two records or more, in any section.
    #[must_use]
    pub fn has_several_records(&self) -> bool {
        self.offsets.len() > 2
    }

    /// The offsets of the TTL fields.
    pub fn ttl_offsets(&self) -> impl Iterator<Item = u16> {
        self.offsets.as_chunks::<2>().0.iter().map(|at| u16::from_be_bytes(*at))
    }
}

impl Cache {
    /// Calls `read` with the finished answer for `name`, if the answer was made under this
    /// `generation` of the configuration.
    pub fn answer<R>(
        &self,
        name: &NameSlice,
        key: AnswerKey,
        generation: u32,
        now: Moment,
        read: impl FnOnce(FinishedAnswer<'_>) -> R,
    ) -> Option<R> {
        let read = |value: &[u8], expires| {
            let mut value = ValueReader(value);
            if value.u32()? != generation {
                return None;
            }
            let made = Moment::from_millis(value.u64()?);
            let security = Security::from_octet(value.u8()?);
            let count = usize::from(value.u16()?);
            let (offsets, message) = value.0.split_at_checked(count * 2)?;
            let age = made.seconds_until(now);
            Some(read(FinishedAnswer { message, age, made, expires, security, offsets }))
        };
        let fields = (key.flags(), key.group);
        with_answer_key(name, key.rtype, fields, |key| self.table.get(key, now, read))
    }

    /// Claims the refresh of an answer before its expiry. False if the refresh is claimed already.
    #[must_use]
    pub fn claim_refresh(&self, name: &NameSlice, key: AnswerKey) -> bool {
        with_answer_key(name, key.rtype, (key.flags(), key.group), |key| self.table.claim(key))
    }

    /// Caches a finished answer for `ttl` seconds, the least TTL of its records. False if the
    /// message is too large or truncated.
    #[expect(clippy::too_many_arguments, reason = "each is another fact of the answer")]
    pub fn insert_answer(
        &self,
        name: &NameSlice,
        key: AnswerKey,
        generation: u32,
        message: &[u8],
        security: Security,
        ttl: u32,
        now: Moment,
    ) -> bool {
        let Some(offsets) = packet::ttl_offsets(message) else { return false };
        if ttl == 0 {
            return true;
        }
        let mut value = Vec::with_capacity(message.len() + offsets.len() * 2 + 15);
        value.put_u32(generation);
        value.put_u64(now.as_millis());
        value.put_u8(security.to_octet());
        value.put_u16(offsets.len() as u16);
        offsets.iter().for_each(|at| value.put_u16(*at));
        value.put_slice(message);
        let key = CacheKey::of_answer(name, key.rtype, key.flags(), key.group);
        self.table.insert(&key, &value, now.after_seconds(ttl), now)
    }
}

/// The security status in a cached value, as an octet.
pub(crate) fn status(value: &[u8]) -> Option<u8> {
    // After the generation (4 octets) and the time of making (8 octets).
    value.get(12).copied()
}

impl AnswerKey {
    fn flags(self) -> u8 {
        u8::from(self.dnssec_ok)
            | u8::from(self.checking.is_disabled()) << 1
            | u8::from(self.compact_ok) << 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    use zoners_dns::compose::{Response, compose};
    use zoners_dns::{Question, RRset, Records, name};

    #[test]
    fn answers_of_another_generation_or_kind_are_not_read() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let question = Question::new(name::parse("a.test").unwrap(), Rtype::A);
        let set =
            RRset::new(question.name.clone(), Rtype::A, 60, Records::from_iter([[192, 0, 2, 1]]));
        let message = compose(&Response::plain(&question, &[set]));
        let key = AnswerKey {
            rtype: Rtype::A,
            dnssec_ok: false,
            compact_ok: false,
            checking: Checking::Enabled,
            group: 0,
        };
        let name = question.name.for_slice();
        let now = Moment::from_millis(0);
        assert!(cache.insert_answer(name, key, 1, &message, Security::Secure, 60, now));
        let later = now.after_seconds(25);
        let read = |key, generation, at| {
            cache.answer(name, key, generation, at, |answer| {
                (answer.message.to_vec(), answer.age, answer.security, answer.ttl_offsets().count())
            })
        };
        assert_eq!(read(key, 1, later), Some((message.clone(), 25, Security::Secure, 1)));
        assert_eq!(read(key, 2, later), None);
        assert_eq!(read(AnswerKey { dnssec_ok: true, ..key }, 1, later), None);
        assert_eq!(read(AnswerKey { checking: Checking::Disabled, ..key }, 1, later), None);
        assert_eq!(read(AnswerKey { compact_ok: true, ..key }, 1, later), None);
        assert_eq!(read(AnswerKey { group: 1, ..key }, 1, later), None);
        assert_eq!(read(key, 1, now.after_seconds(60)), None);
        let soon = |at: u32| {
            let at = now.after_seconds(at);
            cache.answer(name, key, 1, at, |answer| answer.expires_soon(at))
        };
        assert_eq!((soon(53), soon(54), soon(59)), (Some(false), Some(true), Some(true)));
        assert!(cache.claim_refresh(name, key) && !cache.claim_refresh(name, key), "once");
        assert!(cache.insert_answer(name, key, 1, &message, Security::Secure, 60, now));
        assert!(cache.claim_refresh(name, key), "and once for each that is made");
    }
}
