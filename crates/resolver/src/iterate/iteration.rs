//! The walk down: from the deepest known zone cut to the zone with the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zoners_cache::DenialKind;
use zoners_dns::{
    Counter, Delegation, DsStatus, Moment, Name, Network, QueryMode, Question, Rtype, name,
};

use crate::ask::interception::wait_if_doubtful;
use crate::ask::race::race;
use crate::cached::store::keep_reply;
use crate::env::environment::Env;
use crate::env::lookups::Lookups;
use crate::env::shared::{ExchangeKey, SharedResult};
use crate::env::single_flight::FlightEnd;
use crate::iterate::minimise::Minimiser;
use crate::iterate::priming::prime;
use crate::model::answer::{Cause, Unresolved};
use crate::model::shared_work::Leader;
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::model::verdict::{Finding, Reply, Verdict};
use crate::selection::addresses::glue;

/// The least and greatest time after which the full question is asked beside an unanswered
/// shortened question: long enough for several servers to be late.
const SILENCE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// Shared results that are useless to a question with avoided servers, before it gives up.
const MOST_REFUSED: usize = 8;

/// Where a walk ended.
pub(crate) enum WalkEnd {
    /// The servers' reply about the name.
    Reply(Box<Reply>),
    /// A delegation with the wanted addresses.
    Glue(Delegation),
}

/// Finds the servers' reply about `question`; an alias is returned, not followed.
pub(crate) async fn iterate<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
) -> Result<Box<Reply>, Unresolved> {
    match walk(env, question, None, step).await? {
        WalkEnd::Reply(reply) => Ok(reply),
        WalkEnd::Glue(cut) => {
            let text = format!("stopped at {}", cut.zone.fmt_with_dot());
            Err(Unresolved::new(Cause::Unusable, text))
        }
    }
}

/// Walks down towards `question`. With `server`, the walk ends at the first delegation with
/// addresses of this nameserver.
pub(crate) async fn walk<N: Network>(
    env: &Env<N>,
    question: &Question,
    server: Option<&Name>,
    step: &Step,
) -> Result<WalkEnd, Unresolved> {
    let mut cut = first_cut(env, question);
    let mut minimiser = Minimiser::new(question.clone(), env.settings().minimised_type);
    minimiser.share_referrals(env.settings().share_referrals);
    // An interceptor sees each query, and does not refer.
    let intercepted = env.shared().interception.is_intercepted();
    if !env.settings().minimise || cut.mode == QueryMode::Forward || intercepted {
        minimiser.give_up();
    }
    let mut refused_at = None;
    for _ in 0..env.settings().limits.steps {
        if step.client.budget.is_stopped() {
            return Err(Unresolved::new(Cause::Cancelled, "somebody else knew"));
        }
        if server.is_some_and(|server| !glue(&cut, server).is_empty()) {
            return Ok(WalkEnd::Glue(cut));
        }
        if question.rtype != Rtype::DNSKEY || question.name != cut.zone {
            fetch_keys(env, &cut, step);
        }
        let asked = unknown_step(env, &mut minimiser, &cut.zone, question);
        let shortened = asked != *question;
        let (shortened, verdict) = match shortened {
            true => ask_shortened(env, &cut, &asked, question, step).await,
            false => (false, ask_zone(env, &cut, &asked, step).await),
        };
        let asked = if shortened { asked } else { question.clone() };
        let verdict = match verdict {
            Err(unresolved) if shortened && unresolved.cause == Cause::Unusable => {
                show_full_name(env, &mut minimiser, &asked, step);
                refused_at = Some(cut.zone.clone());
                continue;
            }
            Err(unresolved) => match cut_of_interceptor(env, &cut, &unresolved).await {
                Some(root) => {
                    cut = root;
                    minimiser.give_up();
                    continue;
                }
                None => return Err(unresolved),
            },
            Ok(verdict) => verdict,
        };
        if !shortened && refused_at.as_ref() == Some(&cut.zone) && !verdict.denies_name() {
            env.shared().cache.insert_minimisation_failure(&cut.zone, env.shared().now());
        }
        match &*verdict {
            Verdict::Referral(child) => {
                cut = child.clone();
                minimiser.descended();
            }
            Verdict::Answer(reply) if !shortened || denies(reply, &asked, question) => {
                // Only the denial of a full name cuts the tree below it (RFC 8020).
                if matches!(reply.finding, Finding::NxDomain(_)) {
                    keep_reply(env, &asked, reply);
                }
                return Ok(WalkEnd::Reply(Box::new(reply.clone())));
            }
            Verdict::Answer(reply) => match &reply.finding {
                // Some servers deny empty non-terminals, so the full name decides (RFC 9156
                // section 2.3).
                Finding::NxDomain(_) => {
                    show_full_name(env, &mut minimiser, &asked, step);
                    refused_at = Some(cut.zone.clone());
                }
                // No zone lies below a CNAME; a DNAME redirects the tree below it.
                Finding::Alias(_) | Finding::TooLong => minimiser.give_up(),
                Finding::Records(..) | Finding::NoData(_) => minimiser.passed(&asked.name),
            },
        }
    }
    env.count(Counter::LimitReferrals);
    Err(Unresolved::new(Cause::Unusable, format!("too many steps towards {question}")))
}

/// The start of a walk. Behind an interceptor any cut is as good, and knowledge of servers is
/// useless.
fn first_cut<N: Network>(env: &Env<N>, question: &Question) -> Delegation {
    let routed = || env.settings().route(&question.answered_at()).is_some();
    match env.shared().interception.is_intercepted() && !routed() {
        true => env.settings().root.clone(),
        false => zone_cut(env, question),
    }
}

/// The root, after a failed question to `cut`, if the network turns out to intercept DNS: only the
/// interceptor replies, whichever server is asked.
async fn cut_of_interceptor<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    unresolved: &Unresolved,
) -> Option<Delegation> {
    let unheard = matches!(unresolved.cause, Cause::NoAddress | Cause::Silent | Cause::Unusable);
    if cut.mode != QueryMode::Iterative || !unheard {
        return None;
    }
    Box::pin(wait_if_doubtful(env)).await;
    let intercepted = env.shared().interception.is_intercepted();
    (intercepted && !cut.zone.is_root()).then(|| env.settings().root.clone())
}

/// The start: a configured route, else the deepest known cut, else the root.
pub(crate) fn zone_cut<N: Network>(env: &Env<N>, question: &Question) -> Delegation {
    env.known_cut(&question.answered_at()).unwrap_or_else(|| {
        prime(env);
        env.settings().root.clone()
    })
}

/// Fetches the keys of a signed zone beside the question, not after it.
fn fetch_keys<N: Network>(env: &Env<N>, cut: &Delegation, step: &Step) {
    let signed = matches!(cut.signing, DsStatus::Signed(_))
        || env.settings().anchors.iter().any(|anchor| anchor.zone == cut.zone);
    let (cache, now) = (&env.shared().cache, env.shared().now());
    let wanted = step.validate && signed && !env.shared().interception.is_forged();
    if wanted && cache.rrset(&cut.zone, Rtype::DNSKEY, now).is_none() {
        env.fetch_keys(&cut.zone, step);
    }
}

/// The next question on the way down without a known answer.
fn unknown_step<N: Network>(
    env: &Env<N>,
    minimiser: &mut Minimiser,
    zone: &Name,
    full: &Question,
) -> Question {
    if minimiser.next(zone) != *full
        && env.shared().cache.fails_minimisation(zone, env.shared().now())
    {
        minimiser.give_up();
    }
    loop {
        let next = minimiser.next(zone);
        if next == *full || !is_known_to_exist(env, &next, env.shared().now()) {
            return next;
        }
        minimiser.passed(&next.name);
    }
}

/// Whether the cache proves that the name exists and needs no question.
fn is_known_to_exist<N: Network>(env: &Env<N>, question: &Question, now: Moment) -> bool {
    let cache = &env.shared().cache;
    let denial = cache.denial(&question.name, question.rtype, now);
    denial.is_some_and(|(denied, _)| denied == DenialKind::NoData)
        || cache.rrset(&question.name, question.rtype, now).is_some()
}

fn show_full_name<N: Network>(
    env: &Env<N>,
    minimiser: &mut Minimiser,
    asked: &Question,
    step: &Step,
) {
    env.count(Counter::UpstreamMinimiseFallbacks);
    step.trace(|| Hop::Note(format!("{asked} did not do: the full name is shown")));
    minimiser.give_up();
}

/// Asks a shortened question, and the full question beside it after silence; true if the answer
/// belongs to the shortened question.
async fn ask_shortened<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    asked: &Question,
    full: &Question,
    step: &Step,
) -> (bool, SharedResult<Verdict>) {
    env.count(Counter::UpstreamMinimised);
    let hedge_after = (env.shared().rtt_prior.late() * 3).clamp(SILENCE.0, SILENCE.1);
    // Boxed: both futures are large, and the second is rare.
    let mut shortened = Box::pin(ask_zone(env, cut, asked, step));
    if let Ok(verdict) = timeout(hedge_after, &mut shortened).await {
        return (true, verdict);
    }
    env.count(Counter::UpstreamMinimiseFallbacks);
    step.trace(|| Hop::Note(format!("{asked} is met with silence: the full name is shown")));
    let mut whole = Box::pin(ask_zone(env, cut, full, step));
    tokio::select! {
        biased;
        verdict = &mut shortened => match verdict {
            Ok(verdict) => (true, Ok(verdict)),
            Err(_) => (false, whole.await),
        },
        verdict = &mut whole => match verdict {
            Ok(verdict) => {
                // For the root and top-level domains, lost datagrams are more likely.
                if name::depth(&cut.zone) > 1 {
                    env.shared().cache.insert_minimisation_failure(&cut.zone, env.shared().now());
                }
                (false, Ok(verdict))
            }
            Err(_) => (true, shortened.await),
        },
    }
}

/// Asks the servers of a zone, in one flight with identical questions: A, AAAA and HTTPS of one
/// name share their referrals.
async fn ask_zone<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    asked: &Question,
    step: &Step,
) -> SharedResult<Verdict> {
    let exchanges = &env.shared().exchanges;
    let key = ExchangeKey { zone: cut.zone.clone(), asked: asked.clone() };
    for _ in 0..MOST_REFUSED {
        let work = |leader: Leader<_, _>| async move {
            let verdict = ask_and_keep(env, cut, asked, &leader.step).await;
            // Questions without avoided servers may succeed.
            if verdict.is_ok() || step.avoided().is_empty() {
                leader.land(&verdict);
            }
            verdict
        };
        let on_cycle = || ask_and_keep(env, cut, asked, step);
        match env.lead_or_join(exchanges, &key, (&cut.zone, asked), step, work, on_cycle).await {
            FlightEnd::Joined(Ok(verdict)) if !may_be_used(&verdict, step.avoided()) => {}
            end => return end.result(),
        }
    }
    env.count(Counter::LimitBogusServers);
    let text = format!("others ask servers for {asked} that gave bogus answers");
    Err(Unresolved::new(Cause::Cancelled, text))
}

/// Asks the servers of a zone and caches the reply.
async fn ask_and_keep<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    asked: &Question,
    step: &Step,
) -> SharedResult<Verdict> {
    let mut verdict = race(env, cut, asked, step).await?;
    let (cache, now) = (&env.shared().cache, env.shared().now());
    match verdict.as_mut() {
        Verdict::Referral(child) => {
            if child.servers.len() > env.settings().limits.servers_in_play {
                env.count(Counter::LimitDelegationServers);
            }
            if !cache.insert_delegation(child, now) {
                env.count(Counter::CacheEntriesTooLarge);
            }
        }
        Verdict::Answer(reply) => {
            reply.clamp_ttls(&cache.limits());
            // Validated before it is cached, so that it is not cached twice.
            if step.validate && env.is_taken_as_it_comes(&asked.answered_at()) {
                reply.set_unsigned();
            }
            // Only the caller knows whether the denied name is the full name.
            if !matches!(reply.finding, Finding::NxDomain(_)) {
                keep_reply(env, asked, reply);
            }
        }
    }
    Ok(Arc::from(verdict))
}

/// Whether a shared verdict is usable for a question with avoided servers: it must not come from
/// one of these.
fn may_be_used(verdict: &Verdict, avoided: &[SocketAddr]) -> bool {
    match verdict {
        Verdict::Answer(reply) => {
            avoided.is_empty() || reply.from.is_some_and(|from| !avoided.contains(&from))
        }
        Verdict::Referral(_) => true,
    }
}

/// Whether the name of the question itself is denied; the type does not matter then.
fn denies(reply: &Reply, asked: &Question, question: &Question) -> bool {
    asked.name == question.name
        && reply.aliases.is_empty()
        && matches!(reply.finding, Finding::NxDomain(_))
}
