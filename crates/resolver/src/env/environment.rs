//! The environment of one worker's resolution.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use zoners_dns::{
    Checking, Counter, Counters, Delegation, EdeCode, Message, Name, Network, QueryMode, name,
};

use crate::env::admission::AdmissionControl;
use crate::env::shared::Shared;
use crate::env::stragglers::{StragglerFate, Stragglers};
use crate::model::settings::Settings;

/// The network, the shared state, the settings and the counters of a resolver. It is no thread: several may
/// live on a single runtime, or on a runtime each.
#[derive(Debug)]
pub(crate) struct Env<N: Network> {
    this: Weak<Self>,
    shared: Arc<Shared>,
    network: N,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    stragglers: Stragglers,
    admission: Arc<AdmissionControl>,
}

impl<N: Network> Env<N> {
    /// An environment that sends over `network`.
    #[must_use]
    pub(crate) fn new(
        shared: Arc<Shared>,
        network: N,
        settings: Arc<Settings>,
        counters: Arc<Counters>,
    ) -> Arc<Self> {
        shared.uplinks.configure(&settings);
        Arc::new_cyclic(|this| Env {
            this: this.clone(),
            shared,
            network,
            settings,
            counters,
            stragglers: Stragglers::default(),
            admission: Arc::default(),
        })
    }

    /// Whether answers are proven.
    pub(crate) fn validates(&self, checking: Checking) -> bool {
        !checking.is_disabled() && !self.settings.anchors.is_empty()
    }

    /// The state that the workers share.
    #[must_use]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How this worker behaves.
    #[must_use]
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The counters of this worker.
    #[must_use]
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Recursions under way.
    #[must_use]
    pub(crate) fn pending(&self) -> usize {
        self.admission.taken()
    }

    pub(crate) fn count(&self, counter: Counter) {
        self.counters.count(counter);
    }

    /// The network.
    #[must_use]
    pub(crate) fn network(&self) -> &N {
        &self.network
    }

    pub(crate) fn admission(&self) -> &Arc<AdmissionControl> {
        &self.admission
    }

    pub(crate) fn stragglers(&self) -> &Stragglers {
        &self.stragglers
    }

    /// This environment, for work that outlives the call.
    pub(crate) fn arc(&self) -> Arc<Self> {
        // Each caller of a method holds a strong reference.
        #[expect(clippy::expect_used, reason = "see above")]
        self.this.upgrade().expect("a env in use is alive")
    }

    /// The deepest known zone cut on the way to `name`, other than the hints.
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

    /// Whether the failure means bogus data, rather than a network that blocks DNSSEC.
    pub(crate) fn is_bogus(&self, code: EdeCode) -> bool {
        code.is_bogus() && !self.shared().interception.is_forged()
    }

    /// Records the reporting agent named in the reply of a server of `cut`. A forwarder is no server of the
    /// zone, so its option does not count.
    pub(crate) fn learn_agent(&self, cut: &Delegation, reply: &Message) {
        if !self.settings().report_failures || cut.mode == QueryMode::Forward {
            return;
        }
        let agent = reply.edns.as_ref().and_then(|edns| edns.report_channel.as_ref());
        self.shared().report_agents.learn(&cut.zone, agent, self.shared().now());
    }

    /// Lets an exchange go on as a straggler after its race, to learn the RTT.
    pub(crate) fn adopt<T: Send + 'static>(
        &self,
        exchange: Pin<Box<dyn Future<Output = T> + Send>>,
    ) -> StragglerFate {
        // If sockets are scarce, no stragglers are kept.
        let limit = if self.network().is_short() { 0 } else { self.settings().limits.stragglers };
        let fate = self.stragglers().adopt(exchange, limit);
        if fate == StragglerFate::Full {
            self.count(Counter::UpstreamStragglersDropped);
        }
        fate
    }
}
