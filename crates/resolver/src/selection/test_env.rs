//! An environment with an empty cache, for tests of server selection.

use std::sync::Arc;

use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Delegation, Endpoint, Random, zonefile};
use zoners_sim::{SimClock, SimNetwork, world};

use crate::env::environment::Env;
use crate::env::shared::Shared;
use crate::model::settings::Settings;

/// A new environment in the small Internet.
pub(super) fn env() -> Arc<Env<SimNetwork>> {
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    let settings = Settings::new(Delegation::from_hints(&hints).unwrap());
    let cache = Cache::new(1 << 20, TtlLimits::default(), [1, 2]);
    let shared = Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(3));
    Env::new(shared, world::small(1), Arc::new(settings), Arc::default())
}

/// A server of the root.
pub(super) fn server() -> Endpoint {
    Endpoint::udp("198.51.100.1".parse().unwrap())
}
