//! The third state of the daemon: clients are served.

use std::io;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use zoners_host::service_manager;

use super::attend::attend;
use super::first_recursion::{FirstRecursion, try_again, try_recursion};
use super::keeper::CacheKeeper;
use super::listening::ListenStatus;
use super::reload_requests::ReloadCaller;
use super::serving::Serving;
use super::signals::Signals;
use crate::control::ControlSocket;

/// A daemon that serves clients.
pub struct Running {
    pub(super) runtime: Runtime,
    pub(super) signals: Signals,
    pub(super) control: Option<ControlSocket>,
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

    /// Tries beside serving whether recursion works from here, and hands the outcome to `report`. A failure is tried
    /// again until more is known: a client that waits for a healthy daemon asks nothing, so nothing else would tell.
    pub fn try_recursion(&self, report: impl FnOnce(&FirstRecursion) + Send + 'static) {
        let Serving { core, generation, workers, .. } = &self.serving;
        let network = workers.look_up_network(core, generation);
        let (settings, random) = (generation.settings.clone(), core.shared.random.clone());
        let attempt = move || try_recursion(network.clone(), settings.clone(), random.clone());
        let overseer = self.serving.overseer.clone();
        self.runtime.spawn(async move {
            let first = attempt().await;
            overseer.has_tried_recursion(Some(&first));
            report(&first);
            try_again(attempt, &*overseer).await;
        });
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
        let Serving { mut listening, workers, http, generation, .. } = serving;
        listening.leave();
        drop(http);
        workers.join()?;
        if let Some(keeper) = keeper {
            keeper.finish(&generation.settings);
        }
        Ok(())
    }
}
