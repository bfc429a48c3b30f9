//! The guard of the system's DNS settings on macOS: when our entry in the dynamic store is made, removed and made
//! again.
//!
//! The guard turns events into actions, reads no clock, runs no program, and is tested on a Mac made of values. No
//! foreign entry is overwritten ([`crate::dynamic_store`]): so nothing has to be saved, and nothing to be restored.
//!
//! - The entry stands only while the daemon answers, by the rules of [`daemon_health`](crate::daemon_health); else the
//!   system asks as before.
//! - A VPN's change is left and told: resolvers of VPNs and of further programs come before ours by their order, and
//!   servers set "by hand" while a tunnel is up, or seconds before, are a VPN's. When the tunnel goes, our entry stands
//!   again, whatever the VPN left behind or wiped out: to take a person's choice for a VPN's is a nuisance, the reverse
//!   may end without DNS.
//! - A person's change is left and told: servers set by hand, standing for ten seconds without a tunnel. Servers from
//!   before the installation are no change, and neither is the removal of every server.
//! - Any further removal or outranking of the entry is undone, with growing pauses, lest two programs fight.

mod events;
pub(crate) mod retry;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::daemon_health::ProbeHistory;
use crate::resolvers::SystemResolver;

pub use events::{DnsCondition, GuardAction, GuardEvent, ServersByHand, StoreView};
use retry::Retry;

/// Servers set by hand count as a person's after this time, and as a VPN's if a tunnel comes up meanwhile.
const SETTLE_TIME: Duration = Duration::from_secs(10);
/// From this pause on, the report speaks of a program in conflict with us.
const CONTESTED_PAUSE: Duration = Duration::from_secs(8);
/// The begin of the name of a tunnel's interface.
const TUNNELS: [&str; 5] = ["utun", "ppp", "ipsec", "tun", "tap"];

/// The guard.
#[derive(Debug)]
pub struct Guard {
    /// The addresses of the daemon.
    own: Vec<IpAddr>,
    /// Servers set by hand when Zoners was installed.
    before: ServersByHand,
    /// Our entry was made last, and not removed by us.
    is_entered: bool,
    health: ProbeHistory,
    view: Option<StoreView>,
    /// The view is older than the last thing done.
    view_is_old: bool,
    /// When servers set by hand were first seen.
    seen_at: BTreeMap<(String, Vec<IpAddr>), Duration>,
    /// Servers set by hand by a VPN.
    of_vpn: BTreeSet<(String, Vec<IpAddr>)>,
    /// Tunnels that were there before any change.
    first_tunnels: Option<BTreeSet<String>>,
    retry: Retry,
    condition: Option<DnsCondition>,
    network_servers: Vec<SocketAddr>,
}

/// A choice of foreign servers, which is left alone.
enum ForeignChoice {
    Vpn(Vec<IpAddr>),
    Person { service: String, servers: Vec<IpAddr> },
}

impl Guard {
    /// A guard for a daemon at the addresses `own`. `before` are the servers that were set by hand when Zoners was
    /// installed.
    #[must_use]
    pub fn new(own: Vec<IpAddr>, before: ServersByHand) -> Self {
        Guard {
            own,
            before,
            is_entered: false,
            health: ProbeHistory::default(),
            view: None,
            view_is_old: true,
            seen_at: BTreeMap::new(),
            of_vpn: BTreeSet::new(),
            first_tunnels: None,
            retry: Retry::default(),
            condition: None,
            network_servers: Vec::new(),
        }
    }

    /// Takes note of an event at `now`, the time since any fixed moment; returns what to do, in this order.
    pub fn observe(&mut self, now: Duration, event: GuardEvent) -> Vec<GuardAction> {
        let mut actions = Vec::new();
        match event {
            GuardEvent::Probed(probe) => self.health.note_probe(now, probe, self.is_entered),
            // Silence while the machine slept is no silence.
            GuardEvent::Woke => {
                self.health.forget_failures();
                self.retry = Retry::default();
            }
            GuardEvent::Store(view) => actions.extend(self.see(now, view)),
            GuardEvent::Tick => {}
        }
        actions.extend(self.decide(now));
        actions
    }

    /// Whether the system asks our daemon, and if not, why.
    #[must_use]
    pub fn condition(&self) -> Option<&DnsCondition> {
        self.condition.as_ref()
    }

    /// Whether our entry was made last.
    #[must_use]
    pub fn is_entered(&self) -> bool {
        self.is_entered
    }

    /// The servers in `view` that a VPN or a person may have chosen by hand since the install: to be left alone until
    /// the guard has decided.
    pub fn open_choices(&mut self, view: &StoreView) -> BTreeSet<Vec<IpAddr>> {
        let has_tunnel = self.has_tunnel(view);
        let settings = self.settings(view).into_iter();
        let open = settings.filter(|setting| has_tunnel || !self.of_vpn.contains(setting));
        open.map(|(_, servers)| servers).collect()
    }

    /// The time until the next question to the daemon.
    #[must_use]
    pub fn interval(&self) -> Duration {
        let condition = self.condition.as_ref();
        let is_left = matches!(condition, Some(DnsCondition::Vpn(_) | DnsCondition::ByHand { .. }));
        self.health.interval(self.is_entered, is_left)
    }

    /// Takes over what the store has now.
    fn see(&mut self, now: Duration, view: StoreView) -> Option<GuardAction> {
        self.view_is_old = false;
        let settings = self.settings(&view);
        self.seen_at.retain(|setting, _| settings.contains(setting));
        self.of_vpn.retain(|setting| settings.contains(setting));
        for setting in settings {
            self.seen_at.entry(setting).or_insert(now);
        }
        if self.has_tunnel(&view) {
            let is_new = |at: Duration| now.saturating_sub(at) < SETTLE_TIME;
            let recent = self.seen_at.iter().filter(|(_, at)| is_new(**at));
            self.of_vpn.extend(recent.map(|(setting, _)| setting.clone()));
        }
        let servers = self.servers_of_network(&view);
        self.view = Some(view);
        (servers != self.network_servers).then(|| {
            self.network_servers.clone_from(&servers);
            GuardAction::NetworkServers(servers)
        })
    }

    /// Servers set by hand, neither ours nor as before.
    fn settings(&self, view: &StoreView) -> BTreeSet<(String, Vec<IpAddr>)> {
        let is_change = |service: &String, servers: &Vec<IpAddr>| {
            !servers.is_empty() && *servers != self.own && self.before.get(service) != Some(servers)
        };
        let changed = view.by_hand.iter().filter(|(service, servers)| is_change(service, servers));
        changed.map(|(service, servers)| (service.clone(), servers.clone())).collect()
    }

    /// Whether a tunnel has come since the begin: macOS has some always.
    fn has_tunnel(&mut self, view: &StoreView) -> bool {
        let tunnels = || view.interfaces.iter().filter(|name| is_tunnel(name));
        let first = self.first_tunnels.get_or_insert_with(|| tunnels().cloned().collect());
        tunnels().any(|name| !first.contains(name))
    }

    fn servers_of_network(&self, view: &StoreView) -> Vec<SocketAddr> {
        let all = view.resolvers.iter().filter(|resolver| is_for_all_names(resolver));
        let of_network = all.filter(|resolver| is_of_network(resolver) && !self.is_own(resolver));
        of_network.flat_map(|resolver| resolver.servers.iter().copied()).collect()
    }

    fn decide(&mut self, now: Duration) -> Vec<GuardAction> {
        let serves = match self.is_entered {
            true => !self.health.goes_down(now),
            false => self.health.is_trusted(now),
        };
        let failure = self.health.has_failed().then_some(DnsCondition::DaemonSilent);
        let (is_wanted, condition) = match self.foreign_choice(now) {
            _ if !serves => (false, failure),
            Some(ForeignChoice::Vpn(servers)) => (false, Some(DnsCondition::Vpn(servers))),
            Some(ForeignChoice::Person { service, servers }) => {
                (false, Some(DnsCondition::ByHand { service, servers }))
            }
            None => (true, None),
        };
        let mut actions = Vec::new();
        if is_wanted {
            actions.extend(self.keep_in_force(now));
        } else if self.is_entered {
            self.set_entered(false);
            actions.push(GuardAction::Remove);
        }
        actions.extend(self.report(condition.or_else(|| self.seen_condition())));
        actions
    }

    /// Servers chosen by a VPN or a person since Zoners was installed.
    fn foreign_choice(&mut self, now: Duration) -> Option<ForeignChoice> {
        let view = self.view.clone()?;
        let has_tunnel = self.has_tunnel(&view);
        for setting in self.settings(&view) {
            let stands = || {
                let at = self.seen_at.get(&setting).copied().unwrap_or(now);
                now.saturating_sub(at) >= SETTLE_TIME
            };
            match self.of_vpn.contains(&setting) {
                true if has_tunnel => return Some(ForeignChoice::Vpn(setting.1)),
                // What a VPN left behind is nobody's wish.
                true => {}
                false if stands() => {
                    let (service, servers) = setting;
                    return Some(ForeignChoice::Person { service, servers });
                }
                false => {}
            }
        }
        None
    }

    /// Makes the entry; also anew, where the store shows the entry gone or outranked.
    fn keep_in_force(&mut self, now: Duration) -> Option<GuardAction> {
        if self.is_entered {
            let view = self.view.as_ref().filter(|_| !self.view_is_old)?;
            let first = view.resolvers.iter().find(|resolver| is_for_all_names(resolver));
            let is_there = view.own.as_ref() == Some(&self.own);
            // Without any resolver there is no network, and nothing to win.
            let is_outranked =
                first.is_some_and(|first| is_of_network(first) && !self.is_own(first));
            if is_there && !is_outranked {
                self.retry.succeeded(now);
                return None;
            }
            if !self.retry.may_try(now) {
                return None;
            }
        }
        self.set_entered(true);
        Some(GuardAction::Enter(self.own.clone()))
    }

    fn set_entered(&mut self, is_entered: bool) {
        self.is_entered = is_entered;
        self.view_is_old = true;
        self.health.settings_changed(is_entered);
    }

    /// The condition shown by the store, if our entry shall stand; none where the store is not known yet.
    fn seen_condition(&self) -> Option<DnsCondition> {
        let view = self.view.as_ref().filter(|_| !self.view_is_old)?;
        let first = view.resolvers.iter().find(|resolver| is_for_all_names(resolver))?;
        let servers = || first.servers.iter().map(SocketAddr::ip).collect();
        if self.is_own(first) {
            Some(DnsCondition::Ours)
        } else if !is_of_network(first) {
            Some(DnsCondition::Vpn(servers()))
        } else {
            (self.retry.pause >= CONTESTED_PAUSE).then(|| DnsCondition::Contested(servers()))
        }
    }

    fn report(&mut self, condition: Option<DnsCondition>) -> Option<GuardAction> {
        let condition = condition.filter(|new| self.condition.as_ref() != Some(new))?;
        self.condition = Some(condition.clone());
        Some(GuardAction::Report(condition))
    }

    fn is_own(&self, resolver: &SystemResolver) -> bool {
        resolver.servers.iter().map(SocketAddr::ip).eq(self.own.iter().copied())
    }
}

fn is_for_all_names(resolver: &SystemResolver) -> bool {
    resolver.domain.is_empty() && !resolver.is_multicast && !resolver.servers.is_empty()
}

/// Whether a network named the servers: configd then tells the interface. A resolver without one is an entry of a
/// program, as ours and those of some VPNs are.
fn is_of_network(resolver: &SystemResolver) -> bool {
    resolver.interface.as_deref().is_some_and(|interface| !is_tunnel(interface))
}

fn is_tunnel(interface: &str) -> bool {
    TUNNELS.iter().any(|begin| interface.starts_with(begin))
}

#[cfg(test)]
mod tests;
