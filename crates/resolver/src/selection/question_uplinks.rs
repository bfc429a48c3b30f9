//! The uplinks to the servers of a question.

use zoners_dns::{NameServer, Network, Question};

use crate::env::environment::Env;
use crate::selection::addresses::addresses_of;

/// Whether the uplinks to the servers of a question are down.
pub(crate) fn is_uplink_down_for<N: Network>(env: &Env<N>, question: &Question) -> bool {
    let (uplinks, now) = (&env.shared().uplinks, env.shared().now());
    if env.settings().routes.is_empty() {
        return uplinks.internet().is_down(now);
    }
    let Some(route) = env.settings().route(&question.answered_at()) else {
        return uplinks.internet().is_down(now);
    };
    let is_down = |server: &NameServer| {
        let addresses = addresses_of(env, server);
        match addresses.is_empty() {
            // The server is configured by name, and its address is not looked up yet: the uplink of the route counts.
            true => uplinks.of(route).is_down(now),
            false => addresses.iter().all(|address| uplinks.to(address.ip()).is_down(now)),
        }
    };
    // A copy of a zone is asked without an uplink.
    !route.servers.is_empty() && route.servers.iter().all(is_down)
}
