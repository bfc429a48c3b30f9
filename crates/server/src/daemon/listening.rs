//! Where the daemon listens, and how that changes while it serves.
//!
//! A reload binds new addresses before anything else changes, so that an error leaves all as it was. Places
//! that are no longer wanted are left when the new configuration is in force.

use std::io;
use std::net::SocketAddr;

use tokio::sync::watch;
use zoners_net::listen;

use super::bind::bind_all;
use super::listeners::{BoundAddress, BoundAddresses, BoundListener, ServedListener, collide};
use super::state_folder::StateFolder;
use super::worker::{Assignment, WorkerLink};
use crate::config::Wanted;

/// All the places where it listens.
#[derive(Debug, Default)]
pub(super) struct Listening {
    workers: Vec<WorkerLink>,
    places: Vec<ServedAddress>,
    absent: Vec<SocketAddr>,
    missing: Vec<String>,
    /// Where other daemons learn of them.
    state: Option<StateFolder>,
}

/// A place where it listens.
#[derive(Debug)]
struct ServedAddress {
    wanted: Option<SocketAddr>,
    addresses: Vec<SocketAddr>,
    /// Those of each worker.
    listeners: Vec<Vec<ServedListener>>,
    /// Told that clients are no longer heard here.
    leave: watch::Sender<bool>,
}

/// Where clients are heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenStatus {
    /// The addresses and ports, each over UDP and TCP.
    pub addresses: Vec<SocketAddr>,
    /// Those that are configured and not there yet.
    pub absent: Vec<SocketAddr>,
    /// Why others are not served, where that is no reason to end.
    pub missing: Vec<String>,
    /// Why the port is not 53, where no other is configured.
    pub instead: Option<String>,
}

/// What a reload changes.
#[derive(Debug)]
pub(super) struct ListenChange {
    wanted: Vec<SocketAddr>,
    added: Vec<ServedAddress>,
    absent: Vec<SocketAddr>,
    missing: Vec<String>,
}

impl Listening {
    /// Lets these workers serve clients at these places; other daemons learn of them by `state`.
    pub(super) fn begin(
        places: BoundAddresses,
        workers: Vec<WorkerLink>,
        state: Option<StateFolder>,
    ) -> io::Result<Self> {
        let (absent, missing) = (places.absent, told(&places.missing));
        let places = ServedAddress::all_of(places.bound, &workers)?;
        places.iter().for_each(|place| place.open(&workers));
        Ok(Listening { workers, places, absent, missing, state })
    }

    /// Where clients are heard.
    pub(super) fn status(&self) -> ListenStatus {
        ListenStatus {
            addresses: self.places.iter().flat_map(|place| place.addresses.clone()).collect(),
            absent: self.absent.clone(),
            missing: self.missing.clone(),
            instead: None,
        }
    }

    /// Binds what is wanted and not bound yet; nothing changes for clients before [`Listening::turn_to`].
    ///
    /// # Errors
    /// An address is not to be had; all is as it was.
    pub(super) fn prepare(&self, wanted: Wanted) -> io::Result<ListenChange> {
        let Wanted { addresses, configured } = wanted;
        let is_new = |address: &SocketAddr| !self.is_given() && !self.has(*address);
        let new =
            Wanted { addresses: addresses.iter().copied().filter(is_new).collect(), configured };
        let bound = self.bind_beside(&new, &addresses)?;
        let (absent, missing) = (bound.absent, told(&bound.missing));
        let added = ServedAddress::all_of(bound.bound, &self.workers)?;
        Ok(ListenChange { wanted: addresses, added, absent, missing })
    }

    /// Hears clients at the places that were added, and no more at those that are not wanted any longer. False
    /// if a service manager gave the sockets, so that nothing changes.
    pub(super) fn turn_to(&mut self, change: ListenChange) -> bool {
        let ListenChange { wanted, added, absent, missing } = change;
        if self.is_given() {
            return false;
        }
        added.iter().for_each(|place| place.announce(&self.workers));
        let (kept, left): (Vec<ServedAddress>, _) =
            std::mem::take(&mut self.places).into_iter().partition(|place| place.is_in(&wanted));
        for place in &left {
            place.leave();
            place
                .addresses
                .iter()
                .for_each(|address| tracing::info!("listen: no longer serving on {address}"));
        }
        self.places = kept.into_iter().chain(added).collect();
        (self.absent, self.missing) = (absent, missing);
        if let Some(state) = &mut self.state {
            state.note(&wanted);
        }
        true
    }

    /// Tries to bind what was not there; true if some of it is there now.
    pub(super) fn look_for_absent(&mut self) -> bool {
        let before = self.places.len();
        for address in std::mem::take(&mut self.absent) {
            let wanted = Wanted { addresses: vec![address], configured: true };
            let bound = bind_all(&wanted, self.workers.len(), |_| false).and_then(|bound| {
                self.absent.extend(bound.absent);
                ServedAddress::all_of(bound.bound, &self.workers)
            });
            match bound {
                Ok(places) => {
                    places.iter().for_each(|place| place.announce(&self.workers));
                    self.places.extend(places);
                }
                Err(error) => {
                    tracing::error!("server.listen: {error}");
                    self.absent.push(address);
                }
            }
        }
        self.places.len() > before
    }

    /// Hears no more clients; what is under way is finished.
    pub(super) fn leave(&mut self) {
        self.places.iter().for_each(ServedAddress::leave);
        *self = Listening { state: self.state.take(), ..Listening::default() };
    }

    /// Whether a service manager gave the sockets, so that no configuration changes them.
    fn is_given(&self) -> bool {
        self.places.iter().any(|place| place.wanted.is_none())
    }

    fn has(&self, address: SocketAddr) -> bool {
        self.places.iter().any(|place| place.wanted == Some(address))
    }

    /// Binds what is `new`, beside places that are not among `wanted` any more but still heard at: an address and
    /// the wildcard that it is one of exclude each other, unless both may be shared.
    fn bind_beside(&self, new: &Wanted, wanted: &[SocketAddr]) -> io::Result<BoundAddresses> {
        let unwanted: Vec<&ServedAddress> =
            self.places.iter().filter(|place| !place.is_in(wanted)).collect();
        let collides =
            |place: &ServedAddress| new.addresses.iter().any(|address| place.collides(*address));
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

    /// The sockets of each worker, registered with its runtime.
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
    fn open(&self, workers: &[WorkerLink]) {
        for (listeners, worker) in self.listeners.iter().zip(workers) {
            let listeners = listeners.clone();
            // That a worker has ended is noticed elsewhere.
            let (given, leaving) = (self.wanted.is_none(), self.leave.subscribe());
            let _ = worker.assignments.send(Assignment { listeners, given, leaving });
        }
    }

    /// The same, and says so in the log.
    fn announce(&self, workers: &[WorkerLink]) {
        self.open(workers);
        for address in &self.addresses {
            tracing::info!("listen: serving on {address}, UDP and TCP");
        }
    }

    fn leave(&self) {
        self.leave.send_replace(true);
    }

    fn is_in(&self, wanted: &[SocketAddr]) -> bool {
        self.wanted.is_none_or(|own| wanted.contains(&own))
    }

    /// Lets other sockets of this user be bound to what collides with its address, or no longer.
    fn share(&self, shared: bool) {
        self.listeners.iter().flatten().for_each(|listener| listen::share(listener, shared));
    }

    fn collides(&self, address: SocketAddr) -> bool {
        self.addresses.iter().any(|own| collide(*own, address))
    }
}

fn told(errors: &[io::Error]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}
