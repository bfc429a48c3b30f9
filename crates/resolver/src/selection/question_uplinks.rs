//! The uplinks to the servers of a question.

use zoners_dns::{NameServer, Network, Question};

use crate::env::environment::Env;
use crate::infra::uplink::Uplink;
use crate::selection::addresses::addresses_of;

/// Whether the uplinks to the servers of a question are down.
pub(crate) fn is_uplink_down_for<N: Network>(env: &Env<N>, question: &Question) -> bool {
    let now = env.shared().now();
    all_uplinks(env, question, |uplink| uplink.is_down(now))
}

/// Whether the uplinks to the servers of a question are interrupted at this moment.
pub(crate) fn is_uplink_interrupted_for<N: Network>(env: &Env<N>, question: &Question) -> bool {
    let now = env.shared().now();
    all_uplinks(env, question, |uplink| uplink.interruptions().is_interrupted(now))
}

fn all_uplinks<N: Network>(
    env: &Env<N>,
    question: &Question,
    is_so: impl Fn(&Uplink) -> bool,
) -> bool {
    let uplinks = &env.shared().uplinks;
    if env.settings().routes.is_empty() {
        return is_so(uplinks.internet());
    }
    let Some(route) = env.settings().route(&question.answered_at()) else {
        return is_so(uplinks.internet());
    };
    let of_server = |server: &NameServer| {
        let addresses = addresses_of(env, server);
        match addresses.is_empty() {
            // The server is configured by name, and its address is not looked up yet: the uplink of the route counts.
            true => is_so(uplinks.of(route)),
            false => addresses.iter().all(|address| is_so(uplinks.to(address.ip()))),
        }
    };
    // A copy of a zone is asked without an uplink.
    !route.servers.is_empty() && route.servers.iter().all(of_server)
}
