//! Times in which the network's resolver may have to answer: behind a captive portal, and on a network whose strategy is
//! not known yet.

use std::net::IpAddr;
use std::sync::Arc;

use zoners_dns::Network;
use zoners_resolver::{Resolution, Trace};

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
    /// The same service behind a captive portal; `None` once the portal is open.
    #[must_use]
    pub fn behind_portal(self, window: Option<PortalWindow<N>>) -> Self {
        Service { window: window.map(|window| Arc::new(NetworkWindow::Portal(window))), ..self }
    }

    /// The same service on a network whose strategy is not known yet.
    #[must_use]
    pub fn settling(self, window: SettlingWindow<N>) -> Self {
        Service { window: Some(Arc::new(NetworkWindow::Settling(window))), ..self }
    }

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
                self.resolve_settling(window, asker, miss, trace).await
            }
        }
    }
}
