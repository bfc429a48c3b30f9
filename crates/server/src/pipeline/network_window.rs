//! Times in which the network's resolver may have to answer: behind a captive portal, and on a network whose strategy is
//! not known yet.

use std::net::IpAddr;
use std::sync::Arc;

use zoners_dns::{Network, Question};
use zoners_resolver::{Cause, Resolution, Settings, Trace};

use super::Service;
use super::portal::PortalWindow;
use super::query::Miss;
use super::rebinding::AnswerOrigin;
use super::settling::SettlingWindow;

/// The window of a worker.
#[derive(Debug)]
pub(super) enum NetworkWindow<N: Network> {
    /// A captive portal holds the network.
    Portal(PortalWindow<N>),
    /// The strategy on the network is not known yet.
    Settling(SettlingWindow<N>),
}

impl<N: Network> Service<N> {
    /// Whether a question that failed before may have an answer by now.
    pub(super) fn is_in_window(&self) -> bool {
        self.window.as_deref().is_some_and(|window| match window {
            NetworkWindow::Portal(_) => true,
            NetworkWindow::Settling(window) => !window.is_offline(),
        })
    }

    /// Takes a miss through the window.
    pub(super) async fn resolve_in_window(
        &self,
        window: &NetworkWindow<N>,
        asker: Option<IpAddr>,
        miss: &Miss,
        trace: Option<Arc<Trace>>,
    ) -> (Resolution, AnswerOrigin) {
        match window {
            NetworkWindow::Portal(window) => self.resolve_behind(window, asker, miss, trace).await,
            NetworkWindow::Settling(window) => {
                let resolution = self.resolve_settling(window, asker, miss, trace).await;
                (resolution, AnswerOrigin::Resolver)
            }
        }
    }
}

/// Whether a question goes to resolvers of its own: of the configuration, of a VPN or of a home.
pub(super) fn has_own_route(settings: &Settings, question: &Question) -> bool {
    settings.route(&question.name).is_some_and(|route| !route.zone.is_root())
}

/// Whether the network may be the cause of a failure.
pub(super) fn is_of_network(cause: Cause) -> bool {
    match cause {
        Cause::Silent
        | Cause::Unusable
        | Cause::NoAddress
        | Cause::Remembered
        | Cause::Budget
        | Cause::Deadline
        | Cause::Bogus
        | Cause::BogusZone => true,
        Cause::Cancelled
        | Cause::Cycle
        | Cause::Depth
        | Cause::Aliases
        | Cause::Overloaded
        | Cause::Sentinel => false,
    }
}
