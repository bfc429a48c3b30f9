//! Workers, listeners and the generation in force: the part of a running daemon that a reload changes.

use std::sync::Arc;

use zoners_resolver::Event;
use zoners_sandbox::Sandbox;
use zoners_store::shared::SharedCache;

use super::generation::{Core, Generation};
use super::http::HttpServing;
use super::listening::{ListenStatus, Listening};
use super::networks::NetworkObserver;
use super::overseer::Overseer;
use super::workers::Workers;

/// Workers, listeners and the generation in force. A reload turns this into the next.
pub(super) struct Serving {
    pub(super) core: Core,
    pub(super) generation: Generation,
    pub(super) workers: Workers,
    pub(super) listening: Listening,
    pub(super) http: HttpServing,
    pub(super) overseer: Arc<Overseer>,
    pub(super) second_level: Option<Arc<SharedCache>>,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) networks: NetworkObserver,
}

impl Serving {
    /// Looks for absent addresses and for neighbours, and serves both. Looks at the networks.
    pub(super) fn look_around(&mut self) {
        self.overseer.knows_networks(self.networks.look());
        if self.listening.look_for_absent() {
            self.overseer.listens(self.listen_status());
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

    /// The addresses of the daemon, for reports.
    pub(super) fn listen_status(&self) -> ListenStatus {
        ListenStatus { http: self.http.addresses(), ..self.listening.status() }
    }

    /// Takes back penalties of servers from before the machine moved or slept, and closes open upstream sockets.
    pub(super) fn forgive(&self, event: Event) {
        self.core.shared.notify(event);
        self.overseer.has_tried_recursion(None);
        self.workers.renew_sockets();
        self.overseer.service().worker().network().renew();
    }
}
