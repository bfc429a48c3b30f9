//! The resolvers of groups with an upstream of their own, and what each remembers. A memory lasts as long as a configuration
//! has its upstream; groups with the same servers share one.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use zoners_dns::{Counters, Network};
use zoners_resolver::{Resolver, Shared};

use crate::config::Config;
use crate::pipeline::{empty_memory, forwarding_settings};

/// The cache of an upstream is this part of `cache.size`.
const CACHE_SHARE: usize = 8;
/// The least cache, in octets.
const MIN_CACHE_OCTETS: usize = 1 << 20;

/// The memories, by the servers of the upstream.
#[derive(Debug, Default)]
pub(super) struct UpstreamMemories(Mutex<Vec<(Vec<SocketAddr>, Arc<Shared>)>>);

impl UpstreamMemories {
    /// The resolvers for the upstreams of a configuration, in their order, over the network of a worker. Memories of other
    /// upstreams are forgotten, once their last query has ended.
    pub(super) fn resolvers<N: Network + Clone>(
        &self,
        config: &Config,
        worker: &Resolver<N>,
        network: &N,
        counters: &Arc<Counters>,
    ) -> Vec<Resolver<N>> {
        let upstreams = config.policy.upstreams();
        self.0.lock().retain(|(servers, _)| upstreams.contains(&&**servers));
        let resolver = |servers: &[SocketAddr]| {
            let memory = self.memory(servers, config, worker.shared());
            let settings = Arc::new(forwarding_settings(servers, worker.settings()));
            Resolver::new(memory, network.clone(), settings, counters.clone())
        };
        upstreams.into_iter().map(resolver).collect()
    }

    /// The memory of an upstream, made if there is none.
    fn memory(&self, servers: &[SocketAddr], config: &Config, beside: &Shared) -> Arc<Shared> {
        let mut memories = self.0.lock();
        if let Some((_, memory)) = memories.iter().find(|(known, _)| known == servers) {
            return memory.clone();
        }
        let octets = (config.cache.size.0 / CACHE_SHARE).max(MIN_CACHE_OCTETS);
        let (clock, random) = (beside.clock.clone(), beside.random.clone());
        let memory = empty_memory(octets, config.ttl_limits(), clock, random);
        memories.push((servers.to_vec(), memory.clone()));
        memory
    }

    /// Every memory.
    pub(super) fn all(&self) -> Vec<Arc<Shared>> {
        self.0.lock().iter().map(|(_, memory)| memory.clone()).collect()
    }
}
