//! A resolver on a simulated Internet.

pub(crate) mod cafe;
pub(crate) mod identical;
pub(crate) mod many;
pub(crate) mod signed;

use std::sync::Arc;

use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Counter, Counters, Delegation, Question, Random, Rtype, name, zonefile};
use zoners_resolver::Resolution;
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_sim::{SimClock, SimNetwork, world};

pub(crate) struct Lab {
    pub(crate) net: SimNetwork,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) worker: Resolver<SimNetwork>,
}

/// The defaults with the hints of the ready-made Internets.
pub(crate) fn settings() -> Settings {
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    Settings::new(Delegation::from_hints(&hints).unwrap())
}

impl Lab {
    pub(crate) fn new(net: SimNetwork) -> Self {
        Lab::with(net, settings())
    }

    /// A resolver without optional queries, where queries are counted.
    pub(crate) fn frugal(net: SimNetwork) -> Self {
        let mut settings = settings();
        settings.limits.probe_budget = 0;
        Lab::with(net, settings)
    }

    pub(crate) fn with(net: SimNetwork, settings: Settings) -> Self {
        let clock = Arc::new(SimClock::new(None));
        let cache = Cache::new(64 << 20, TtlLimits::default(), [3, 4]);
        let shared = Shared::new(cache, clock.clone(), Random::seeded(99));
        let worker =
            Resolver::new(shared, net.clone(), Arc::new(settings), Arc::new(Counters::default()));
        Lab { net, clock, worker }
    }

    /// Another worker that shares its state with the first.
    pub(crate) fn another(&self) -> Resolver<SimNetwork> {
        let settings = Arc::new(self.worker.settings().clone());
        let counters = Arc::new(Counters::default());
        Resolver::new(self.worker.shared().clone(), self.net.clone(), settings, counters)
    }

    pub(crate) async fn resolve(&self, text: &str, rtype: Rtype) -> Resolution {
        self.worker.resolve(&question(text, rtype), None).await
    }

    /// The answer section as text, or the RCODE or failure.
    pub(crate) async fn ask(&self, text: &str, rtype: Rtype) -> String {
        match self.resolve(text, rtype).await {
            Ok(answer) if answer.answer.is_empty() => answer.rcode.to_string(),
            Ok(answer) => {
                answer.answer.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
            Err(unresolved) => unresolved.to_string(),
        }
    }

    pub(crate) fn count(&self, counter: Counter) -> u64 {
        self.worker.counters().get(counter)
    }
}

pub(crate) fn question(text: &str, rtype: Rtype) -> Question {
    Question::new(name::parse(text).unwrap(), rtype)
}
