//! The addresses in service, and the change of addresses by a reload.
//!
//! A reload binds new addresses before anything else changes, so an error leaves the old state. Unwanted addresses are
//! left once the new configuration is in force.

mod listen_status;
mod served_address;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use zoners_dns::Transport;

use super::at_work::SocketCopies;
use super::bind::bind_all;
use super::listeners::{BoundAddresses, ServedListener, warn_of_tables_without_socket};
use super::required_certificates::check_required_certificates;
use super::state_folder::StateFolder;
use super::worker::WorkerLink;
use crate::config::{AddressSpec, Config, ConfigError, ListenerSpec, QuicListeners};
use crate::pipeline::Http3Places;
use listen_status::served_over_http3;
use served_address::ServedAddress;

pub use listen_status::ListenStatus;

/// The addresses in service, with the workers behind.
#[derive(Debug, Default)]
pub(super) struct Listening {
    workers: Vec<WorkerLink>,
    places: Vec<ServedAddress>,
    absent: Vec<ListenerSpec>,
    missing: Vec<String>,
    quic: QuicListeners,
    /// Where clients learn of HTTP/3.
    http3: Http3Places,
    /// The file by which other daemons learn of the addresses.
    state: Option<StateFolder>,
    copies: Arc<SocketCopies>,
}

/// A prepared change of addresses.
#[derive(Debug)]
pub(super) struct ListenChange {
    wanted: Vec<ListenerSpec>,
    added: Vec<ServedAddress>,
    absent: Vec<ListenerSpec>,
    missing: Vec<String>,
    quic: QuicListeners,
}

impl Listening {
    /// Lets the workers serve clients at these addresses, with `quic` over QUIC; clients learn of HTTP/3 by `http3`, and
    /// other daemons learn of the addresses by `state`.
    pub(super) fn begin(
        places: BoundAddresses,
        workers: Vec<WorkerLink>,
        (quic, http3): (QuicListeners, Http3Places),
        state: Option<StateFolder>,
    ) -> io::Result<Self> {
        let copies = Arc::<SocketCopies>::default();
        copies.with_daemon(places.with_predecessor);
        let (absent, missing) = (places.absent, texts(&places.missing));
        let places = ServedAddress::all_of(places.bound, &workers)?;
        places.iter().for_each(|place| place.open(&workers, &copies));
        let listening = Listening { workers, places, absent, missing, quic, http3, state, copies };
        listening.tell_http3();
        Ok(listening)
    }

    /// The addresses for DNS, for reports.
    pub(super) fn status(&self) -> ListenStatus {
        ListenStatus {
            absent: AddressSpec::addresses(&self.absent),
            missing: self.missing.clone(),
            ..ListenStatus::of(&self.places, &self.quic)
        }
    }

    /// Lets clients learn of HTTP/3 where HTTP/3 is served now.
    fn tell_http3(&self) {
        self.http3.put(served_over_http3(&self.places, &self.quic));
    }

    /// Binds the listeners of a configuration that are new; nothing changes for clients before [`Listening::turn_to`].
    ///
    /// # Errors
    /// An address cannot be bound; nothing has changed.
    pub(super) fn prepare(&self, config: &Config) -> io::Result<ListenChange> {
        let wanted = config.listeners();
        let kept: Vec<&ServedAddress> =
            self.places.iter().filter(|place| place.is_in(&wanted)).collect();
        let is_new = |listener: &&ListenerSpec| {
            !self.is_given() && !kept.iter().any(|place| place.has(listener))
        };
        let new: Vec<ListenerSpec> = wanted.iter().filter(is_new).copied().collect();
        let bound = self.bind_beside(&new, &wanted)?;
        let (absent, missing) = (bound.absent, texts(&bound.missing));
        let added = ServedAddress::all_of(bound.bound, &self.workers)?;
        Ok(ListenChange { wanted, added, absent, missing, quic: config.quic() })
    }

    /// Serves the new addresses, and leaves the unwanted ones. False, without a change, if a service manager gave the
    /// sockets.
    pub(super) fn turn_to(&mut self, change: ListenChange) -> bool {
        let ListenChange { wanted, added, absent, missing, quic } = change;
        self.quic = quic;
        if self.is_given() {
            self.tell_http3();
            return false;
        }
        added.iter().for_each(|place| place.announce(&self.workers, &self.copies));
        let (mut kept, left): (Vec<ServedAddress>, _) =
            std::mem::take(&mut self.places).into_iter().partition(|place| place.is_in(&wanted));
        kept.iter_mut().for_each(|place| place.want(&wanted));
        for place in &left {
            place.leave();
            place
                .addresses
                .iter()
                .for_each(|address| tracing::info!("listen: no longer serving on {address}"));
        }
        self.places = kept.into_iter().chain(added).collect();
        missing.iter().for_each(|why| tracing::error!("listen: not served: {why}"));
        (self.absent, self.missing) = (absent, missing);
        self.tell_http3();
        if let Some(state) = &mut self.state {
            state.note(&AddressSpec::addresses(&wanted));
        }
        true
    }

    /// Tries to bind absent addresses; true if an address has appeared.
    pub(super) fn look_for_absent(&mut self) -> bool {
        let before = self.places.len();
        let absent = std::mem::take(&mut self.absent);
        for spec in AddressSpec::all_of(&absent) {
            let bound = bind_all(spec.listeners, self.workers.len(), |_| false).and_then(|bound| {
                self.absent.extend(bound.absent);
                ServedAddress::all_of(bound.bound, &self.workers)
            });
            match bound {
                Ok(places) => {
                    places.iter().for_each(|place| place.announce(&self.workers, &self.copies));
                    self.places.extend(places);
                }
                Err(error) => {
                    tracing::error!("listen: {error}");
                    self.absent.extend(spec.listeners);
                }
            }
        }
        self.tell_http3();
        self.places.len() > before
    }

    /// Accepts no more queries; queries under way are finished.
    pub(super) fn leave(&mut self) {
        self.places.iter().for_each(ServedAddress::leave);
        self.http3.put(Vec::new());
        *self = Listening { state: self.state.take(), ..Listening::default() };
    }

    /// Leaves the sockets hearing at the end, if a different daemon has them too.
    pub(super) fn share_sockets(&self, shared: bool) {
        self.copies.with_daemon(shared);
    }

    /// Leaves the sockets hearing at the end, as the service manager keeps them for the next daemon.
    pub(super) fn leave_to_manager(&mut self) {
        self.copies.with_manager(true);
        self.leave();
    }

    /// Has the sockets alone again, since the new daemon did not come up.
    pub(super) fn reclaim(&mut self) {
        self.share_sockets(false);
        self.state.iter_mut().for_each(StateFolder::note_again);
    }

    /// Accepts no more queries, as a new daemon has the sockets and the lock; queries under way are finished.
    pub(super) fn leave_to_successor(&mut self) {
        self.share_sockets(true);
        self.state = None;
        self.leave();
    }

    /// The locked file of the state folder, for a new daemon.
    pub(super) fn lock(&self) -> Option<BorrowedFd<'_>> {
        self.state.as_ref().and_then(StateFolder::lock)
    }

    /// The sockets for a new daemon, worker by worker. Every worker has the sockets of a service manager; these are
    /// listed once.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (Transport, BorrowedFd<'_>)> {
        let listeners = self.places.iter().flat_map(|place| {
            let workers = if place.wanted.is_none() { 1 } else { usize::MAX };
            place.listeners.iter().take(workers).flatten()
        });
        listeners.map(|listener| (listener.transport, listener.as_fd()))
    }

    /// Whether a service manager gave the sockets: then no configuration changes the addresses.
    pub(super) fn is_given(&self) -> bool {
        self.places.iter().any(|place| place.wanted.is_none())
    }

    /// Warns of tables `[[listen]]` without a socket, if a service manager gave the sockets.
    pub(super) fn warn_of_tables_without_socket(&self, config: &Config) {
        if self.is_given() {
            warn_of_tables_without_socket(&self.addresses_of_first_worker(), config);
        }
    }

    /// Looks whether a socket of a service manager would serve clients without a certificate that `config` requires.
    ///
    /// # Errors
    /// As [`check_required_certificates`].
    pub(super) fn check_required_certificates(&self, config: &Config) -> Result<(), ConfigError> {
        match self.is_given() {
            true => check_required_certificates(&self.addresses_of_first_worker(), config),
            false => Ok(()),
        }
    }

    /// The sockets of the first worker: each socket of a service manager is among them.
    fn addresses_of_first_worker(&self) -> Vec<(Transport, SocketAddr)> {
        let of_first = self.places.iter().flat_map(|place| place.listeners.iter().take(1));
        let socket = |own: &ServedListener| Some((own.transport, own.address()?));
        of_first.flatten().filter_map(socket).collect()
    }

    /// Binds the `new` listeners beside unwanted ones still in service: an address excludes itself and its wildcard,
    /// unless both may be shared.
    fn bind_beside(
        &self,
        new: &[ListenerSpec],
        wanted: &[ListenerSpec],
    ) -> io::Result<BoundAddresses> {
        let unwanted: Vec<&ServedAddress> =
            self.places.iter().filter(|place| !place.is_in(wanted)).collect();
        let collides =
            |place: &ServedAddress| new.iter().any(|listener| place.collides(listener.address));
        let in_the_way: Vec<&ServedAddress> =
            unwanted.iter().copied().filter(|place| collides(place)).collect();
        let always = self.workers.len() > 1;
        in_the_way.iter().for_each(|place| place.share(true));
        let shares = |address| in_the_way.iter().any(|place| place.collides(address));
        let bound = bind_all(new, self.workers.len(), shares);
        in_the_way.iter().for_each(|place| place.share(always));
        let bound = bound?;
        bound.share(always);
        match bound.missing.first() {
            // No client would be served.
            Some(error) if bound.bound.is_empty() && unwanted.len() == self.places.len() => {
                Err(io::Error::new(error.kind(), error.to_string()))
            }
            _ => Ok(bound),
        }
    }
}

fn texts(errors: &[io::Error]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}
