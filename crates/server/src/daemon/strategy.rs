//! The strategy on the present network, in force: evidence goes to [`zoners_networks`], due probes are sent, and the
//! strategy becomes an overlay of the configuration, or the window of a captive portal.

mod base;
mod memory_file;
mod nat64;
mod overlay;
mod portal_api;
mod portal_pages;
mod probes;
mod resolvers;
mod settling;
mod windows;

use std::net::SocketAddr;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use zoners_api::{PortalReport, StrategyReport};
use zoners_dns::{Moment, Name, name};
use zoners_host::network::source_addresses;
use zoners_host::networks::NetworkFacts;
use zoners_http::HttpUrl;
use zoners_networks::{
    NetworkEvidence, PathCondition, PortalSession, Strategy, StrategyMachine, host_of,
};
use zoners_resolver::{Event, NetworkState, Obstacle, Shared};

use super::generation::STRATEGY_PROFILE;
use super::reload::{Reload, Reloading};
use super::serving::Serving;
use base::BaseSettings;
use memory_file::MemoryFile;
use nat64::Nat64Search;
use portal_api::api_address;
pub(super) use probes::ProbeFinding;
use probes::{ProbeNews, ProbePurpose, ProbeRequest};
use resolvers::{has_own_settings, resolvers};
use settling::SettlingTime;

/// Findings of probes that wait to be taken in.
const FINDINGS: usize = 16;

/// Keeps the strategy of the present network.
pub(super) struct StrategyKeeper {
    machine: StrategyMachine,
    base: BaseSettings,
    memory: MemoryFile,
    /// The present network is known by this identifier.
    id: Option<String>,
    resolvers: Vec<SocketAddr>,
    /// The API of the portal (RFC 8910), and its last word.
    portal_api: Option<HttpUrl>,
    portal_session: Option<PortalSession>,
    /// The host to which the portal sends its users.
    portal_host: Option<Name>,
    /// The strategy in force, and its resolvers.
    in_force: (Strategy, Vec<SocketAddr>),
    /// The time in which the strategy on a new network is not known yet.
    settling: Option<SettlingTime>,
    /// The network is new, and no question has waited yet.
    is_new: bool,
    /// There is no network.
    is_offline: bool,
    nat64: Nat64Search,
    /// How often the network has changed: findings of an earlier network are void.
    moves: u32,
    send: mpsc::Sender<ProbeFinding>,
    findings: mpsc::Receiver<ProbeFinding>,
}

impl StrategyKeeper {
    /// The keeper of a daemon that begins to serve on the present network. The memory lies in the state folder, if
    /// there is one.
    pub(super) fn begin(serving: &Serving) -> Self {
        let base = BaseSettings::of(&serving.generation);
        let memory = MemoryFile::new(serving.networks.folder());
        let machine = StrategyMachine::new(base.terms).remembering(memory.read());
        let (send, findings) = mpsc::channel(FINDINGS);
        let mut keeper = StrategyKeeper {
            machine,
            base,
            memory,
            id: None,
            resolvers: Vec::new(),
            portal_api: None,
            portal_session: None,
            portal_host: None,
            in_force: (Strategy::Recurse, Vec::new()),
            settling: None,
            is_new: false,
            is_offline: false,
            nat64: Nat64Search::default(),
            moves: 0,
            send,
            findings,
        };
        keeper.network_changed(serving, true);
        keeper
    }

    /// The next finding of a probe; none if it is time for a look. Safe to cancel and call again.
    pub(super) async fn finding(&mut self) -> Option<ProbeFinding> {
        let look = self.settling.as_ref().and_then(SettlingTime::next_look);
        let finding = async {
            match self.findings.recv().await {
                Some(finding) => finding,
                // A sender lives here, too.
                None => std::future::pending().await,
            }
        };
        let Some(look) = look else { return Some(finding.await) };
        let found = timeout_at(look, finding).await.ok();
        if let (None, Some(settling)) = (&found, &mut self.settling) {
            settling.note_look(Instant::now());
        }
        found
    }

    /// Links, addresses or routes have changed; `moved` if the machine is on another network.
    pub(super) fn network_changed(&mut self, serving: &Serving, moved: bool) {
        let networks = serving.overseer.networks();
        let now = serving.core.shared.now();
        let id = networks.id.map(|id| id.to_string());
        let is_other = id.is_some() && self.id.is_some() && id != self.id;
        let sources = source_addresses();
        let has_network = sources != [None; 2];
        // A network counts from a look at all of it: facts from before name no resolver of the network, or another's.
        let comes = self.is_offline && has_network && networks.facts.default_route().is_some();
        let moved = moved || comes;
        self.is_offline = !has_network || self.is_offline && !moved;
        self.nat64.network_changed(&networks.facts, sources, moved || is_other);
        if moved || is_other {
            self.moves = self.moves.wrapping_add(1);
            (self.portal_host, self.portal_session) = (None, None);
            self.is_new = true;
            self.machine.enter(id.clone(), now);
            self.id = id;
        } else if let (Some(id), None) = (id, &self.id) {
            self.id = Some(id.clone());
            self.machine.identify(id, now);
        }
        self.see_resolvers(&networks.facts);
    }

    /// Resolvers and terms, as they are now.
    fn see_resolvers(&mut self, facts: &NetworkFacts) {
        let now = resolvers(facts, self.base.has_family());
        self.machine.see_resolvers(!now.is_empty(), now != self.resolvers);
        self.resolvers = now;
        let route = facts.default_route();
        let told = route.and_then(|route| facts.link(&route.link)?.portal_api());
        self.portal_api = told.and_then(api_address);
        let mut terms = self.base.terms;
        terms.may_forward &= !self.resolvers.is_empty() || self.awaits_lease();
        // A server with a resolv.conf of its own is behind no portal.
        terms.probes_portals &= !self.resolvers.is_empty() && has_own_settings(facts);
        self.machine.set_terms(terms);
    }

    /// Whether the machine has just moved to a network: managers write the resolvers of a lease after its route.
    fn awaits_lease(&self) -> bool {
        self.moves > 1 && (self.is_new || self.settling.is_some())
    }

    /// The look once a second while clients ask, and more often on a new network; true if other routes follow from the
    /// present networks.
    pub(super) fn look(&mut self, serving: &mut Serving) -> bool {
        // The hardware address of the router is known after the first packet.
        let is_due = self.id.is_none() || self.awaits_lease();
        let has_other_routes = is_due && serving.look_at_networks();
        self.network_changed(serving, false);
        let shared = &serving.core.shared;
        self.machine.observe(NetworkEvidence::Path(path(shared)), shared.now());
        has_other_routes
    }

    /// Takes in the finding of a probe.
    pub(super) fn take(&mut self, finding: ProbeFinding, now: Moment) {
        if finding.moves != self.moves {
            return;
        }
        match finding.news {
            // The resolvers of an earlier lease.
            ProbeNews::Evidence(NetworkEvidence::Resolver(_), _)
                if finding.resolvers != self.resolvers => {}
            ProbeNews::Evidence(evidence, portal_host) => {
                if let Some(host) = portal_host {
                    self.portal_host = name::parse(&host).ok();
                }
                if matches!(evidence, NetworkEvidence::Portal(_)) {
                    self.portal_session = None;
                }
                self.machine.observe(evidence, now);
            }
            ProbeNews::Portal(session) => {
                let page = session.user_portal_url.as_deref();
                let host = page.and_then(host_of).and_then(|host| name::parse(&host).ok());
                self.portal_host = host.or(self.portal_host.take());
                self.machine.observe(NetworkEvidence::Portal(session.verdict()), now);
                if let Some(remaining) = session.remaining() {
                    self.machine.observe(NetworkEvidence::SessionEnds(remaining), now);
                }
                self.portal_session = Some(session);
            }
            ProbeNews::Nat64(found) => self.nat64.take(found),
        }
    }

    /// Sends the probes that are due, and puts the strategy into force.
    pub(super) fn apply(&mut self, serving: &mut Serving, reloading: &mut Reloading) {
        if self.base.is_of_earlier(&serving.generation) {
            self.base = BaseSettings::of(&serving.generation);
            self.see_resolvers(&serving.overseer.networks().facts);
        }
        self.begin_settling(serving);
        // Nothing can be found out without a network, and the next network is often the last one.
        if self.is_offline {
            return;
        }
        self.send_probes(serving);
        let strategy = self.machine.strategy();
        let (before, resolvers) =
            std::mem::replace(&mut self.in_force, (strategy, self.resolvers.clone()));
        if strategy != before {
            self.log(strategy);
            self.clear_evidence(serving, before, strategy);
        }
        let are_other = resolvers != self.resolvers;
        let is_other_portal =
            self.put_portal_in_force(serving, strategy == Strategy::Portal, are_other);
        if strategy != before || are_other || is_other_portal {
            self.put_present_way(serving, strategy);
        }
        let overlay = overlay::overlay(strategy, &self.resolvers);
        let nat64 = self.nat64.overlay().filter(|_| self.base.finds_nat64);
        let has_other_strategy = serving.core.set_overlay(STRATEGY_PROFILE, overlay);
        if serving.core.set_overlay(nat64::PROFILE, nat64) || has_other_strategy {
            reloading.begin(Reload::Files, Vec::new(), serving);
        }
        self.settle(serving, strategy);
        serving.overseer.knows_strategy(self.report());
        self.memory.write(self.machine.memory());
    }

    /// Without a network, and on a new one, lets questions that find no server wait for the strategy.
    fn begin_settling(&mut self, serving: &mut Serving) {
        let is_new = std::mem::take(&mut self.is_new);
        if !self.base.terms.may_forward || !self.is_offline && !is_new {
            return;
        }
        let now = Instant::now();
        if self.settling.as_ref().is_none_or(|settling| self.is_offline && !settling.is_offline()) {
            let (settling, open) = SettlingTime::begin(now);
            // The end of an earlier one lets its questions go on.
            self.settling = Some(settling);
            serving.core.settling = Some(open);
            serving.workers.put_in_force(&serving.core, &serving.generation);
        }
        if let Some(settling) = self.settling.as_mut().filter(|_| !self.is_offline) {
            settling.note_network(now);
        }
    }

    /// Lets the questions go on once the strategy is known, and asks as ever once the strategy is in force.
    fn settle(&mut self, serving: &mut Serving, strategy: Strategy) {
        let Some(settling) = self.settling.as_ref().filter(|it| !it.is_offline()) else { return };
        let is_over = settling.is_over(Instant::now());
        if !is_over && !self.machine.is_settled() && !strategy.forwards() {
            return;
        }
        if settling.is_open() {
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

    fn send_probes(&mut self, serving: &Serving) {
        let now = serving.core.shared.now();
        let mut purposes: Vec<ProbePurpose> =
            self.machine.due(now).into_iter().map(ProbePurpose::Strategy).collect();
        if self.base.finds_nat64 && !self.resolvers.is_empty() && self.nat64.is_due(now) {
            purposes.push(ProbePurpose::Nat64);
        }
        for purpose in purposes {
            let request = ProbeRequest {
                purpose,
                moves: self.moves,
                settings: self.base.settings.clone(),
                resolvers: self.resolvers.clone(),
                portal_probes: self.base.portal_probes.clone(),
                portal_api: self.portal_api.clone().map(|url| (url, self.portal_session.is_some())),
                own_addresses: serving.overseer.networks().facts.own_addresses(),
            };
            request.begin(serving, self.send.clone());
        }
    }

    /// The evidence of the resolver that no longer holds under a new strategy.
    fn clear_evidence(&self, serving: &mut Serving, before: Strategy, strategy: Strategy) {
        let shared = &serving.core.shared;
        match strategy {
            Strategy::RecurseOverTcp if !shared.broken_paths().udp => shared.presume_udp_blocked(),
            Strategy::Recurse if before.forwards() || before == Strategy::Portal => {
                serving.forgive(Event::NetworkChanged);
            }
            _ => {}
        }
    }

    fn log(&self, strategy: Strategy) {
        let says = strategy.says();
        let resolvers: Vec<String> = self.resolvers.iter().map(ToString::to_string).collect();
        match strategy {
            Strategy::Recurse => tracing::info!("network: {says}"),
            Strategy::RecurseOverTcp => tracing::warn!("network: {says}"),
            Strategy::ForwardValidating | Strategy::ForwardUnvalidated | Strategy::Portal => {
                tracing::warn!("network: {says} ({})", resolvers.join(", "));
            }
        }
    }

    fn report(&self) -> StrategyReport {
        let strategy = self.machine.strategy();
        let is_asked = strategy.forwards() || strategy == Strategy::Portal;
        let resolvers = self.resolvers.iter().filter(|_| is_asked);
        StrategyReport {
            strategy: strategy.to_string(),
            text: strategy.says().to_owned(),
            resolvers: resolvers.map(ToString::to_string).collect(),
            needs_consent: self.machine.needs_consent(),
            portal: self.portal_session.clone().map(portal_report),
        }
    }
}

fn portal_report(session: PortalSession) -> PortalReport {
    PortalReport {
        captive: session.captive,
        user_portal_url: session.user_portal_url,
        venue_info_url: session.venue_info_url,
        seconds_remaining: session.seconds_remaining,
        bytes_remaining: session.bytes_remaining,
        can_extend_session: session.can_extend_session,
    }
}

/// The way to foreign servers, as the resolver has found it.
fn path(shared: &Shared) -> PathCondition {
    match shared.network_state() {
        NetworkState::Obstructed(obstacle) => match obstacle {
            Obstacle::Intercepted { proves } => PathCondition::Intercepted { proves },
            Obstacle::Refused | Obstacle::Rejected | Obstacle::Silent => PathCondition::Blocked,
        },
        _ if shared.broken_paths().udp => PathCondition::UdpBlocked,
        NetworkState::Open => PathCondition::Open,
        NetworkState::Unknown | NetworkState::Doubtful => PathCondition::Untested,
    }
}
