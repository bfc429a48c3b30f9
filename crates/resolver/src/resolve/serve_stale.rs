//! Serve-stale: expired answers, if no better answer can be had (RFC 8767).
//!
//! A question is always resolved. But the client does not wait: if no server replies in time, the
//! attempt fails, or the uplink is interrupted, the client gets the last known answer, and the work goes on. Bogus data, and data never
//! validated although required, is not given.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zoners_cache::CachedFailure;
use zoners_dns::{Checking, Endpoint, Moment, NameServer, Network, Question, RRset, Security};

use crate::ask::interception::{explain_by_obstacle, is_closed_for};
use crate::cached::aggressive_nsec::synthesised;
use crate::cached::lookup::{Lack, follow, known_failure, may_be_given, sought};
use crate::env::environment::Env;
use crate::model::answer::{Answer, Resolution, Unresolved};
use crate::resolve::dns64::{dns64_for, translation_of};
use crate::selection::addresses::addresses_of;
use crate::selection::question_uplinks::{is_uplink_down_for, is_uplink_interrupted_for};

/// The TTL of an expired answer (RFC 8767 section 4).
const TTL: u32 = 30;
/// The wait for servers known to fail …
const FAILING: Duration = Duration::from_millis(400);
/// … and for other servers (RFC 8767 section 5).
const PATIENCE: Duration = Duration::from_millis(1800);

/// The last known answer to a question, if it did not expire too long ago and is proven or need not
/// be. An address may be made of another answer.
#[must_use]
pub(crate) fn stale<N: Network>(
    env: &Env<N>,
    question: &Question,
    checking: Checking,
    now: Moment,
) -> Option<Answer> {
    let since = env.shared().cache.stale_read_time(now);
    match dns64_for(env.settings(), question, checking) {
        None => last_known(env, question, checking, since),
        Some(dns64) => {
            let known = |asked: &Question| last_known(env, asked, checking, since);
            translation_of(dns64, question, |asked| known(asked).ok_or(Lack::Everything)).ok()
        }
    }
}

/// The answer that was valid after `since`.
fn last_known<N: Network>(
    env: &Env<N>,
    question: &Question,
    checking: Checking,
    since: Moment,
) -> Option<Answer> {
    let (cache, limits, now) = (&env.shared().cache, &env.settings().limits, env.shared().now());
    let bogus = |failure: CachedFailure| env.is_bogus(failure.ede.code);
    if since == now || known_failure(env, question, checking, now).is_some_and(bogus) {
        return None;
    }
    let last = |name: &_| sought(env, name, question.rtype).last_known(cache, since);
    let answer = follow(question, limits, last).ok();
    // A name answered by aggressive NSEC has no entry of its own.
    let proven = || synthesised(env, question, since).filter(|_| !checking.is_disabled());
    let mut answer = answer.or_else(proven)?;
    if !may_be_given(env, question, answer.security, checking) {
        return None;
    }
    let shown = |set: &mut RRset| set.ttl = TTL;
    answer.answer.iter_mut().chain(&mut answer.authority).for_each(shown);
    // The signatures may be out of date by now.
    answer.security = answer.security.min(Security::Insecure);
    Some(Answer { stale: true, ..answer })
}

/// Waits for an answer as long as a client does, and no longer than necessary with a stale answer
/// at hand. The resolution is pinned by the caller: an argument of an async function is stored twice.
pub(crate) async fn in_time_or_stale<N: Network>(
    env: &Env<N>,
    question: &Question,
    checking: Checking,
    mut resolution: Pin<&mut impl Future<Output = Resolution>>,
) -> Resolution {
    let shared = env.shared();
    let stale = || stale(env, question, checking, shared.now()).map(Arc::new);
    let asked = shared.now();
    // The recursion starts in any case: the first reply shows that the uplink is back.
    let down = is_uplink_down_for(env, question)
        || is_closed_for(env, question)
        || is_uplink_interrupted_for(env, question);
    let client = env.settings().limits.client;
    let at_first = if down { Duration::ZERO } else { FAILING.min(client) };
    let ended = match timeout(at_first, resolution.as_mut()).await {
        Ok(ended) => ended,
        Err(_) => match stale() {
            None => in_time(env, question, at_first, resolution).await,
            Some(stale) if down || is_failing(env, question, asked) => return Ok(stale),
            Some(stale) if is_uplink_interrupted_for(env, question) => return Ok(stale),
            Some(stale) => {
                let rest = PATIENCE.min(client).saturating_sub(at_first);
                timeout(rest, resolution).await.unwrap_or(Ok(stale))
            }
        },
    };
    match ended {
        Err(unresolved) if !env.is_bogus(unresolved.ede.code) => stale().ok_or(unresolved),
        ended => ended,
    }
}

/// Waits for an answer as long as a client does, of which so much has `passed`.
pub(crate) async fn in_time<N: Network>(
    env: &Env<N>,
    question: &Question,
    passed: Duration,
    resolution: Pin<&mut impl Future<Output = Resolution>>,
) -> Resolution {
    let left = env.settings().limits.client.saturating_sub(passed);
    let resolution = timeout(left, resolution).await;
    let late = || explain_by_obstacle(env, question, Unresolved::deadline(question));
    resolution.unwrap_or_else(|_| Err(late()))
}

/// Whether the question failed a short while ago, or every server for it is in trouble; timeouts
/// `since` the question was asked do not count.
fn is_failing<N: Network>(env: &Env<N>, question: &Question, since: Moment) -> bool {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    if cache.has_failed(question, now) {
        return true;
    }
    // The servers of the zone itself, even if the delegation has expired meanwhile.
    let name = question.answered_at();
    let cut = match env.settings().route(&name) {
        Some(route) => Some(route.clone()),
        None => cache.deepest_cut(&name, cache.stale_read_time(now)),
    };
    let Some(cut) = cut else { return false };
    let broken = env.shared().broken_paths();
    let of_server = |server: &NameServer| {
        let of_address = |address: &SocketAddr| {
            let may_ask = env.settings().may_ask_server(&server.name, address.ip());
            (server.endpoint(*address, cut.transport), may_ask && !broken.has(address.ip()))
        };
        addresses_of(env, server).iter().map(of_address).collect::<Vec<_>>()
    };
    let endpoints: Vec<(Endpoint, bool)> = cut.servers.iter().flat_map(of_server).collect();
    let in_trouble = |endpoint: &Endpoint| {
        let server = cache.server(*endpoint, now);
        server.trouble.is_some()
            || server.unanswered > 0 && server.waiting_since < since.as_millis()
    };
    let mut usable = endpoints.iter().filter(|(_, is_usable)| *is_usable);
    !endpoints.is_empty() && usable.all(|(endpoint, _)| in_trouble(endpoint))
}
