//! Further resolvers of the daemon, for given servers: each has a memory of its own, so that no answer reaches a client of
//! another way.

use std::net::SocketAddr;
use std::sync::Arc;

use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Clock, Random};
use zoners_resolver::{Settings, Shared};

use super::window_resolver::forwarder;

/// The settings by which names without a route of their own go to these resolvers. Failures are not reported to the agents
/// of zones, as the resolvers may be at fault.
#[must_use]
pub fn forwarding_settings(resolvers: &[SocketAddr], settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    settings.routes.retain(|route| !route.zone.is_root());
    settings.routes.push(forwarder(resolvers));
    settings.report_failures = false;
    settings
}

/// The memory of a resolver, with an empty cache of `octets`.
#[must_use]
pub fn empty_memory(
    octets: usize,
    limits: TtlLimits,
    clock: Arc<dyn Clock>,
    random: Random,
) -> Arc<Shared> {
    let hash_key = [random.bits(), random.bits()];
    Shared::new(Cache::new(octets, limits, hash_key), clock, random)
}
