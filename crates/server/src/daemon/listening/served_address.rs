//! An address in service: its listeners, at each worker.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use zoners_dns::Transport;
use zoners_net::listen;

use crate::config::ListenerSpec;
use crate::daemon::at_work::SocketCopies;
use crate::daemon::listeners::{BoundAddress, BoundListener, ServedListener, collide};
use crate::daemon::worker::{Assignment, WorkerLink};

/// An address in service.
#[derive(Debug)]
pub(super) struct ServedAddress {
    /// The wanted listeners. None for sockets of a service manager.
    pub(super) wanted: Option<Vec<ListenerSpec>>,
    pub(super) addresses: Vec<SocketAddr>,
    /// The listeners of each worker.
    pub(super) listeners: Vec<Vec<ServedListener>>,
    /// True once the address is to be left.
    leave: watch::Sender<bool>,
}

impl ServedAddress {
    pub(super) fn all_of(
        places: Vec<BoundAddress>,
        workers: &[WorkerLink],
    ) -> io::Result<Vec<Self>> {
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
    pub(super) fn open(&self, workers: &[WorkerLink], copies: &Arc<SocketCopies>) {
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
    pub(super) fn announce(&self, workers: &[WorkerLink], copies: &Arc<SocketCopies>) {
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
    pub(super) fn addresses_over(&self, is_over: fn(Transport) -> bool) -> Vec<SocketAddr> {
        let of_first = self.listeners.first().into_iter().flatten();
        let over = of_first.filter(|listener| is_over(listener.transport));
        let mut addresses: Vec<SocketAddr> = over.filter_map(ServedListener::address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Takes over the options of the wanted listeners with these sockets.
    pub(super) fn want(&mut self, wanted: &[ListenerSpec]) {
        for own in self.wanted.iter_mut().flatten() {
            if let Some(new) = wanted.iter().find(|new| new.wants_socket_of(own)) {
                *own = *new;
            }
        }
    }

    pub(super) fn leave(&self) {
        self.leave.send_replace(true);
    }

    /// Whether this is the socket of `listener`.
    pub(super) fn has(&self, listener: &ListenerSpec) -> bool {
        self.wanted.iter().flatten().any(|own| own.wants_socket_of(listener))
    }

    /// Whether every listener is among the wanted ones. Sockets of a service manager always are.
    pub(super) fn is_in(&self, wanted: &[ListenerSpec]) -> bool {
        let is_wanted = |own: &ListenerSpec| wanted.iter().any(|other| other.wants_socket_of(own));
        self.wanted.iter().flatten().all(is_wanted)
    }

    /// Lets sockets of this user share the address, or no longer.
    pub(super) fn share(&self, shared: bool) {
        self.listeners.iter().flatten().for_each(|listener| listen::share(listener, shared));
    }

    pub(super) fn collides(&self, address: SocketAddr) -> bool {
        self.addresses.iter().any(|own| collide(*own, address))
    }
}
