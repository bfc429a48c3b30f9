//! From evidence to the strategy of the present network.

use std::time::Duration;

use zoners_dns::Moment;

use crate::backoff::Backoff;
use crate::evidence::{PathCondition, Probe, ResolverQuality};
use crate::memory::NetworkMemory;
use crate::strategy::Strategy;

/// Pauses between probes for a better strategy: the first, and the longest.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// Pauses between probes of a portal: the first, and the longest.
const PORTAL_PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// In halves: pauses double, or grow by half.
const DOUBLING: u32 = 4;
const GROWING_BY_HALF: u32 = 3;
/// Probes of the portal without any reply, after which no portal is assumed.
const MAX_UNCLEAR: u8 = 3;

/// What the operator allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrategyTerms {
    /// Questions may go to the network's resolver; not where the configuration has a forwarder for all names.
    pub may_forward: bool,
    /// Answers may go out unvalidated, where the network leaves nothing better.
    pub may_leave_unvalidated: bool,
    /// Portals are probed.
    pub probes_portals: bool,
}

impl Default for StrategyTerms {
    fn default() -> Self {
        StrategyTerms { may_forward: true, may_leave_unvalidated: false, probes_portals: true }
    }
}

/// The strategy of the present network, and the memory of others.
#[derive(Clone, Debug)]
pub struct StrategyMachine {
    terms: StrategyTerms,
    memory: NetworkMemory,
    /// The identifier of the present network, once known.
    network: Option<String>,
    path: PathCondition,
    /// The last report of the resolver: the same report again is no news.
    reported: PathCondition,
    resolver: Option<ResolverQuality>,
    /// Whether the first probe of recursion on this network had no reply, and nothing else is known.
    is_unanswered: bool,
    /// Whether a probe of recursion on this network has succeeded.
    has_recursed: bool,
    /// Whether the last such probe got replies and has failed.
    fails_to_recurse: bool,
    /// Whether recursion was probed behind an interceptor.
    is_interceptor_probed: bool,
    /// Whether the network names a resolver.
    has_resolver: bool,
    /// Whether the first probes on this network were sent: of recursion, and of the network's resolver.
    is_recursion_probed: bool,
    is_resolver_probed: bool,
    is_captive: bool,
    retry: Backoff,
    portal_retry: Backoff,
    portal_probed_at: Option<Moment>,
    /// Probes of the portal without a reply that are left.
    unclear_left: u8,
    /// The moment from which recursion worked again.
    risen_at: Option<Moment>,
}

impl StrategyMachine {
    /// A machine without any network.
    #[must_use]
    pub fn new(terms: StrategyTerms) -> Self {
        StrategyMachine {
            terms,
            memory: NetworkMemory::default(),
            network: None,
            path: PathCondition::Untested,
            reported: PathCondition::Untested,
            resolver: None,
            is_unanswered: false,
            has_recursed: false,
            fails_to_recurse: false,
            is_interceptor_probed: false,
            has_resolver: true,
            is_recursion_probed: true,
            is_resolver_probed: true,
            is_captive: false,
            retry: Backoff::new(RETRY_PAUSES.0, RETRY_PAUSES.1, DOUBLING),
            portal_retry: Backoff::new(PORTAL_PAUSES.0, PORTAL_PAUSES.1, GROWING_BY_HALF),
            portal_probed_at: None,
            unclear_left: MAX_UNCLEAR,
            risen_at: None,
        }
    }

    /// The same with the memory of an earlier run.
    #[must_use]
    pub fn remembering(self, mut memory: NetworkMemory) -> Self {
        memory.bound();
        StrategyMachine { memory, ..self }
    }

    /// The memory, to be kept over restarts.
    #[must_use]
    pub fn memory(&self) -> &NetworkMemory {
        &self.memory
    }

    /// Goes by these terms from now on.
    pub fn set_terms(&mut self, terms: StrategyTerms) {
        self.terms = terms;
    }

    /// The network names a resolver, or none yet; `are_other` if its resolvers are others than before. A manager of the
    /// network may tell the resolvers of a lease some time after its route.
    pub fn see_resolvers(&mut self, has_resolver: bool, are_other: bool) {
        self.has_resolver = has_resolver;
        if are_other && matches!(self.resolver, None | Some(ResolverQuality::Unusable)) {
            (self.resolver, self.is_resolver_probed) = (None, false);
        }
    }

    /// The network names the API of a portal: a probe is due, as an earlier one has not asked there.
    pub fn see_portal_api(&mut self, now: Moment) {
        self.probe_portal(now);
    }

    /// The strategy in force.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        if self.is_captive && self.terms.probes_portals {
            return Strategy::Portal;
        }
        self.strategy_without_portal()
    }

    /// Whether enough is known of the present network to keep to the strategy: recursion works, or does not work and the
    /// network's resolver is known, or a portal holds the network.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_resolver_known = self.resolver.is_some();
        let is_path_known = self.path != PathCondition::Untested;
        self.is_captive
            || self.has_recursed
            || is_path_known && (!self.is_blocked() || is_resolver_known)
            || self.is_unanswered && is_resolver_known
    }

    /// Whether recursion is known to work on the present network.
    #[must_use]
    pub fn recursion_works(&self) -> bool {
        let is_path_good = self.path != PathCondition::Untested && !self.is_blocked();
        self.has_recursed || is_path_good
    }

    fn strategy_without_portal(&self) -> Strategy {
        match (self.path, self.resolver.filter(|_| self.has_resolver)) {
            (PathCondition::UdpBlocked, _) => Strategy::RecurseOverTcp,
            (..) if !self.is_blocked() || !self.terms.may_forward => Strategy::Recurse,
            (_, Some(ResolverQuality::Validatable)) => Strategy::ForwardValidating,
            (_, Some(ResolverQuality::Stripped)) if self.terms.may_leave_unvalidated => {
                Strategy::ForwardUnvalidated
            }
            _ => Strategy::Recurse,
        }
    }

    /// Whether recursion gets no answer, or none that can be proven. An interceptor may prove what lies in its cache, and
    /// resolve nothing else without RD.
    fn is_blocked(&self) -> bool {
        let is_deaf =
            self.fails_to_recurse && self.path == PathCondition::Intercepted { proves: true };
        self.path.needs_forwarding() || is_deaf
    }

    /// Whether validation alone stands in the way: the network's resolver answers, without signatures, and the
    /// operator has not agreed to that.
    #[must_use]
    pub fn needs_consent(&self) -> bool {
        self.terms.may_forward
            && !self.terms.may_leave_unvalidated
            && self.is_blocked()
            && self.resolver == Some(ResolverQuality::Stripped)
    }

    /// The machine has moved to a network, or its links have changed. `id` is the identifier of the network, if known;
    /// the same network keeps its strategy and its pauses, so that a flapping link costs nothing.
    pub fn enter(&mut self, id: Option<String>, now: Moment) {
        self.reported = PathCondition::Untested;
        self.unclear_left = MAX_UNCLEAR;
        if id.is_some() && id == self.network {
            self.probe_portal(now);
            // A link that was still coming up may have swallowed the first probes.
            self.is_unanswered = false;
            self.resolver = self.resolver.filter(|quality| *quality != ResolverQuality::Unusable);
            self.is_recursion_probed &= self.is_settled();
            self.is_resolver_probed &= self.is_settled();
            return;
        }
        let (terms, memory) = (self.terms, std::mem::take(&mut self.memory));
        let has_resolver = self.has_resolver;
        *self = StrategyMachine::new(terms).remembering(memory);
        (self.network, self.has_resolver) = (id, has_resolver);
        (self.is_recursion_probed, self.is_resolver_probed) = (false, false);
        self.recall(now);
        self.probe_portal(now);
    }

    /// The identifier of the present network has become known.
    pub fn identify(&mut self, id: String, now: Moment) {
        if self.network.is_some() {
            return;
        }
        self.network = Some(id);
        // What a blocked path leaves is known once the resolver is.
        let is_known = self.path != PathCondition::Untested;
        match is_known && (self.resolver.is_some() || !self.is_blocked()) {
            true => self.remember(),
            false => self.recall(now),
        }
    }

    /// Begins with the strategy of the last visit; a better one is tried at once.
    fn recall(&mut self, now: Moment) {
        let known = self.network.as_deref().and_then(|id| self.memory.recall(id));
        let (path, resolver) = match known {
            Some(Strategy::RecurseOverTcp) => (PathCondition::UdpBlocked, None),
            Some(Strategy::ForwardValidating) => {
                (PathCondition::Blocked, Some(ResolverQuality::Validatable))
            }
            Some(Strategy::ForwardUnvalidated) => {
                (PathCondition::Blocked, Some(ResolverQuality::Stripped))
            }
            Some(Strategy::Recurse | Strategy::Portal) | None => return,
        };
        (self.path, self.resolver) = (path, resolver);
        if path.needs_forwarding() {
            self.retry.hasten(now);
        }
    }

    fn remember(&mut self) {
        if let Some(id) = &self.network {
            self.memory.keep(id, self.strategy_without_portal());
        }
    }

    /// The probes that are due, which then count as begun.
    pub fn due(&mut self, now: Moment) -> Vec<Probe> {
        let mut due = Vec::new();
        if self.terms.probes_portals && self.portal_retry.claim(now) {
            self.portal_probed_at = Some(now);
            due.push(Probe::Portal);
        }
        if !self.terms.may_forward {
            return due;
        }
        let is_retry = self.has_resolver && self.is_blocked() && self.retry.claim(now);
        if self.has_resolver && (is_retry || !self.is_resolver_probed) {
            self.is_resolver_probed = true;
            due.push(Probe::Resolver);
        }
        if is_retry || !self.is_recursion_probed {
            self.is_recursion_probed = true;
            due.push(Probe::Recursion);
        }
        due
    }
}

mod observe;
#[cfg(test)]
mod tests;
