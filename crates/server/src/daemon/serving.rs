//! Workers, listeners and the generation in force: the part of a running daemon that a reload changes.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use zoners_api::DescriptorKind;
use zoners_dns::Transport;
use zoners_resolver::Event;
use zoners_sandbox::Sandbox;
use zoners_store::shared::SharedCache;

use super::acme_keeper::AcmeKeeper;
use super::generation::{Core, Generation};
use super::http::HttpServing;
use super::kept_sockets::KeptSockets;
use super::listeners::descriptor_kind;
use super::listening::{ListenStatus, Listening};
use super::networks::NetworkObserver;
use super::overseer::Overseer;
use super::policy_keeper::PolicyKeeper;
use super::recorders::Recorders;
use super::workers::Workers;
use super::zone_keeper::ZoneKeeper;
use crate::control::ControlSocket;
use crate::history::HistoryStore;
use crate::network_routes::network_routes;

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
    pub(super) kept: KeptSockets,
    pub(super) policies: PolicyKeeper,
    pub(super) zones: ZoneKeeper,
    pub(super) acme: AcmeKeeper,
    pub(super) history: Arc<HistoryStore>,
    /// The threads that hand queries and messages on.
    pub(super) recorders: Recorders,
}

impl Serving {
    /// The sockets in service, of clients, of the HTTP service and of the control socket.
    pub(super) fn sockets<'a>(
        &'a self,
        control: Option<&'a ControlSocket>,
    ) -> impl Iterator<Item = (DescriptorKind, BorrowedFd<'a>)> {
        let control = control.map(|control| (DescriptorKind::Control, control.as_fd()));
        let http = self.http.sockets();
        let clients = self.listening.sockets();
        let clients = clients.map(move |(transport, socket)| (descriptor_kind(transport), socket));
        control.into_iter().chain(http).chain(clients)
    }

    /// Has the service manager keep the sockets in service, and no others, for the next daemon. Sockets that the
    /// manager has bound stay there anyway.
    pub(super) fn keep_sockets(&mut self, control: Option<&ControlSocket>) {
        let mut kept = std::mem::take(&mut self.kept);
        let is_given = self.listening.is_given();
        let of_clients = Transport::ALL.map(descriptor_kind);
        let sockets = self.sockets(control);
        kept.update(sockets.filter(|(kind, _)| !is_given || !of_clients.contains(kind)));
        self.kept = kept;
    }

    /// Looks for absent addresses and for neighbours, and serves both. True if other routes follow from the present
    /// networks: files are to be reloaded.
    #[must_use]
    pub(super) fn look_around(&mut self) -> bool {
        self.look_for_neighbours();
        self.look_at_networks()
    }

    /// True if other routes follow from the present networks.
    pub(super) fn look_at_networks(&mut self) -> bool {
        let known = self.networks.look();
        self.core.networks = known.facts.clone();
        let config = &self.generation.config;
        let differs = network_routes(&known.facts, config) != config.network_routes;
        self.overseer.knows_networks(known);
        differs
    }

    fn look_for_neighbours(&mut self) {
        if self.listening.look_for_absent() {
            self.overseer.listens(self.listen_status());
        }
        if !self.generation.meet_neighbours(&self.core) {
            return;
        }
        self.put_rules_in_force();
        let allow: Vec<String> =
            self.generation.rules.allow().iter().map(ToString::to_string).collect();
        tracing::debug!("access: clients nearby: {}", allow.join(", "));
    }

    /// The time until a schedule of the policy begins or ends.
    pub(super) fn until_schedules_change(&self) -> Option<Duration> {
        self.generation.policy_term()?.left(self.core.shared.clock.wall_seconds())
    }

    /// Puts the present addresses of clients into force, if a group has clients by name.
    pub(super) fn leases_changed(&mut self) {
        if self.generation.config.policy.has_named_clients() {
            self.renew_policy();
        }
    }

    /// Puts the compiled lists, the pauses and the schedules of now into force. Queries under way end with the old rules.
    pub(super) fn renew_policy(&mut self) {
        self.core.policies.end_pauses(self.core.shared.now());
        self.generation.renew_policy(&self.core);
        self.put_rules_in_force();
    }

    fn put_rules_in_force(&self) {
        self.workers.put_rules_in_force(&self.generation);
        let rules = self.generation.rules.clone();
        self.overseer.renew(self.overseer.service().with_rules(rules));
    }

    /// Resolves the names of list servers and of the ACME server by the settings and over the network of now.
    pub(super) fn renew_list_resolver(&mut self) {
        let resolver = self.workers.look_up_resolver(&self.core, &self.generation);
        self.policies.resolve_by(resolver.clone());
        self.acme.resolve_by(resolver);
    }

    /// The addresses of the daemon, for reports.
    pub(super) fn listen_status(&self) -> ListenStatus {
        let (http, https) = (self.http.addresses(), self.http.https());
        ListenStatus { http, https, ..self.listening.status() }
    }

    /// Takes back penalties of servers from before the machine moved or slept, and closes open upstream sockets.
    pub(super) fn forgive(&mut self, event: Event) {
        self.core.memories().iter().for_each(|memory| memory.notify(event));
        self.overseer.has_tried_recursion(None);
        self.workers.renew_sockets();
        self.overseer.service().worker().network().renew();
        self.renew_list_resolver();
    }
}
