//! The way of a question that the recursion under way cannot answer: recursion anew, or the resolvers of the network.

use std::net::SocketAddr;
use std::sync::Arc;

use zoners_cache::TtlLimits;
use zoners_dns::{Clock, Network, Random, name};
use zoners_resolver::{Resolver, Settings, Shared};

use super::window_resolver::{WindowResolver, forwarder};

/// Gives the network of a worker.
pub(super) type CloneNetwork<N> = Box<dyn Fn() -> N + Send + Sync>;

/// The way on which questions are asked anew.
#[derive(Debug)]
pub struct DecidedWay(WindowResolver);

impl DecidedWay {
    /// Recursion, as `settings` say, with the cache of the daemon.
    #[must_use]
    pub fn recursion(settings: Arc<Settings>, shared: Arc<Shared>) -> Self {
        DecidedWay(WindowResolver { settings, shared })
    }

    /// The resolvers of a network, for all names without a route of their own in `settings`; validated, with an empty
    /// cache.
    #[must_use]
    pub fn forwarding(
        resolvers: &[SocketAddr],
        settings: &Settings,
        clock: Arc<dyn Clock>,
        random: Random,
    ) -> Self {
        let mut settings = settings.clone();
        settings.routes.retain(|route| !route.zone.is_root());
        settings.routes.push(forwarder(resolvers));
        DecidedWay(WindowResolver::apart(settings, TtlLimits::default(), clock, random))
    }

    pub(super) fn resolver<N: Network>(&self, network: N) -> Resolver<N> {
        self.0.over(network)
    }

    /// Whether a service with these settings asks others for names without a route of their own.
    pub(super) fn differs_from(&self, settings: &Settings) -> bool {
        settings.route(&name::root()) != self.0.settings.route(&name::root())
    }
}
