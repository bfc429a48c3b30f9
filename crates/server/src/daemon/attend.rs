//! The work of the main thread while workers serve: signals, the control socket, reloads, changes of the network, and
//! a look at everything once a second while clients ask.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use zoners_host::service_manager;
use zoners_resolver::Event;

use super::hand_over::HandingOver;
use super::hand_over_requests::HandOverCaller;
use super::keeper::CacheKeeper;
use super::lease_keeper::{LeaseChange, LeaseKeeper};
use super::overseer::Overseer;
use super::policy_keeper::PolicyChange;
use super::pulse::Pulse;
use super::reload::{NextGeneration, Reload, Reloading};
use super::reload_requests::ReloadCaller;
use super::rollover;
use super::serving::Serving;
use super::signals::{SignalRequest, Signals};
use super::strategy::{ProbeFinding, StrategyKeeper};
use super::wake::Wake;
use super::watched_files::WatchedFiles;
use super::zone_keeper::{self, copy_of};
use crate::control::ControlSocket;
use crate::zones::ZoneNews;

/// Why attending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DaemonEnd {
    /// A signal asked for the end, or a worker ended.
    Stopped,
    /// A new daemon serves the clients.
    HandedOver,
}

/// Attends to `serving` until a signal asks for the end, a worker ends or a new daemon has taken over, and hands
/// `serving` back.
pub(super) async fn attend(
    mut serving: Serving,
    mut signals: Signals,
    control: Option<&ControlSocket>,
    mut reload_requests: mpsc::Receiver<ReloadCaller>,
    mut hand_over_requests: mpsc::Receiver<HandOverCaller>,
    mut keeper: Option<&mut CacheKeeper>,
) -> (Serving, DaemonEnd) {
    let (overseer, ended) = (serving.overseer.clone(), serving.workers.ended.clone());
    let conversing = converse(control, overseer.clone());
    let living = service_manager::signs_of_life(serving.workers.runtimes());
    let following = rollover::follow(overseer.clone(), &serving.generation.config);
    tokio::pin!(conversing, living, following);
    let (mut wake, mut pulse) = (Wake::watch(), Pulse::of(serving.workers.activity.clone()));
    serving.policies.look(&serving.core, &serving.generation.config.policy);
    let (mut reloading, mut handing_over) = (Reloading::default(), HandingOver::default());
    // Changes from before the watch.
    reload_files_if(serving.look_around(), &mut reloading, &serving);
    serving.keep_sockets(control);
    serving.overseer.open_dashboard_without_link();
    let mut strategies = StrategyKeeper::begin(&serving);
    let mut leases = LeaseKeeper::begin(&serving.generation);
    loop {
        strategies.apply(&mut serving, &mut reloading);
        let left = serving.until_schedules_change();
        tokio::select! {
            biased;
            request = signals.next() => match request {
                SignalRequest::End => return (serving, DaemonEnd::Stopped),
                SignalRequest::Reload => {
                    reloading.begin(Reload::Configuration, Vec::new(), &serving);
                }
                SignalRequest::Report => overseer.tell(),
            },
            Some(caller) = reload_requests.recv() => reloading.begin(Reload::Configuration, vec![caller], &serving),
            Some(caller) = hand_over_requests.recv() => {
                handing_over.begin(caller, &serving, control, keeper.as_deref_mut());
            }
            confirmed = handing_over.is_confirmed() => {
                if confirmed {
                    return (serving, DaemonEnd::HandedOver);
                }
                serve_on(&mut serving, control);
            }
            change = serving.policies.change(left) => policy_changed(&mut serving, change),
            () = serving.acme.news() => certificate_renewed(&serving, &mut reloading),
            news = serving.zones.news() => zone_changed(&mut serving, &news),
            next = reloading.done() => {
                serving = end_reload(serving, &mut reloading, next);
                leases.follow(&serving.generation);
                serving.keep_sockets(control);
            }
            () = ended.notified() => return (serving, DaemonEnd::Stopped),
            () = &mut conversing => {}
            () = &mut living => {}
            () = &mut following => {
                reloading.begin(Reload::Files, Vec::new(), &serving);
                following.set(rollover::follow(overseer.clone(), &serving.generation.config));
            }
            moved = wake.changed() => {
                serving.networks.note_advertised(wake.advertised());
                let is_needed = network_changed(&mut serving, &mut strategies, moved);
                reload_files_if(is_needed, &mut reloading, &serving);
                serving.keep_sockets(control);
            }
            change = leases.change(&serving.generation) => leases_changed(&mut serving, &mut leases, change),
            finding = strategies.finding() => {
                let is_needed = note_finding(&mut serving, &mut strategies, finding);
                reload_files_if(is_needed, &mut reloading, &serving);
            }
            () = pulse.beat() => {
                let keeper = keeper.as_deref_mut();
                let is_needed = look(&mut serving, &mut wake, &mut strategies, keeper);
                reload_files_if(is_needed, &mut reloading, &serving);
            }
        }
    }
}

/// Serves the control socket, if there is one.
async fn converse(control: Option<&ControlSocket>, overseer: Arc<Overseer>) {
    match control {
        Some(control) => control.serve(overseer).await,
        None => std::future::pending().await,
    }
}

/// Puts the next generation into force, gives the callers the report, and begins a reload requested meanwhile.
fn end_reload(serving: Serving, reloading: &mut Reloading, next: NextGeneration) -> Serving {
    let (mut serving, report) = serving.reload(next);
    if report.reloaded && reloading.was_asked_for() {
        serving.overseer.count_reload();
    }
    reloading.report(&report);
    // Neighbours and networks may have changed while files were read.
    if serving.look_around() {
        reloading.request(Reload::Files);
    }
    serving.policies.look(&serving.core, &serving.generation.config.policy);
    reloading.begin_requested(&serving);
    serving
}

/// Takes back the sockets, since the new daemon did not come up.
fn serve_on(serving: &mut Serving, control: Option<&ControlSocket>) {
    serving.listening.reclaim();
    control.iter().for_each(|control| control.share(false));
    tracing::warn!("restart: the new daemon did not come up: this one serves on");
}

/// Puts a new certificate into force, and makes anew what depends on it. A reload may be refused for a fault of another
/// file.
fn certificate_renewed(serving: &Serving, reloading: &mut Reloading) {
    serving.generation.put_tls(&serving.core);
    reloading.begin(Reload::Files, Vec::new(), serving);
}

/// Takes in a change of lists, pauses or schedules, and puts the policy into force, if the policy has changed.
fn policy_changed(serving: &mut Serving, change: PolicyChange) {
    if serving.policies.take(change, &serving.core, &serving.generation) {
        serving.renew_policy();
    }
    // The configuration may have changed meanwhile.
    serving.policies.look(&serving.core, &serving.generation.config.policy);
}

/// Puts the new version of a zone into force, or takes an expired one out of force.
fn zone_changed(serving: &mut Serving, news: &ZoneNews) {
    zone_keeper::log(news);
    let (apex, copy) = copy_of(news);
    serving.core.transferred.put(apex.clone(), copy);
    serving.generation.put_transferred(&serving.core);
    // The cache has of the root what the root servers say, too: it expires by itself.
    if apex.is_root() {
        return;
    }
    // Clients get no answer of the zone.
    if serving.generation.config.policy.has_list_of(&apex) {
        return serving.policies.look(&serving.core, &serving.generation.config.policy);
    }
    // Rules with a new number, so that no finished answer has the former version; then the rest of the cache.
    serving.renew_policy();
    for memory in serving.core.memories() {
        memory.cache.flush(&apex, true);
    }
}

/// Puts names of leases into force, without a reload.
fn leases_changed(serving: &mut Serving, leases: &mut LeaseKeeper, change: LeaseChange) {
    leases.apply(change, &serving.generation);
    serving.leases_changed();
}

/// Takes in the finding of a probe, or looks where it is time; true if files are to be reloaded.
fn note_finding(
    serving: &mut Serving,
    strategies: &mut StrategyKeeper,
    finding: Option<ProbeFinding>,
) -> bool {
    match finding {
        Some(finding) => strategies.take(finding, serving.core.shared.now()),
        None => return strategies.look(serving),
    }
    false
}

/// Links, addresses, routes or settings of networks have changed; `moved` if the machine is on another network. True if
/// files are to be reloaded.
fn network_changed(serving: &mut Serving, strategies: &mut StrategyKeeper, moved: bool) -> bool {
    if moved {
        tracing::info!("network: changed: server timeout history reset");
        serving.forgive(Event::NetworkChanged);
    }
    let has_other_routes = serving.look_around();
    strategies.network_changed(serving, moved);
    has_other_routes
}

/// The look at everything, once a second while clients ask; true if files are to be reloaded.
fn look(
    serving: &mut Serving,
    wake: &mut Wake,
    strategies: &mut StrategyKeeper,
    keeper: Option<&mut CacheKeeper>,
) -> bool {
    serving.overseer.note_day();
    serving.overseer.open_dashboard_without_link();
    serving.policies.look_sometimes(&serving.core, &serving.generation.config.policy);
    // A timer stands still while the machine sleeps, and the clock may be set.
    let is_over = serving.until_schedules_change() == Some(Duration::ZERO);
    let config = &serving.generation.config.policy;
    let has_moved = serving.policies.look_at_neighbours(&serving.core, config);
    if is_over || has_moved || serving.core.policies.has_ended_pause(serving.core.shared.now()) {
        serving.renew_policy();
    }
    if let Some(event) = wake.look(&serving.core.shared) {
        serving.forgive(event);
        strategies.network_changed(serving, true);
    }
    if let Some(keeper) = keeper {
        keeper.look(&serving.generation.settings);
    }
    let has_other_routes = wake.has_other_settings() && serving.look_at_networks();
    let has_other_routes = strategies.look(serving) || has_other_routes;
    has_other_files(serving) || has_other_routes
}

/// Reads the named files anew, if that is needed.
fn reload_files_if(is_needed: bool, reloading: &mut Reloading, serving: &Serving) {
    if is_needed {
        reloading.begin(Reload::Files, Vec::new(), serving);
    }
}

/// Whether the hosts file or a zone file has changed since the last look. Faults of a file are logged once, and not every
/// second.
fn has_other_files(serving: &mut Serving) -> bool {
    let generation = &mut serving.generation;
    let now = WatchedFiles::look(&generation.config);
    std::mem::replace(&mut generation.files, now) != generation.files
}
