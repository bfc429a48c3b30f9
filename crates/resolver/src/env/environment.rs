//! A worker: a value that resolves questions over one network.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use zoners_cache::{Evidence, ServerFault};
use zoners_dns::{
    Counter, Counters, Delegation, EdeCode, Endpoint, Message, Name, Network, QueryMode, Question,
    name,
};

use crate::env::admission::Pending;
use crate::env::shared::Shared;
use crate::env::stragglers::{Adoption, Nursery};
use crate::model::settings::Settings;

/// Resolves questions. It is no thread: several may live on one runtime, or each on its own.
#[derive(Debug)]
pub(crate) struct Env<N: Network> {
    this: Weak<Self>,
    shared: Arc<Shared>,
    network: N,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    nursery: Nursery,
    pending: Arc<Pending>,
}

impl<N: Network> Env<N> {
    /// A worker that asks over `network`.
    #[must_use]
    pub(crate) fn new(
        shared: Arc<Shared>,
        network: N,
        settings: Arc<Settings>,
        counters: Arc<Counters>,
    ) -> Arc<Self> {
        shared.lines.lay(&settings);
        Arc::new_cyclic(|this| Env {
            this: this.clone(),
            shared,
            network,
            settings,
            counters,
            nursery: Nursery::default(),
            pending: Arc::default(),
        })
    }

    /// Whether answers are proven.
    pub(crate) fn validates(&self, checking_disabled: bool) -> bool {
        !checking_disabled && !self.settings.anchors.is_empty()
    }

    /// What all workers share.
    #[must_use]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How this worker behaves.
    #[must_use]
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What this worker has counted.
    #[must_use]
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Recursions under way.
    #[must_use]
    pub(crate) fn pending(&self) -> usize {
        self.pending.taken()
    }

    pub(crate) fn count(&self, counter: Counter) {
        self.counters.count(counter);
    }

    /// What it asks over.
    #[must_use]
    pub(crate) fn network(&self) -> &N {
        &self.network
    }

    pub(crate) fn seats(&self) -> &Arc<Pending> {
        &self.pending
    }

    pub(crate) fn nursery(&self) -> &Nursery {
        &self.nursery
    }

    /// Counts what is wrong with a server by its cause, and remembers it.
    pub(crate) fn blame(&self, server: Endpoint, trouble: ServerFault) {
        self.count(match trouble {
            ServerFault::Timeout => Counter::UpstreamTimeouts,
            ServerFault::Refused => Counter::UpstreamConnectionRefused,
            ServerFault::Unreachable => Counter::UpstreamUnreachable,
            ServerFault::Lame => Counter::UpstreamLame,
            ServerFault::ServFail => Counter::UpstreamServfail,
            ServerFault::FormErr => Counter::UpstreamFormerr,
            ServerFault::Bogus => Counter::UpstreamBogus,
        });
        self.shared.teach(server, Evidence::Trouble(trouble));
        if trouble == ServerFault::Timeout {
            self.missed(server);
        }
    }

    /// This worker, to be held by what outlives the call.
    pub(crate) fn arc(&self) -> Arc<Self> {
        // Whoever calls a method holds a strong reference.
        #[expect(clippy::expect_used, reason = "see above")]
        self.this.upgrade().expect("a env in use is alive")
    }

    /// Whether none of the lines answers that lead to the servers of a question.
    pub(crate) fn is_line_down_for(&self, question: &Question) -> bool {
        let (lines, now) = (&self.shared().lines, self.shared().now());
        if self.settings().routes.is_empty() {
            return lines.internet().is_down(now);
        }
        match self.settings().route(&question.answered_at()) {
            None => lines.internet().is_down(now),
            Some(route) => {
                let mut addresses = route.servers.iter().flat_map(|server| &server.addresses);
                addresses.all(|address| lines.to(address.ip()).is_down(now))
            }
        }
    }

    /// The deepest zone cut on the way to `name` that is known by more than hints.
    pub(crate) fn known_cut(&self, name: &Name) -> Option<Delegation> {
        let known = self.shared().cache.deepest_cut(name, self.shared().now());
        let route = self.settings().route(name).cloned();
        match (known, route) {
            (Some(known), Some(route)) if route.mode != QueryMode::Forward => {
                let deeper = name::depth(&known.zone) > name::depth(&route.zone);
                Some(if deeper { known } else { route })
            }
            (known, route) => route.or(known),
        }
    }

    /// Whether a failure says that servers gave what is bogus; not those that a network does not let
    /// through.
    pub(crate) fn is_bogus(&self, code: EdeCode) -> bool {
        code.is_bogus() && !self.shared().passage.is_forged()
    }

    /// Remembers the agent that a server of `cut` names in its reply. A forwarder is no server of
    /// the zone, so its option does not count.
    pub(crate) fn learn_agent(&self, cut: &Delegation, reply: &Message) {
        if !self.settings().report_failures || cut.mode == QueryMode::Forward {
            return;
        }
        let agent = reply.edns.as_ref().and_then(|edns| edns.report_channel.as_ref());
        self.shared().reports.learn(&cut.zone, agent, self.shared().now());
    }

    /// Lets an exchange live on whose race is over, to learn from it.
    pub(crate) fn adopt<T: Send + 'static>(
        &self,
        exchange: Pin<Box<dyn Future<Output = T> + Send>>,
    ) {
        // Where sockets are few, those who live on need none.
        let limit = if self.network().is_short() { 0 } else { self.settings().limits.nursery };
        if self.nursery().adopt(exchange, limit) == Adoption::Full {
            self.count(Counter::UpstreamStragglersDropped);
        }
    }
}
