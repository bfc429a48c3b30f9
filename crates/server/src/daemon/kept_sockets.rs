//! Sockets that the service manager keeps while the daemon restarts: clients wait in the queue of the kernel, instead
//! of being refused.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;

use zoners_api::DescriptorKind;
use zoners_host::paths::runtime::control_sockets;
use zoners_host::service_manager::descriptor_store::{self, StoredSocket};

use super::listeners::descriptor_kind;
use super::take_over::serves;
use crate::config::{AddressSpec, Config};

/// The kinds of sockets in the store, with the words of their names.
const KINDS: [(DescriptorKind, &str); 7] = [
    (DescriptorKind::Udp, "udp"),
    (DescriptorKind::Tcp, "tcp"),
    (DescriptorKind::Tls, "tls"),
    (DescriptorKind::Https, "https"),
    (DescriptorKind::Quic, "quic"),
    (DescriptorKind::Http, "http"),
    (DescriptorKind::Control, "control"),
];

/// The names in the store of the manager.
#[derive(Debug, Default)]
pub(super) struct KeptSockets {
    names: BTreeSet<String>,
}

impl KeptSockets {
    /// Sorts the sockets of an earlier daemon. Sockets at addresses of `config` are returned; the store has closed the
    /// other sockets at the return, so that their addresses can be bound. `given`: whether the manager has bound sockets for
    /// clients.
    pub(super) fn sort(
        stored: Vec<StoredSocket>,
        config: &Config,
        given: bool,
    ) -> (Self, Vec<(DescriptorKind, OwnedFd)>) {
        let all: BTreeSet<String> = stored.iter().map(|stored| stored.name.clone()).collect();
        let sockets = stored.into_iter().filter_map(|StoredSocket { name, socket }| {
            let kind = descriptor_store::kind_of(&name)?;
            let (kind, _) = KINDS.into_iter().find(|(_, word)| *word == kind)?;
            Some((name, kind, socket))
        });
        let sockets: Vec<(String, DescriptorKind, OwnedFd)> = sockets.collect();
        let addresses = WantedSockets::of(config, given, &sockets);
        let wanted: Vec<_> =
            sockets.into_iter().filter(|(_, kind, socket)| addresses.want(*kind, socket)).collect();
        let names = wanted.iter().map(|(name, ..)| name.clone()).collect();
        remove(all.difference(&names), true);
        let wanted = wanted.into_iter().map(|(_, kind, socket)| (kind, socket));
        (KeptSockets { names }, wanted.collect())
    }

    /// The sockets that the manager keeps for an old daemon of this service, and will keep for this one.
    pub(super) fn of_predecessor(names: Vec<String>) -> Self {
        KeptSockets { names: names.into_iter().collect() }
    }

    /// The names in the store.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Lets the manager keep these sockets alone.
    pub(super) fn update<'a>(
        &mut self,
        sockets: impl Iterator<Item = (DescriptorKind, BorrowedFd<'a>)>,
    ) {
        if !descriptor_store::may_exist() {
            return;
        }
        let named = sockets.filter_map(|(kind, socket)| {
            let (_, word) = KINDS.into_iter().find(|(known, _)| *known == kind)?;
            Some((descriptor_store::name(word, socket).ok()?, socket))
        });
        let named: Vec<(String, BorrowedFd<'a>)> = named.collect();
        let names: BTreeSet<String> = named.iter().map(|(name, _)| name.clone()).collect();
        remove(self.names.difference(&names), false);
        for (name, socket) in named.iter().filter(|(name, _)| !self.names.contains(name)) {
            if let Err(error) = descriptor_store::keep(name, *socket) {
                tracing::warn!("service manager: {name} is not kept over restarts: {error}");
            }
        }
        self.names = names;
    }

    /// Whether the manager keeps nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Has the manager close sockets; with `wait`, until the sockets are closed.
fn remove<'a>(names: impl Iterator<Item = &'a String>, wait: bool) {
    let mut removed = names.map(|name| descriptor_store::remove(name)).peekable();
    if removed.peek().is_none() {
        return;
    }
    let done = removed.collect::<Result<(), _>>();
    let done = if wait { done.and_then(|()| descriptor_store::wait_until_done()) } else { done };
    if let Err(error) = done {
        tracing::warn!("service manager: unused sockets are not closed: {error}");
    }
}

/// The sockets that a configuration wants.
struct WantedSockets {
    clients: Vec<(DescriptorKind, SocketAddr)>,
    http: Vec<SocketAddr>,
    control: Vec<std::path::PathBuf>,
}

impl WantedSockets {
    /// An address counts only if `stored` has sockets of each of its transports.
    fn of(config: &Config, given: bool, stored: &[(String, DescriptorKind, OwnedFd)]) -> Self {
        let has = |wanted: (DescriptorKind, SocketAddr)| {
            let serves = |socket: &OwnedFd| {
                address(wanted.0, socket).is_some_and(|bound| serves(bound, wanted.1))
            };
            stored.iter().any(|(_, kind, socket)| *kind == wanted.0 && serves(socket))
        };
        let listeners = config.listeners();
        let complete = AddressSpec::all_of(&listeners).filter(|_| !given).filter_map(|spec| {
            let sockets = spec
                .listeners
                .iter()
                .map(|listener| (descriptor_kind(listener.transport), spec.address));
            let sockets: Vec<_> = sockets.collect();
            sockets.iter().all(|socket| has(*socket)).then_some(sockets)
        });
        let clients = complete.flatten().collect();
        // The file may be gone with the folder.
        let mut control = control_sockets(config.server.control.as_deref());
        control.retain(|path| path.exists());
        let https = config.https().into_iter().map(|https| https.address);
        let http = config.server.http.iter().copied().chain(https).collect();
        WantedSockets { clients, http, control }
    }

    fn want(&self, kind: DescriptorKind, socket: &OwnedFd) -> bool {
        let bound = address(kind, socket);
        let is_at = |wanted: &SocketAddr| bound.is_some_and(|bound| serves(bound, *wanted));
        match kind {
            DescriptorKind::Udp
            | DescriptorKind::Tcp
            | DescriptorKind::Tls
            | DescriptorKind::Quic => {
                self.clients.iter().any(|(of, wanted)| *of == kind && is_at(wanted))
            }
            DescriptorKind::Http | DescriptorKind::Https => self.http.iter().any(is_at),
            DescriptorKind::Control => {
                let listener = socket.try_clone().map(UnixListener::from);
                let address = listener.and_then(|listener| listener.local_addr()).ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                path.is_some_and(|path| self.control.iter().any(|wanted| wanted == path))
            }
            DescriptorKind::Lock | DescriptorKind::Log | DescriptorKind::Other => false,
        }
    }
}

/// The local address of a socket for clients.
fn address(kind: DescriptorKind, socket: &OwnedFd) -> Option<SocketAddr> {
    let socket = socket.as_fd().try_clone_to_owned().ok()?;
    match kind {
        DescriptorKind::Udp | DescriptorKind::Quic => UdpSocket::from(socket).local_addr().ok(),
        _ => TcpListener::from(socket).local_addr().ok(),
    }
}
