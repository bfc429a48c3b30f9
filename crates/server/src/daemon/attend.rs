//! The work of the main thread while workers serve: signals, the control socket, reloads, changes of the network, and
//! a look at everything once a second while clients ask.

use tokio::sync::mpsc;
use zoners_host::service_manager;
use zoners_resolver::Event;

use super::hosts_file::HostsVersion;
use super::keeper::CacheKeeper;
use super::pulse::Pulse;
use super::reload::{Reload, Reloading};
use super::reload_requests::ReloadCaller;
use super::rollover;
use super::serving::Serving;
use super::signals::Signals;
use super::wake::Wake;
use crate::control::ControlSocket;

/// Attends to `serving` until a signal asks for the end or a worker ends, and hands it back.
pub(super) async fn attend(
    mut serving: Serving,
    mut signals: Signals,
    control: Option<&ControlSocket>,
    mut reload_requests: mpsc::Receiver<ReloadCaller>,
    mut keeper: Option<&mut CacheKeeper>,
) -> Serving {
    let overseer = serving.overseer.clone();
    let conversing = async {
        match control {
            Some(control) => control.serve(overseer.clone()).await,
            None => std::future::pending().await,
        }
    };
    let living = service_manager::signs_of_life(serving.workers.runtimes());
    let following = rollover::follow(overseer.clone(), &serving.generation.config);
    tokio::pin!(conversing, living, following);
    let mut wake = Wake::watch(&serving.core.shared);
    // Changes from before the watch.
    serving.look_around();
    let (activity, ended) = (serving.workers.activity.clone(), serving.workers.ended.clone());
    let mut pulse = Pulse::of(activity);
    let mut reloading = Reloading::default();
    loop {
        tokio::select! {
            biased;
            _ = signals.terminate.recv() => return serving,
            _ = signals.interrupt.recv() => return serving,
            _ = signals.hangup.recv() => {
                reloading.begin(Reload::Configuration, Vec::new(), &serving);
            }
            Some(caller) = reload_requests.recv() => {
                reloading.begin(Reload::Configuration, vec![caller], &serving);
            }
            next = reloading.done() => {
                let report;
                (serving, report) = serving.reload(next);
                reloading.report(&report);
                // Neighbours may have changed while files were read.
                serving.look_around();
                reloading.begin_requested(&serving);
            }
            _ = signals.report.recv() => overseer.tell(),
            _ = signals.unused.recv() => {}
            () = ended.notified() => return serving,
            () = &mut conversing => {}
            () = &mut living => {}
            () = &mut following => {
                reloading.begin(Reload::Files, Vec::new(), &serving);
                following.set(rollover::follow(overseer.clone(), &serving.generation.config));
            }
            moved = wake.changed() => {
                if moved {
                    tracing::info!("network: changed: server timeout history reset");
                    serving.forgive(Event::NetworkChanged);
                }
                serving.look_around();
            }
            () = pulse.beat() => {
                if let Some(event) = wake.look(&serving.core.shared) {
                    serving.forgive(event);
                }
                if let Some(keeper) = &mut keeper {
                    keeper.look(&serving.generation.settings);
                }
                if has_other_hosts(&mut serving) {
                    reloading.begin(Reload::Files, Vec::new(), &serving);
                }
            }
        }
    }
}

/// Whether the hosts file has changed since the last look. Faults of a file are logged once, and not every second.
fn has_other_hosts(serving: &mut Serving) -> bool {
    let generation = &mut serving.generation;
    let now = HostsVersion::look(&generation.config);
    std::mem::replace(&mut generation.hosts, now) != generation.hosts
}
