//! The addresses in service, and the change of addresses by a reload.
//!
//! A reload binds new addresses before anything else changes, so an error leaves the old state. Unwanted addresses are
//! left once the new configuration is in force.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use tokio::sync::watch;
use zoners_dns::Transport;
use zoners_net::listen;

use super::at_work::SocketCopies;
use super::bind::bind_all;
use super::listeners::{
    BoundAddress, BoundAddresses, BoundListener, ServedListener, collide,
    warn_of_tables_without_socket,
};
use super::required_certificates::check_required_certificates;
use super::state_folder::StateFolder;
use super::worker::{Assignment, WorkerLink};
use crate::config::{AddressSpec, Config, ConfigError, ListenerSpec, QuicListeners, QuicSpoken};
use crate::pipeline::Http3Places;

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

/// An address in service.
#[derive(Debug)]
struct ServedAddress {
    /// The wanted listeners. None for sockets of a service manager.
    wanted: Option<Vec<ListenerSpec>>,
    addresses: Vec<SocketAddr>,
    /// The listeners of each worker.
    listeners: Vec<Vec<ServedListener>>,
    /// True once the address is to be left.
    leave: watch::Sender<bool>,
}

/// The addresses of the daemon, for reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenStatus {
    /// The addresses and ports over UDP and TCP.
    pub addresses: Vec<SocketAddr>,
    /// The addresses and ports over one of the two alone.
    pub single_transport: Vec<(Transport, SocketAddr)>,
    /// The addresses and ports over TLS.
    pub tls: Vec<SocketAddr>,
    /// The addresses and ports of DNS over QUIC.
    pub quic: Vec<SocketAddr>,
    /// The addresses and ports of DNS over HTTPS that are served over HTTP/3 too.
    pub http3: Vec<SocketAddr>,
    /// The addresses and ports of the HTTP service.
    pub http: Vec<SocketAddr>,
    /// The addresses and ports of DNS over HTTPS, each with its path.
    pub https: Vec<(SocketAddr, String)>,
    /// Configured addresses that this machine does not have yet.
    pub absent: Vec<SocketAddr>,
    /// Reasons for addresses that are not served, if no reason to end.
    pub missing: Vec<String>,
    /// The reason for a port other than 53, if none is configured.
    pub instead: Option<String>,
    /// Consequences of the listeners for other programs of this machine, found at the start.
    pub side_effects: Vec<String>,
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
        let addresses = |is_over: fn(Transport) -> bool| -> Vec<SocketAddr> {
            self.places.iter().flat_map(|place| place.addresses_over(is_over)).collect()
        };
        let udp = addresses(|transport| transport == Transport::Udp);
        let tcp = addresses(|transport| transport == Transport::Tcp);
        let udp_alone = udp.iter().filter(|address| !tcp.contains(address));
        let tcp_alone = tcp.iter().filter(|address| !udp.contains(address));
        let single_transport = (udp_alone.map(|address| (Transport::Udp, *address)))
            .chain(tcp_alone.map(|address| (Transport::Tcp, *address)));
        ListenStatus {
            single_transport: single_transport.collect(),
            addresses: udp.iter().filter(|address| tcp.contains(address)).copied().collect(),
            tls: addresses(|transport| transport == Transport::Tls),
            quic: self.quic_sockets(|spoken, socket| spoken.doq.then_some(socket)),
            http3: self.served_over_http3(),
            absent: AddressSpec::addresses(&self.absent),
            missing: self.missing.clone(),
            instead: None,
            side_effects: Vec::new(),
            http: Vec::new(),
            https: Vec::new(),
        }
    }

    /// The listeners of DNS over HTTPS whose socket for HTTP/3 is bound.
    fn served_over_http3(&self) -> Vec<SocketAddr> {
        self.quic_sockets(|spoken, _| Some(spoken.http3.as_ref()?.address))
    }

    /// Lets clients learn of HTTP/3 where HTTP/3 is served now.
    fn tell_http3(&self) {
        self.http3.put(self.served_over_http3());
    }

    /// What is taken of the bound sockets over QUIC, and of what is spoken there.
    fn quic_sockets(
        &self,
        take: impl Fn(&QuicSpoken, SocketAddr) -> Option<SocketAddr>,
    ) -> Vec<SocketAddr> {
        let of_place = |place: &ServedAddress| {
            // A socket of a configured port 0 has another port.
            let configured = place.wanted.iter().flatten().next().map(|wanted| wanted.address);
            let sockets = place.addresses_over(|transport| transport == Transport::Quic);
            let taken = sockets.into_iter().filter_map(|socket| {
                take(self.quic.spoken_at(configured.unwrap_or(socket))?, socket)
            });
            taken.collect::<Vec<_>>()
        };
        self.places.iter().flat_map(of_place).collect()
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

impl ServedAddress {
    fn all_of(places: Vec<BoundAddress>, workers: &[WorkerLink]) -> io::Result<Vec<Self>> {
        places.into_iter().map(|place| ServedAddress::of(place, workers)).collect()
    }

    /// The sockets of each worker, registered with the runtime.
    fn of(place: BoundAddress, workers: &[WorkerLink]) -> io::Result<Self> {
        let BoundAddress { wanted, addresses, listeners } = place;
        let listeners = listeners.into_iter().zip(workers).map(|(listeners, worker)| {
            let _entered = worker.runtime.enter();
            listeners.into_iter().map(BoundListener::into_served).collect()
        });
        let listeners = listeners.collect::<io::Result<_>>()?;
        Ok(ServedAddress { wanted, addresses, listeners, leave: watch::Sender::new(false) })
    }

    /// Lets each worker serve clients here.
    fn open(&self, workers: &[WorkerLink], copies: &Arc<SocketCopies>) {
        for (listeners, worker) in self.listeners.iter().zip(workers) {
            for (wanted, listeners) in self.by_address(listeners) {
                let (given, leaving) = (self.wanted.is_none(), self.leave.subscribe());
                let copies = copies.clone();
                let assignment = Assignment { listeners, wanted, given, copies, leaving };
                // The end of a worker is noticed elsewhere.
                let _ = worker.assignments.send(assignment);
            }
        }
    }

    /// Opens the address, and logs the fact.
    fn announce(&self, workers: &[WorkerLink], copies: &Arc<SocketCopies>) {
        self.open(workers, copies);
        let transports = self.transports();
        for address in &self.addresses {
            tracing::info!("listen: serving on {address}, {transports}");
        }
    }

    /// The listeners of a worker by the address in the configuration. A socket of a service manager has its own address,
    /// so that the table `[[listen]]` with this address says who is served.
    fn by_address(
        &self,
        listeners: &[ServedListener],
    ) -> Vec<(Option<SocketAddr>, Vec<ServedListener>)> {
        match &self.wanted {
            Some(wanted) => {
                vec![(wanted.first().map(|wanted| wanted.address), listeners.to_vec())]
            }
            None => listeners.iter().map(|own| (own.address(), vec![own.clone()])).collect(),
        }
    }

    /// The transports, for people.
    fn transports(&self) -> String {
        let of_one = self.listeners.first().into_iter().flatten();
        let mut names: Vec<String> =
            of_one.map(|listener| listener.transport.to_string().to_uppercase()).collect();
        names.dedup();
        names.join(" and ")
    }

    /// The addresses at which clients are served over such a transport.
    fn addresses_over(&self, is_over: fn(Transport) -> bool) -> Vec<SocketAddr> {
        let of_first = self.listeners.first().into_iter().flatten();
        let over = of_first.filter(|listener| is_over(listener.transport));
        let mut addresses: Vec<SocketAddr> = over.filter_map(ServedListener::address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Takes over the options of the wanted listeners with these sockets.
    fn want(&mut self, wanted: &[ListenerSpec]) {
        for own in self.wanted.iter_mut().flatten() {
            if let Some(new) = wanted.iter().find(|new| new.wants_socket_of(own)) {
                *own = *new;
            }
        }
    }

    fn leave(&self) {
        self.leave.send_replace(true);
    }

    /// Whether this is the socket of `listener`.
    fn has(&self, listener: &ListenerSpec) -> bool {
        self.wanted.iter().flatten().any(|own| own.wants_socket_of(listener))
    }

    /// Whether every listener is among the wanted ones. Sockets of a service manager always are.
    fn is_in(&self, wanted: &[ListenerSpec]) -> bool {
        let is_wanted = |own: &ListenerSpec| wanted.iter().any(|other| other.wants_socket_of(own));
        self.wanted.iter().flatten().all(is_wanted)
    }

    /// Lets sockets of this user share the address, or no longer.
    fn share(&self, shared: bool) {
        self.listeners.iter().flatten().for_each(|listener| listen::share(listener, shared));
    }

    fn collides(&self, address: SocketAddr) -> bool {
        self.addresses.iter().any(|own| collide(*own, address))
    }
}

fn texts(errors: &[io::Error]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}
