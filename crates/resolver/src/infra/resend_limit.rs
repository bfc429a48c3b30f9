//! Limits repetition: how often a query without a useful reply may be sent again within a second.
//!
//! Each query has a new port and ID, and each query triggered by an attacker for one question is a
//! further chance to forge the reply. Clients that give up one by one would cause the same query as
//! often, so the query waits for a permit. A query with a useful reply is repeated
//! only for good reason, and is not recorded here.

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use zoners_dns::{Endpoint, Question};

use crate::model::asking::UpstreamQuery;

/// This many queries …
const MOST_QUERIES: usize = 4;
/// … for one question to one server within this time: a second, plus the resolution of timers.
const SPAN: Duration = Duration::from_millis(1001);
/// Recorded queries; beyond the limit the oldest is forgotten.
const MOST: usize = 8192;

/// A question to a server, over UDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryKey {
    pub(crate) server: SocketAddr,
    pub(crate) question: Question,
    pub(crate) recursion_desired: bool,
}

impl QueryKey {
    pub(crate) fn of(query: &UpstreamQuery, server: Endpoint) -> Self {
        let UpstreamQuery { question, recursion_desired, .. } = query;
        QueryKey {
            server: server.address,
            question: question.clone(),
            recursion_desired: *recursion_desired,
        }
    }
}

impl Hash for QueryKey {
    /// Ports and the RD flag rarely differ for one host, so neither is hashed.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.question.hash(state);
        self.server.ip().hash(state);
    }
}

/// Queries without a useful reply in the last second.
#[derive(Debug, Default)]
pub(crate) struct ResendLimit {
    /// The number of records: with none, no sender takes the lock.
    count: AtomicUsize,
    sent: Mutex<FailedQuery>,
}

#[derive(Debug, Default)]
struct FailedQuery {
    /// The queries of each question, in the order of sending.
    queries: HashMap<QueryKey, VecDeque<Instant>>,
    /// The queries in the order of their ends.
    ended: VecDeque<(Instant, QueryKey)>,
}

impl ResendLimit {
    /// Records the failure of a query sent at `sent`; true if an older record was forgotten.
    pub(crate) fn failed(&self, key: QueryKey, sent: Instant, now: Instant) -> bool {
        // Older queries do not count any more.
        if now.duration_since(sent) >= SPAN {
            return false;
        }
        let mut all = self.sent.lock();
        all.forget_old(now);
        let full = all.ended.len() >= MOST;
        if full {
            all.forget_oldest();
        }
        let queries = all.queries.entry(key.clone()).or_default();
        let at = queries.partition_point(|other| *other <= sent);
        queries.insert(at, sent);
        all.ended.push_back((now, key));
        self.count.store(all.ended.len(), Ordering::Relaxed);
        full
    }

    /// The moment when the query may be sent, if not at once.
    pub(crate) fn free_at(&self, key: impl FnOnce() -> QueryKey, now: Instant) -> Option<Instant> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut all = self.sent.lock();
        all.forget_old(now);
        self.count.store(all.ended.len(), Ordering::Relaxed);
        let queries = all.queries.get(&key())?;
        let before = queries.len().checked_sub(MOST_QUERIES)?;
        let free = *queries.get(before)? + SPAN;
        (free > now).then_some(free)
    }
}

impl FailedQuery {
    fn forget_old(&mut self, now: Instant) {
        while self.ended.front().is_some_and(|(ended, _)| now.duration_since(*ended) >= SPAN) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, key)) = self.ended.pop_front() else { return };
        if let Some(queries) = self.queries.get_mut(&key) {
            queries.pop_front();
            if queries.is_empty() {
                self.queries.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{Rtype, name};

    fn key(number: usize) -> QueryKey {
        let name = name::parse(&format!("n{number}.test")).unwrap();
        let question = Question::new(name, Rtype::A);
        QueryKey { server: ([192, 0, 2, 1], 53).into(), question, recursion_desired: false }
    }

    #[tokio::test(start_paused = true)]
    async fn the_fifth_query_waits_until_the_first_is_a_second_old() {
        let (repeats, begun) = (ResendLimit::default(), Instant::now());
        let at = |millis| begun + Duration::from_millis(millis);
        for sent in [0, 100, 200] {
            repeats.failed(key(1), at(sent), at(sent + 20));
        }
        assert_eq!(repeats.free_at(|| key(1), at(300)), None);
        repeats.failed(key(1), at(300), at(320));
        assert_eq!(repeats.free_at(|| key(1), at(400)), Some(begun + SPAN));
        assert_eq!(repeats.free_at(|| key(2), at(400)), None);
        assert_eq!(repeats.free_at(|| key(1), begun + SPAN), None);
        repeats.failed(key(1), at(1001), at(1002));
        assert_eq!(repeats.free_at(|| key(1), at(1003)), Some(at(100) + SPAN));
        assert_eq!(repeats.free_at(|| key(1), at(3000)), None);
        assert!(repeats.sent.lock().queries.is_empty() && repeats.sent.lock().ended.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn failed_queries_are_bounded_and_the_oldest_is_evicted() {
        let (repeats, now) = (ResendLimit::default(), Instant::now());
        assert!((0..MOST).all(|number| !repeats.failed(key(number), now, now)));
        assert!(repeats.failed(key(MOST), now, now));
        assert_eq!(repeats.sent.lock().queries.len(), MOST);
        assert!(!repeats.sent.lock().queries.contains_key(&key(0)));
    }
}
