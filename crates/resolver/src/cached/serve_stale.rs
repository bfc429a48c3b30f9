//! Answers that have expired, for when there is no better (RFC 8767).
//!
//! A question is always worked on. Only who asked is not kept waiting: when nobody has answered in
//! time, or the attempt failed, it gets what was known last, and the work goes on behind it. What
//! was never proven, where it must be, or turned out to be bogus is not given.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zoners_cache::CachedFailure;
use zoners_dns::{Endpoint, Moment, Network, Question, RRset, Security};

use crate::cached::lookup::follow;
use crate::env::worker::{Resolution, Worker};
use crate::model::answer::{Answer, Unresolved};

/// The TTL of what has expired (RFC 8767 section 4).
const TTL: u32 = 30;
/// So long is waited for servers that are known to fail …
const FAILING: Duration = Duration::from_millis(400);
/// … and so long for others (RFC 8767 section 5).
const PATIENCE: Duration = Duration::from_millis(1800);

impl<N: Network> Worker<N> {
    /// What was known last of a question, if it did not expire too long ago and is proven or need not
    /// be.
    #[must_use]
    pub fn stale(
        &self,
        question: &Question,
        checking_disabled: bool,
        now: Moment,
    ) -> Option<Answer> {
        let (cache, limits) = (&self.shared().cache, &self.settings().limits);
        let since = cache.stale_read_time(now);
        let bogus = |failure: CachedFailure| self.is_bogus(failure.ede.code);
        if since == now || self.failed(question, checking_disabled, now).is_some_and(bogus) {
            return None;
        }
        let last = |name: &_| self.sought(name, question.rtype).last_known(cache, since);
        let answer = follow(question, limits, last).ok();
        // A name that proofs of others answered for has nothing of its own.
        let proven = || self.synthesised(question, since).filter(|_| !checking_disabled);
        let mut answer = answer.or_else(proven)?;
        if !self.may_be_given(question, answer.security, checking_disabled) {
            return None;
        }
        let shown = |set: &mut RRset| set.ttl = TTL;
        answer.answer.iter_mut().chain(&mut answer.authority).for_each(shown);
        // Its signatures may be out of date by now.
        answer.security = answer.security.min(Security::Insecure);
        Some(Answer { stale: true, ..answer })
    }

    /// Waits for an answer as long as a client does, and no longer than it must where there is a
    /// stale one.
    pub(crate) async fn in_time_or_stale(
        &self,
        question: &Question,
        checking_disabled: bool,
        resolution: impl Future<Output = Resolution>,
    ) -> Resolution {
        let shared = self.shared();
        let stale = || self.stale(question, checking_disabled, shared.now()).map(Arc::new);
        let (mut resolution, asked) = (pin!(resolution), shared.now());
        // Begun in any case: the first reply tells that the line is back.
        let down = self.is_line_down_for(question) || self.is_closed_for(question);
        let client = self.settings().limits.client;
        let at_first = if down { Duration::ZERO } else { FAILING.min(client) };
        let ended = match timeout(at_first, &mut resolution).await {
            Ok(ended) => ended,
            Err(_) => match stale() {
                None => self.in_time(question, at_first, resolution).await,
                Some(stale) if down || self.is_failing(question, asked) => return Ok(stale),
                Some(stale) => {
                    let rest = PATIENCE.min(client).saturating_sub(at_first);
                    timeout(rest, resolution).await.unwrap_or(Ok(stale))
                }
            },
        };
        match ended {
            Err(unresolved) if !self.is_bogus(unresolved.ede.code) => stale().ok_or(unresolved),
            ended => ended,
        }
    }

    /// Waits for an answer as long as a client does, of which so much has `passed`.
    pub(crate) async fn in_time(
        &self,
        question: &Question,
        passed: Duration,
        resolution: impl Future<Output = Resolution>,
    ) -> Resolution {
        let left = self.settings().limits.client.saturating_sub(passed);
        let resolution = timeout(left, resolution).await;
        let late = || self.name_obstacle(question, Unresolved::deadline(question));
        resolution.unwrap_or_else(|_| Err(late()))
    }

    /// Whether the question failed a short while ago, or every server that it would be asked of is
    /// in trouble; what has been missed `since` it was asked says nothing.
    fn is_failing(&self, question: &Question, since: Moment) -> bool {
        let (cache, now) = (&self.shared().cache, self.shared().now());
        if cache.has_failed(question, now) {
            return true;
        }
        // The zone's own servers, even if what its parent said of them has expired meanwhile.
        let name = question.answered_at();
        let cut = match self.settings().route(&name) {
            Some(route) => Some(route.clone()),
            None => cache.deepest_cut(&name, cache.stale_read_time(now)),
        };
        let Some(cut) = cut else { return false };
        let broken = self.shared().broken_paths();
        let addresses: Vec<SocketAddr> =
            cut.servers.iter().flat_map(|server| self.addresses_of(server).into_owned()).collect();
        let usable = |address: &&SocketAddr| {
            self.settings().may_ask(address.ip()) && !broken.has(address.ip())
        };
        let in_trouble = |address: &SocketAddr| {
            let endpoint = Endpoint { address: *address, transport: cut.transport };
            let server = cache.server(endpoint, now);
            server.trouble.is_some()
                || server.unanswered > 0 && server.waiting_since < since.as_millis()
        };
        !addresses.is_empty() && addresses.iter().filter(usable).all(in_trouble)
    }
}
