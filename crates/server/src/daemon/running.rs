//! The third state of the daemon: clients are served.

use std::io;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use zoners_host::service_manager;

use super::attend::{DaemonEnd, attend};
use super::first_recursion::{FirstRecursion, try_again};
use super::hand_over_requests::HandOverCaller;
use super::keeper::CacheKeeper;
use super::listening::ListenStatus;
use super::recursion_trial::{is_route_answered, try_recursion};
use super::reload_requests::ReloadCaller;
use super::run_history::RunHistory;
use super::serving::Serving;
use super::signals::Signals;
use crate::control::{ControlSocket, Predecessor};

/// A daemon that serves clients.
pub struct Running {
    pub(super) runtime: Runtime,
    pub(super) signals: Signals,
    pub(super) control: Option<ControlSocket>,
    pub(super) reload_requests: mpsc::Receiver<ReloadCaller>,
    pub(super) hand_over_requests: mpsc::Receiver<HandOverCaller>,
    /// The old daemon, until clients are served here.
    pub(super) predecessor: Option<Predecessor>,
    pub(super) keeper: Option<CacheKeeper>,
    pub(super) runs: RunHistory,
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
        let overseer = self.serving.overseer.clone();
        let trying = overseer.clone();
        let attempt = move || {
            let (network, settings, random) = (network.clone(), settings.clone(), random.clone());
            let trying = trying.clone();
            async move {
                let (of_routes, terms) = (network.clone(), (settings.clone(), random.clone()));
                let outcome = try_recursion(network, settings, random).await;
                let is_answered =
                    outcome.is_failure() && is_route_answered(of_routes, terms.0, terms.1).await;
                trying.has_tried_routes(is_answered);
                outcome
            }
        };
        self.runtime.spawn(async move {
            let first = attempt().await;
            overseer.has_tried_recursion(Some(&first));
            report(&first);
            try_again(attempt, &*overseer).await;
        });
    }

    /// Lets the old daemon end, if there is one.
    ///
    /// # Errors
    /// The old daemon goes on, so this one must end.
    pub fn confirm_take_over(&mut self) -> io::Result<()> {
        self.predecessor.take().map_or(Ok(()), Predecessor::confirm)?;
        self.serving.listening.share_sockets(false);
        self.control.iter().for_each(|control| control.share(false));
        Ok(())
    }

    /// Serves no longer, and finishes the queries under way.
    ///
    /// # Errors
    /// A worker ended too early.
    pub fn end(self) -> io::Result<()> {
        let Serving { mut listening, workers, .. } = self.serving;
        listening.leave();
        workers.join()
    }

    /// Serves until SIGTERM or SIGINT, or until a new daemon has taken over, and finishes the queries under way. SIGHUP
    /// reloads the configuration.
    ///
    /// # Errors
    /// A worker ended too early.
    pub fn run(self) -> io::Result<()> {
        let Running { runtime, signals, control, mut keeper, mut serving, runs, .. } = self;
        let (reload_requests, hand_over_requests) = (self.reload_requests, self.hand_over_requests);
        // Before clients rely on the service.
        serving.keep_sockets(control.as_ref());
        service_manager::notify_ready();
        runs.note_begin();
        let (serving, ending) = runtime.block_on(attend(
            serving,
            signals,
            control.as_ref(),
            reload_requests,
            hand_over_requests,
            keeper.as_mut(),
        ));
        let Serving { mut listening, workers, http, generation, kept, overseer, history, .. } =
            serving;
        overseer.close_dashboard();
        if ending == DaemonEnd::HandedOver {
            tracing::info!("restart: a new daemon serves: queries under way are finished here");
            listening.leave_to_successor();
            if let Some(keeper) = keeper {
                keeper.leave_to_successor();
            }
            drop(http);
            history.save();
            return workers.join();
        }
        service_manager::notify_stopping();
        if kept.is_empty() {
            listening.leave();
        } else {
            // The file of the control socket stays with the socket.
            control.iter().for_each(|control| control.share(true));
            listening.leave_to_manager();
        }
        drop(http);
        workers.join()?;
        if let Some(keeper) = keeper {
            keeper.finish(&generation.settings);
        }
        history.save();
        runs.note_clean_end();
        Ok(())
    }
}
