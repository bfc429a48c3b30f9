//! The third state of the daemon: clients are served.

use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use zoners_host::service_manager;
use zoners_resolver::Event;
use zoners_sandbox::Sandbox;
use zoners_store::shared::SharedCache;

use super::attend::attend;
use super::first_recursion::{FirstRecursion, try_recursion};
use super::generation::{Core, Generation};
use super::keeper::CacheKeeper;
use super::listening::{ListenStatus, Listening};
use super::overseer::Overseer;
use super::reload::ReloadCaller;
use super::signals::Signals;
use super::workers::Workers;
use crate::control::Control;

/// A daemon that serves clients.
pub struct Running {
    pub(super) runtime: Runtime,
    pub(super) signals: Signals,
    pub(super) control: Option<Control>,
    pub(super) reload_requests: mpsc::Receiver<ReloadCaller>,
    pub(super) keeper: Option<CacheKeeper>,
    pub(super) status: ListenStatus,
    pub(super) serving: Serving,
}

impl Running {
    /// Where clients are served since the start.
    #[must_use]
    pub fn listens(&self) -> &ListenStatus {
        &self.status
    }

    /// Tries once, beside serving, whether recursion works from here, and hands the outcome to `tell`.
    pub fn try_recursion(&self, tell: impl FnOnce(&FirstRecursion) + Send + 'static) {
        let Serving { core, generation, workers, .. } = &self.serving;
        let network = workers.look_up_network(core, generation);
        let random = core.shared.random.clone();
        let trying = try_recursion(network, generation.settings.clone(), random);
        self.runtime.spawn(async move { tell(&trying.await) });
    }

    /// Serves until SIGTERM or SIGINT, and finishes the queries under way. SIGHUP reloads the configuration.
    ///
    /// # Errors
    /// A worker ended too early.
    pub fn run(self) -> io::Result<()> {
        let Running { runtime, signals, control, reload_requests, mut keeper, serving, .. } = self;
        service_manager::notify_ready();
        let serving = runtime.block_on(attend(
            serving,
            signals,
            control.as_ref(),
            reload_requests,
            keeper.as_mut(),
        ));
        service_manager::notify_stopping();
        let Serving { mut listening, workers, generation, .. } = serving;
        listening.leave();
        workers.join()?;
        if let Some(keeper) = keeper {
            keeper.finish(&generation.settings);
        }
        Ok(())
    }
}

/// Workers, listeners and the generation in force. A reload turns this into the next.
pub(super) struct Serving {
    pub(super) core: Core,
    pub(super) generation: Generation,
    pub(super) workers: Workers,
    pub(super) listening: Listening,
    pub(super) overseer: Arc<Overseer>,
    pub(super) second_level: Option<Arc<SharedCache>>,
    pub(super) sandbox: Arc<Sandbox>,
}

impl Serving {
    /// Looks for absent addresses and for neighbours, and serves both.
    pub(super) fn look_around(&mut self) {
        if self.listening.look_for_absent() {
            self.overseer.listens(self.listening.status());
        }
        if !self.generation.meet_neighbours() {
            return;
        }
        self.workers.put_rules_in_force(&self.generation);
        let rules = self.generation.rules.clone();
        self.overseer.renew(self.overseer.service().with_rules(rules));
        let allow: Vec<String> =
            self.generation.rules.allow().iter().map(ToString::to_string).collect();
        tracing::debug!("access: clients nearby: {}", allow.join(", "));
    }

    /// Takes back penalties of servers from before the machine moved or slept, and closes open upstream sockets.
    pub(super) fn forgive(&self, event: Event) {
        self.core.shared.notify(event);
        self.workers.renew_sockets();
        self.overseer.service().worker().network().renew();
    }
}
