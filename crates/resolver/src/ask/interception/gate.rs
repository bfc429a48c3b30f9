//! Questions on a network that blocks DNS, or unproven DNS: they fail at once with the reason. One
//! probe at a time tells whether the network still blocks, and questions wait for the probe.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;
use zoners_dns::{Delegation, Network, QueryMode, Question};

use super::probe::PATIENCE;
use crate::ask::interception::probe::begin_probe;
use crate::env::environment::Env;
use crate::env::interception::{EVERY, OUTAGE, Obstacle, ProbeClaim};
use crate::model::answer::{Cause, Unresolved};

/// If the last probe was a moment ago, questions fail after this pause, so that a program in a
/// retry loop is slowed down.
const PAUSE: Duration = Duration::from_millis(50);

/// Lets a question to the servers of `cut` go on.
///
/// # Errors
/// The network blocks queries to these servers.
pub(crate) async fn may_pass<N: Network>(env: &Env<N>, cut: &Delegation) -> Result<(), Unresolved> {
    if obstruction(env, cut).is_none() {
        return Ok(());
    }
    // Boxed, since it is rare.
    Box::pin(wait_for_probe(env)).await;
    obstruction(env, cut).map_or(Ok(()), Err)
}

/// Admits a question whose answer must be validated with keys not fetched yet.
///
/// # Errors
/// On this network nothing can be proven.
pub(crate) async fn may_prove<N: Network>(env: &Env<N>) -> Result<(), Unresolved> {
    let passage = &env.shared().interception;
    if !passage.is_forged() {
        return Ok(());
    }
    Box::pin(wait_for_probe(env)).await;
    match passage.obstacle() {
        Some(obstacle) if passage.is_forged() => Err(obstacle.unresolved()),
        _ => Ok(()),
    }
}

/// The failure of questions to the servers of `cut`, if the network blocks them.
pub(crate) fn obstruction<N: Network>(env: &Env<N>, cut: &Delegation) -> Option<Unresolved> {
    let obstacle = env.shared().interception.closed()?;
    let mut addresses = cut.servers.iter().flat_map(|server| &server.addresses);
    let is_near = |at: &SocketAddr| !env.settings().is_foreign(at.ip());
    (cut.mode == QueryMode::Iterative && !addresses.any(is_near)).then(|| obstacle.unresolved())
}

/// Whether the network blocks queries to the servers of this question.
pub(crate) fn is_closed_for<N: Network>(env: &Env<N>, question: &Question) -> bool {
    env.shared().interception.closed().is_some() && goes_to_foreign_servers(env, question)
}

/// Whether a question has no route in the configuration.
fn goes_to_foreign_servers<N: Network>(env: &Env<N>, question: &Question) -> bool {
    let route = env.settings().route(&question.answered_at());
    route.is_none_or(|route| route.mode == QueryMode::Iterative)
}

/// Names the network or the uplink as the cause of a failure, if it is.
pub(crate) fn explain_by_obstacle<N: Network>(
    env: &Env<N>,
    question: &Question,
    failed: Unresolved,
) -> Unresolved {
    let obstacle = match env.shared().interception.obstacle() {
        Some(obstacle) => obstacle,
        // A limit was reached, but the cause is that the uplink is down.
        None if failed.cause == Cause::Budget && env.shared().is_uplink_down() => Obstacle::Silent,
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

/// Waits for a probe if a failure may be caused by the network: no useful reply for long, or
/// strange replies.
pub(crate) async fn wait_if_doubtful<N: Network>(env: &Env<N>) {
    let (passage, now) = (&env.shared().interception, env.shared().now());
    let quiet = passage.passed_at().is_none_or(|passed| now.since(passed) >= OUTAGE);
    if passage.obstacle().is_none() && (quiet || passage.has_strange_voices()) {
        wait_for_probe(env).await;
    }
}

/// Waits for the probe under way, or for a new probe if one is due.
async fn wait_for_probe<N: Network>(env: &Env<N>) {
    let (passage, now) = (&env.shared().interception, env.shared().now());
    let sounded = passage.probe_ended();
    let claim = passage.claim_probe(EVERY, now);
    if claim == ProbeClaim::Granted {
        begin_probe(env);
    }
    // At most the time of a probe, even if the worker of the probe has gone.
    let longest = match claim {
        ProbeClaim::Granted | ProbeClaim::UnderWay => PATIENCE,
        ProbeClaim::Refused => PAUSE,
    };
    let _ = timeout(longest, sounded).await;
}
