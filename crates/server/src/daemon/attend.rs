//! What the manager's thread does while workers serve.

use std::io;
use std::sync::Arc;

use zoners_host::service_manager;
use zoners_resolver::Event;

use super::first_recursion::try_recursion;
use super::keeper::Keeper;
use super::overseer::About;
use super::pulse::Pulse;
use super::reload::{self, Anew, Reloading};
use super::signals::Signals;
use super::wake::Wake;
use super::{Daemon, ListenStatus, OnFirstRecursion, Overseer, WorkerThread};
use crate::control::Control;

impl Daemon {
    /// Does what signals ask for until one asks for the end.
    pub(super) async fn attend(
        &mut self,
        workers: &[WorkerThread],
        bound: ListenStatus,
        control: Option<Control>,
        mut signals: Signals,
        mut keeper: Option<&mut Keeper>,
    ) -> io::Result<()> {
        let counters = workers.iter().map(|worker| worker.counters.clone()).collect();
        let overseer = Arc::new(Overseer::new(self.service(), counters, bound, self.about()));
        let conversing = async {
            match &control {
                Some(control) => control.serve(overseer.clone()).await,
                None => std::future::pending().await,
            }
        };
        let living = service_manager::signs_of_life(
            workers.iter().map(|w| w.link.runtime.clone()).collect(),
        );
        let following = self.follow_keys(&overseer);
        tokio::pin!(conversing, living, following);
        self.begin_first_recursion();
        let mut wake = Wake::watch(&self.shared);
        // What has changed before it was watched.
        self.look_around(workers, &overseer);
        let mut wrong_by = None;
        let mut pulse = Pulse::of(self.activity.clone());
        let mut reloading = Reloading::default();
        let ended = self.ended.clone();
        loop {
            tokio::select! {
                biased;
                _ = signals.terminate.recv() => return Ok(()),
                _ = signals.interrupt.recv() => return Ok(()),
                _ = signals.hangup.recv() => {
                    self.begin_reload(&mut reloading, Anew::Configuration);
                }
                renewed = reloading.done() => {
                    self.renew(renewed, workers, &overseer);
                    // Clients nearby may have changed while it was read.
                    self.look_around(workers, &overseer);
                    if let Some(anew) = reloading.take_next() {
                        self.begin_reload(&mut reloading, anew);
                    }
                }
                _ = signals.tell.recv() => overseer.tell(),
                _ = signals.unused.recv() => {}
                () = ended.notified() => return Ok(()),
                () = &mut conversing => {}
                () = &mut living => {}
                () = &mut following => {
                    self.begin_reload(&mut reloading, Anew::Files);
                    following.set(self.follow_keys(&overseer));
                }
                moved = wake.changed() => {
                    if moved {
                        tracing::info!("another network: what servers missed before is forgiven");
                        self.moved(Event::NetworkChanged, workers, &overseer);
                    }
                    self.look_around(workers, &overseer);
                }
                () = pulse.beat() => {
                    if let Some(event) = wake.look(&self.shared) {
                        self.moved(event, workers, &overseer);
                    }
                    if let Some(keeper) = &mut keeper {
                        keeper.look(&self.settings);
                    }
                    tell_of_clock(&mut wrong_by, self.shared.clock_doubt.wrong_by());
                    if self.hosts_have_changed() {
                        self.begin_reload(&mut reloading, Anew::Files);
                    }
                }
            }
        }
    }

    /// Sees beside serving whether recursion works from here.
    fn begin_first_recursion(&mut self) {
        let OnFirstRecursion(tell) = std::mem::take(&mut self.on_first_recursion);
        let random = self.shared.random.clone();
        let trying = try_recursion(self.network(), self.settings.clone(), random);
        tokio::spawn(async move { tell(&trying.await) });
    }

    /// Parts that the overseer reports.
    fn about(&self) -> About {
        About {
            config: self.file.clone(),
            second_level: self.second_level.clone(),
            sandbox: self.sandbox.layers().to_vec(),
            log: self.log.clone(),
        }
    }

    /// Whether the hosts file is another than when this was last asked. One that is wrong is told once so, and not
    /// every second.
    fn hosts_have_changed(&mut self) -> bool {
        let before = self.hosts_seen.take();
        self.hosts_seen = reload::hosts_seen(&self.config);
        self.hosts_seen != before
    }

    /// The machine is elsewhere, or has slept: what was held against servers says nothing any more, and
    /// what is open to them may be dead.
    fn moved(&self, event: Event, workers: &[WorkerThread], overseer: &Overseer) {
        self.shared.notify(event);
        workers.iter().for_each(|worker| worker.network.renew());
        overseer.service().worker().network().renew();
    }
}

/// Tells of a change in what is known of the clock.
fn tell_of_clock(before: &mut Option<i64>, now: Option<i64>) {
    match (*before, now) {
        (None, Some(by)) => tracing::error!(
            "the clock of this machine is wrong by about {by} s: no signature is in date"
        ),
        (Some(_), None) => tracing::info!("the clock of this machine is right again"),
        _ => {}
    }
    *before = now;
}
