//! The resolver of a window, which asks the resolvers of a network in place of the servers of the Internet.

use std::net::SocketAddr;
use std::sync::Arc;

use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{
    Clock, Counters, Delegation, DsStatus, Moment, NameServer, Network, QueryMode, Random,
    Transport, name,
};
use zoners_resolver::{Resolver, Settings, Shared};

/// Octets of the cache of a window.
const CACHE_SIZE: usize = 1 << 20;

/// The settings and the cache of a window, from which each worker makes its resolver.
#[derive(Debug)]
pub(super) struct WindowResolver {
    pub(super) settings: Arc<Settings>,
    pub(super) shared: Arc<Shared>,
}

impl WindowResolver {
    /// A resolver with an empty cache, which neither prefetches nor reports failures.
    pub(super) fn apart(
        settings: Settings,
        limits: TtlLimits,
        clock: Arc<dyn Clock>,
        random: Random,
    ) -> Self {
        let hash_key = [random.bits(), random.bits()];
        let cache = Cache::new(CACHE_SIZE, limits, hash_key);
        let settings = Settings { prefetch: false, report_failures: false, ..settings };
        WindowResolver { settings: Arc::new(settings), shared: Shared::new(cache, clock, random) }
    }

    /// The resolver over the network of a worker.
    pub(super) fn over<N: Network>(&self, network: N) -> Resolver<N> {
        let counters = Arc::<Counters>::default();
        Resolver::new(self.shared.clone(), network, self.settings.clone(), counters)
    }
}

/// All questions go to these resolvers.
#[must_use]
pub fn forwarder(resolvers: &[SocketAddr]) -> Delegation {
    let server = |address: &SocketAddr| NameServer::plain(name::root(), vec![*address]);
    Delegation {
        zone: name::root(),
        mode: QueryMode::Forward,
        transport: Transport::Udp,
        servers: resolvers.iter().map(server).collect(),
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}
