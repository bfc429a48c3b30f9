//! What questions do where this network lets nothing pass, or nothing that can be proven: they fail at once,
//! and say why. One sounding at a time tells whether that is still so, and they wait for it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;
use zoners_dns::{Delegation, Network, QueryMode, Question};

use super::probe::PATIENCE;
use crate::ask::interception::probe::begin_probe;
use crate::env::environment::Env;
use crate::env::interception::EVERY;
use crate::env::interception::OUTAGE;
use crate::env::interception::Obstacle;
use crate::model::answer::{Cause, Unresolved};

/// Where the last sounding was a moment ago, questions fail after this: a program that asks again and again
/// shall not do so as fast as it can.
const PAUSE: Duration = Duration::from_millis(50);

/// Lets a question to the servers of `cut` go on.
///
/// # Errors
/// This network lets no question pass to them.
pub(crate) async fn may_pass<N: Network>(env: &Env<N>, cut: &Delegation) -> Result<(), Unresolved> {
    if obstruction(env, cut).is_none() {
        return Ok(());
    }
    // Boxed, since it is rare.
    Box::pin(wait_for_probe(env)).await;
    obstruction(env, cut).map_or(Ok(()), Err)
}

/// Lets a question go on whose answer is to be proven with keys that are yet to be fetched.
///
/// # Errors
/// On this network nothing can be proven.
pub(crate) async fn may_prove<N: Network>(env: &Env<N>) -> Result<(), Unresolved> {
    let passage = &env.shared().passage;
    if !passage.is_forged() {
        return Ok(());
    }
    Box::pin(wait_for_probe(env)).await;
    match passage.obstacle() {
        Some(obstacle) if passage.is_forged() => Err(obstacle.unresolved()),
        _ => Ok(()),
    }
}

/// The failure of all questions to the servers of `cut`, where this network lets none pass.
pub(crate) fn obstruction<N: Network>(env: &Env<N>, cut: &Delegation) -> Option<Unresolved> {
    let obstacle = env.shared().passage.closed()?;
    let mut addresses = cut.servers.iter().flat_map(|server| &server.addresses);
    let is_near = |at: &SocketAddr| !env.settings().is_foreign(at.ip());
    (cut.mode == QueryMode::Iterative && !addresses.any(is_near)).then(|| obstacle.unresolved())
}

/// Whether this network lets no question pass to the servers that this one goes to.
pub(crate) fn is_closed_for<N: Network>(env: &Env<N>, question: &Question) -> bool {
    env.shared().passage.closed().is_some() && goes_to_foreign_servers(env, question)
}

/// Whether the configuration names no servers of its own for a question.
fn goes_to_foreign_servers<N: Network>(env: &Env<N>, question: &Question) -> bool {
    let route = env.settings().route(&question.answered_at());
    route.is_none_or(|route| route.mode == QueryMode::Iterative)
}

/// Names the cause of a failure, where it is this network or its line.
pub(crate) fn explain_by_obstacle<N: Network>(
    env: &Env<N>,
    question: &Question,
    failed: Unresolved,
) -> Unresolved {
    let obstacle = match env.shared().passage.obstacle() {
        Some(obstacle) => obstacle,
        // What was met is a limit, but it is the line that is gone.
        None if failed.cause == Cause::Budget && env.shared().is_line_down() => Obstacle::Silent,
        None => return failed,
    };
    if !goes_to_foreign_servers(env, question) {
        return failed;
    }
    match (obstacle.is_closed(), failed.cause) {
        (false, _) if failed.ede.code.is_bogus() => obstacle.explains(failed),
        (true, Cause::Silent | Cause::Unusable | Cause::NoAddress) => obstacle.unresolved(),
        (true, Cause::Budget | Cause::Deadline) => obstacle.unresolved(),
        _ => failed,
    }
}

/// Waits for a sounding, where a failure may be that of the network: nothing useful has come through for
/// long, or what came is strange.
pub(crate) async fn wait_if_doubtful<N: Network>(env: &Env<N>) {
    let (passage, now) = (&env.shared().passage, env.shared().now());
    let quiet = passage.passed_at().is_none_or(|passed| now.since(passed) >= OUTAGE);
    if passage.obstacle().is_none() && (quiet || passage.has_strange_voices()) {
        wait_for_probe(env).await;
    }
}

/// Waits for the sounding that is under way, or for one that begins now if it is time for one.
async fn wait_for_probe<N: Network>(env: &Env<N>) {
    let (passage, now) = (&env.shared().passage, env.shared().now());
    let sounded = passage.probe_ended();
    let (claimed, is_sounding) = passage.claim_probe(EVERY, now);
    if claimed {
        begin_probe(env);
    }
    // No longer than it takes, even if the worker that carries it out has gone.
    let longest = if is_sounding { PATIENCE } else { PAUSE };
    let _ = timeout(longest, sounded).await;
}
