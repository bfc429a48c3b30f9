//! Finished answers under a policy: each has a trailer behind the message, which says whether the policy decided and has
//! the EDE of the decision. So a blocked answer costs as much as a hit.
//!
//! Without a policy there are no trailers, and the packet path of [`finished`](super::finished) knows nothing of them.
//! The two never meet, since a change of the policy gives the rules a new number.

use zoners_api::QueryOutcome;
use zoners_dns::{Ede, EdeCode, Moment, Network, Security};
use zoners_resolver::Answer;

use super::group::ClientGroup;
use super::policy_reason::PolicyReason;
use super::query::Query;
use super::{Service, finish};

/// The trailer of an answer on which the policy did not decide. No EDE has so long a text.
const PLAIN: u8 = 0xFF;

/// Adds the trailer of an answer on which the policy did not decide.
pub(super) fn add_plain_trailer(message: &mut Vec<u8>) {
    message.push(PLAIN);
}

/// Removes the trailer of [`add_plain_trailer`].
pub(super) fn cut_plain_trailer(message: &mut Vec<u8>) {
    message.pop();
}

/// Set in the code of an EDE, if the TTLs of the answer count down: records of servers are part of the answer.
const COUNTS_DOWN: u16 = 1 << 15;
/// In place of a number, if no list has decided.
const NO_LIST: u16 = u16::MAX;

/// Adds the trailer of a decision: the number of the list, the code of the EDE, the text and the octets of the text.
fn add_trailer(message: &mut Vec<u8>, reason: Option<&PolicyReason>, counts_down: bool) {
    let (code, text) = reason.map_or((0, ""), |reason| (reason.ede.code.0, &*reason.ede.text));
    let code = if counts_down { code | COUNTS_DOWN } else { code };
    let list = reason.and_then(|reason| reason.list).unwrap_or(NO_LIST);
    message.extend(list.to_be_bytes());
    message.extend(code.to_be_bytes());
    message.extend(text.as_bytes());
    message.push(text.len().min(Ede::MAX_TEXT) as u8);
}

/// The message, the reason if the policy decided, and whether TTLs count down.
fn split_trailer(octets: &[u8]) -> Option<(&[u8], Option<PolicyReason>, bool)> {
    let (length, rest) = octets.split_last()?;
    if *length == PLAIN {
        return Some((rest, None, true));
    }
    let (rest, text) = rest.split_at_checked(rest.len().checked_sub(usize::from(*length))?)?;
    let (message, [l0, l1, c0, c1]) = rest.split_last_chunk::<4>()?;
    let (list, code) = (u16::from_be_bytes([*l0, *l1]), u16::from_be_bytes([*c0, *c1]));
    let ede = Ede::new(EdeCode(code & !COUNTS_DOWN), String::from_utf8_lossy(text));
    let reason = PolicyReason { ede, list: Some(list).filter(|list| *list != NO_LIST) };
    Some((message, Some(reason), code & COUNTS_DOWN != 0))
}

impl<N: Network> Service<N> {
    /// Writes the finished answer for a group of clients under a policy, if there is one; returns the outcome.
    pub(super) fn finished_in_group(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> Option<QueryOutcome> {
        let cache = &self.worker.shared().cache;
        let (name, key) = (query.request.name, query.answer_key(group));
        let hit = cache.answer(name, key, self.rules.generation, now, |found| {
            let (message, reason, counts_down) = split_trailer(found.message)?;
            reply.clear();
            reply.extend_from_slice(finish::within_limit(query, message));
            if found.has_several_records() {
                self.order.rotate(reply, found.ttl_offsets());
            }
            let age = if counts_down { found.age } else { 0 };
            let told = reason.as_ref().map(|reason| self.in_form_of_client(query, &reason.ede));
            finish::deliver(
                query,
                reply,
                found.security,
                told.as_deref(),
                age,
                found.ttl_offsets(),
            );
            Some((reason.map(|reason| reason.list), found.expires_soon(now)))
        });
        let (decided, expires_soon) = hit.flatten()?;
        if let Some(list) = decided {
            if let (Some(policy), Some(list)) = (&self.rules.policy, list) {
                policy.count_reply(list);
            }
            // A blocked name is not asked for.
            return Some(QueryOutcome::Policy);
        }
        if expires_soon && cache.claim_refresh(name, key) {
            self.prefetch(query, key, now);
        }
        Some(QueryOutcome::Cached)
    }

    /// Keeps the answer of a decision as finished for `seconds`.
    pub(super) fn keep_decided(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        answer: &Answer,
        reason: Option<&PolicyReason>,
        seconds: u32,
        now: Moment,
    ) {
        self.keep_with_trailer(query, group, answer, reason, (seconds, false), now);
    }

    /// Keeps the answer of a redirect as finished until a record expires.
    pub(super) fn keep_redirected(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        answer: &Answer,
        reason: Option<&PolicyReason>,
        now: Moment,
    ) {
        self.keep_with_trailer(query, group, answer, reason, (answer.ttl(), true), now);
    }

    fn keep_with_trailer(
        &self,
        query: &Query<'_>,
        group: ClientGroup,
        answer: &Answer,
        reason: Option<&PolicyReason>,
        (seconds, counts_down): (u32, bool),
        now: Moment,
    ) {
        let mut message = finish::message(query, answer);
        add_trailer(&mut message, reason, counts_down);
        let (cache, key) = (&self.worker.shared().cache, query.answer_key(group));
        let (name, generation) = (query.request.name, self.rules.generation);
        cache.insert_answer(name, key, generation, &message, Security::Unchecked, seconds, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_are_read_as_written() {
        let mut plain = b"message".to_vec();
        add_plain_trailer(&mut plain);
        assert_eq!(split_trailer(&plain), Some((&b"message"[..], None, true)));
        cut_plain_trailer(&mut plain);
        assert_eq!(plain, b"message");
        let longest = "x".repeat(Ede::MAX_TEXT);
        for (text, list) in [("", None), ("list ads, line 7", Some(3)), (&*longest, Some(0))] {
            let reason = PolicyReason { ede: Ede::new(EdeCode::BLOCKED, text), list };
            let (mut message, counts_down) = (b"message".to_vec(), text.is_empty());
            add_trailer(&mut message, Some(&reason), counts_down);
            assert_eq!(split_trailer(&message), Some((&b"message"[..], Some(reason), counts_down)));
        }
        assert_eq!(split_trailer(&[]), None);
        assert_eq!(split_trailer(&[1, 2, 160]), None);
    }
}
