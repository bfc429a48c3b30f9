//! The strategy on the present network, in force: evidence goes to [`zoners_networks`], due probes are sent, and the
//! strategy becomes an overlay of the configuration, or the window of a captive portal.

mod base;
mod findings;
mod memory_file;
mod nat64;
mod overlay;
mod portal_api;
mod portal_pages;
mod probes;
mod report;
mod resolvers;
mod settling;
mod windows;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use zoners_dns::{Moment, Name};
use zoners_host::network::source_addresses;
use zoners_host::networks::NetworkFacts;
use zoners_http::HttpUrl;
use zoners_networks::{NetworkEvidence, PathCondition, PortalSession, Strategy, StrategyMachine};
use zoners_resolver::{Event, NetworkState, Obstacle, Shared};

use super::generation::STRATEGY_PROFILE;
use super::reload::{Reload, Reloading};
use super::serving::Serving;
use base::BaseSettings;
use memory_file::MemoryFile;
use nat64::Nat64Search;
use portal_api::api_address;
pub(super) use probes::ProbeFinding;
use probes::{ProbePurpose, ProbeRequest};
use resolvers::{has_own_settings, resolvers};
use settling::SettlingTime;

/// Findings of probes that wait to be taken in.
const FINDINGS: usize = 16;
/// The system reports a move within this time.
const REPORT_DELAY: Duration = Duration::from_secs(2);

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
    api_failures: u8,
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
    /// When the network came, and the addresses from which packets leave.
    came: Option<(Instant, [Option<IpAddr>; 2])>,
    /// The network came, and evidence of the time without a network is not cleared yet.
    has_come_unreported: bool,
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
            api_failures: 0,
            portal_host: None,
            in_force: (Strategy::Recurse, Vec::new()),
            settling: None,
            is_new: false,
            is_offline: false,
            came: None,
            has_come_unreported: false,
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
        // A network counts from the first complete facts: earlier facts have no resolver, or that of another network.
        let comes = self.is_offline && has_network && networks.facts.default_route().is_some();
        // The report of a move comes a moment after the route that was seen already.
        let is_known = !comes
            && self.came.is_some_and(|(at, from)| from == sources && at.elapsed() < REPORT_DELAY);
        if comes {
            self.came = Some((Instant::now(), sources));
            self.has_come_unreported = !moved;
        }
        let moved = moved && !is_known || comes;
        self.is_offline = !has_network || self.is_offline && !moved;
        self.nat64.network_changed(&networks.facts, sources, moved || is_other);
        if moved || is_other {
            self.moves = self.moves.wrapping_add(1);
            (self.portal_host, self.portal_session, self.api_failures) = (None, None, 0);
            self.is_new = true;
            self.machine.enter(id.clone(), now);
            self.id = id;
        } else if let (Some(id), None) = (id, &self.id) {
            self.id = Some(id.clone());
            self.machine.identify(id, now);
        }
        self.see_resolvers(&networks.facts, now);
    }

    /// Resolvers and terms, as they are now.
    fn see_resolvers(&mut self, facts: &NetworkFacts, now: Moment) {
        let found = resolvers(facts, self.base.has_family());
        self.machine.see_resolvers(!found.is_empty(), found != self.resolvers);
        self.resolvers = found;
        let route = facts.default_route();
        let told = route.and_then(|route| facts.link(&route.link)?.portal_api());
        let api = told.and_then(api_address);
        if api.is_some() && api != self.portal_api {
            self.machine.see_portal_api(now);
        }
        self.portal_api = api;
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
        // The evidence of the network before is cleared in a moment.
        if !self.has_come_unreported {
            self.machine.observe(NetworkEvidence::Path(path(shared)), shared.now());
        }
        has_other_routes
    }

    /// Sends the probes that are due, and puts the strategy into force.
    pub(super) fn apply(&mut self, serving: &mut Serving, reloading: &mut Reloading) {
        if self.base.is_of_earlier(&serving.generation) {
            self.base = BaseSettings::of(&serving.generation);
            self.see_resolvers(&serving.overseer.networks().facts, serving.core.shared.now());
        }
        if std::mem::take(&mut self.has_come_unreported) {
            serving.forgive(Event::NetworkChanged);
        }
        self.begin_settling(serving);
        // Nothing can be found out without a network, and the next network is often the last one.
        if self.is_offline {
            // A window that was open belongs to the network that is left.
            if self.put_portal_in_force(serving, false, false) {
                serving.core.present_way.put(None);
            }
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
