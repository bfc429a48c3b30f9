//! The zone cut at which a walk starts.

use zoners_dns::{Delegation, Network, QueryMode, Question};

use crate::ask::interception::wait_if_doubtful;
use crate::env::environment::Env;
use crate::iterate::priming::prime;
use crate::model::answer::{Cause, Unresolved};

/// The start: a configured route, else the deepest known cut, else the root.
pub(crate) fn zone_cut<N: Network>(env: &Env<N>, question: &Question) -> Delegation {
    env.known_cut(&question.answered_at()).unwrap_or_else(|| {
        prime(env);
        env.settings().root.clone()
    })
}

/// The start of a walk. Behind an interceptor any cut is as good, and knowledge of servers is
/// useless.
pub(super) fn first_cut<N: Network>(env: &Env<N>, question: &Question) -> Delegation {
    let routed = || env.settings().route(&question.answered_at()).is_some();
    match env.shared().interception.is_intercepted() && !routed() {
        true => env.settings().root.clone(),
        false => zone_cut(env, question),
    }
}

/// The root, after a failed question to `cut`, if the network turns out to intercept DNS: only the
/// interceptor replies, whichever server is asked.
pub(super) async fn root_of_interceptor<N: Network>(
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
