//! The windows of the pipeline in which the network's resolver may have to answer, as the strategy says.

use std::sync::Arc;

use tokio::time::Instant;
use zoners_dns::{Name, name};
use zoners_networks::Strategy;

use super::StrategyKeeper;
use super::portal_api::host_name;
use super::settling::SettlingTime;
use crate::daemon::serving::Serving;
use crate::pipeline::{DecidedWay, LateWay, PortalTerms, SettlingDecision, probe_names};

impl StrategyKeeper {
    /// Without a network, and on a new one, lets questions that find no server wait for the strategy.
    pub(super) fn begin_settling(&mut self, serving: &mut Serving) {
        let is_new = std::mem::take(&mut self.is_new);
        if !self.base.terms.may_forward || !self.is_offline && !is_new {
            return;
        }
        let now = Instant::now();
        if self.settling.as_ref().is_none_or(|settling| self.is_offline && !settling.is_offline()) {
            let (settling, open) = SettlingTime::begin(now);
            // The end of an earlier window lets its questions go on.
            self.settling = Some(settling);
            serving.core.settling = Some(open);
            serving.workers.put_in_force(&serving.core, &serving.generation);
        }
        if let Some(settling) = self.settling.as_mut().filter(|_| !self.is_offline) {
            settling.note_network(now);
        }
    }

    /// Lets the questions go on once the strategy is known, and asks as ever once the strategy is in force.
    pub(super) fn settle(&mut self, serving: &mut Serving, strategy: Strategy) {
        let Some(settling) = self.settling.as_ref().filter(|it| !it.is_offline()) else { return };
        let is_over = settling.is_over(Instant::now());
        if !is_over && !self.machine.is_settled() && !strategy.forwards() {
            return;
        }
        if settling.is_open() {
            // Questions under way shall not join themselves on the former way. The reload does the same a moment later.
            if serving.generation.forwards && !strategy.forwards() {
                serving.core.shared.change_source(true);
            }
            settling.decide(self.decision(serving, strategy));
        }
        // The overlay of the strategy takes a reload.
        if strategy.forwards() && !serving.generation.forwards && !is_over {
            return;
        }
        self.settling = None;
        serving.core.settling = None;
        serving.workers.put_in_force(&serving.core, &serving.generation);
    }

    /// The decision for questions on a new network.
    fn decision(&self, serving: &Serving, strategy: Strategy) -> SettlingDecision {
        let (shared, settings) = (&serving.core.shared, &self.base.settings);
        let way = match (strategy, &serving.core.portal) {
            (Strategy::Portal, Some(terms)) => return SettlingDecision::Portal(terms.clone()),
            (Strategy::ForwardValidating, _) => self.forwarding(serving),
            (Strategy::Recurse | Strategy::RecurseOverTcp, _) if self.machine.recursion_works() => {
                DecidedWay::recursion(settings.clone(), shared.clone())
            }
            _ => return SettlingDecision::Nothing,
        };
        SettlingDecision::Way(Arc::new(way))
    }

    /// Opens or closes the window of a portal, or opens it for other resolvers; true if anything has changed.
    pub(super) fn put_portal_in_force(
        &self,
        serving: &mut Serving,
        is_portal: bool,
        are_other_resolvers: bool,
    ) -> bool {
        let names = if is_portal { self.portal_names() } else { Vec::new() };
        let before = serving.core.portal.as_ref().map(|terms| terms.names());
        if before == is_portal.then_some(&names[..]) && !(is_portal && are_other_resolvers) {
            return false;
        }
        let shared = serving.core.shared.clone();
        let terms = is_portal.then(|| {
            // Answers from before, which would hide the portal.
            for name in &names {
                shared.cache.flush(name, true);
            }
            let (clock, random) = (shared.clock.clone(), shared.random.clone());
            PortalTerms::new(names, &self.resolvers, &self.base.settings, clock, random)
        });
        serving.core.portal = terms.map(Arc::new);
        serving.workers.put_in_force(&serving.core, &serving.generation);
        true
    }

    /// Lets questions that began under the former strategy look at this one, after a failure.
    pub(super) fn put_present_way(&self, serving: &Serving, strategy: Strategy) {
        let way = match (strategy, &serving.core.portal) {
            (Strategy::Portal, Some(terms)) => Some(LateWay::Portal(terms.clone())),
            (Strategy::ForwardValidating, _) => {
                Some(LateWay::Resolvers(Arc::new(self.forwarding(serving))))
            }
            _ => None,
        };
        serving.core.present_way.put(way);
    }

    /// The resolvers of the network, validated.
    fn forwarding(&self, serving: &Serving) -> DecidedWay {
        let shared = &serving.core.shared;
        let (clock, random) = (shared.clock.clone(), shared.random.clone());
        DecidedWay::forwarding(&self.resolvers, &self.base.settings, clock, random)
    }

    /// The names of the portal and of probes.
    fn portal_names(&self) -> Vec<Name> {
        let probes = self.base.portal_probes.iter();
        let probes = probes.filter_map(|probe| name::parse(&probe.host).ok());
        let api = self.portal_api.as_ref().and_then(host_name);
        let api = api.and_then(|host| name::parse(host).ok());
        let portal = api.into_iter().chain(self.portal_host.clone());
        let mut names: Vec<Name> = probe_names().to_vec();
        for name in probes.chain(portal) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
