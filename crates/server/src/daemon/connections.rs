//! TCP connections of clients, and the idle time of each.
//!
//! A client has a share of the connections and no more, programs of this machine included. Where no room is left, a
//! new connection closes an idle one: the oldest of the client with the most connections.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use zoners_dns::Transport;
use zoners_net::client_slots::{ClientSlot, ClientSlots, stands_for};
use zoners_net::held::{Account, Held};

use crate::client::{Client, idle_timeout};
use crate::pipeline::Rules;

/// Connections of one worker at a time, and of a listener of DNS over HTTPS.
pub(super) const MAX_CONNECTIONS: usize = 1024;
/// Connections of one client …
pub(super) const MAX_CLIENT_CONNECTIONS: usize = 64;
/// … and of this machine, whose programs share an address.
const MAX_LOCAL_CONNECTIONS: usize = 256;
/// Connections of clients without access, beside served clients …
pub(super) const MAX_STRANGERS: usize = 64;
/// … and of one such client.
pub(super) const MAX_CLIENT_STRANGERS: usize = 2;
/// Octets held by the connections of the workers together: incomplete messages beyond 4 KiB each, and replies not yet
/// taken. The connection with the most octets is closed first.
pub(super) const MAX_HELD_OCTETS: usize = 8 * 1024 * 1024;
/// Queries of one connection under way at a time (RFC 7766 section 6.2.1).
pub(super) const MAX_IN_FLIGHT: usize = 32;
/// From this number on, idle connections make room quickly.
const CROWDED: usize = MAX_CONNECTIONS * 8 / 10;
/// Idle time after which a connection is closed under crowding, or of a client without access (RFC 7766 section
/// 6.2.3); see [`idle_timeout`].
const CROWDED_IDLE_TIMEOUT: Duration = Duration::from_millis(200);

/// Limits that the connections of every worker share.
#[derive(Clone, Debug)]
pub(super) struct ConnectionShares {
    /// Octets held.
    held: Arc<Held>,
    /// Descriptors in use.
    descriptors: Arc<Semaphore>,
    most: usize,
    /// Open connections: one worker may have every descriptor while a second worker needs one.
    open: Arc<Mutex<OpenConnections>>,
    /// Held during admission, so no other worker takes the room that was just made.
    door: Arc<Mutex<()>>,
}

impl ConnectionShares {
    /// Shares of `most` connections.
    pub(super) fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        let descriptors = Arc::new(Semaphore::new(most));
        let (open, door) = (Arc::default(), Arc::default());
        ConnectionShares { held: Held::new(MAX_HELD_OCTETS), descriptors, most, open, door }
    }

    /// The descriptors in use, for further kinds of connections.
    pub(super) fn descriptors(&self) -> Arc<Semaphore> {
        self.descriptors.clone()
    }

    /// Whether few descriptors are left.
    fn are_short(&self) -> bool {
        self.descriptors.available_permits().saturating_mul(5) < self.most
    }
}

/// The connections of one worker.
#[derive(Clone)]
pub(super) struct Connections {
    slots: ClientSlots,
    strangers: ClientSlots,
    shares: ConnectionShares,
}

#[derive(Debug, Default)]
struct OpenConnections {
    /// By number, the oldest first. Connections of clients without access are left out.
    served: BTreeMap<u64, Weak<ClientConnection>>,
    opened: u64,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct ClientConnection {
    number: u64,
    client: IpAddr,
    /// Given up before the connection ends, to make room.
    slot: Mutex<Option<ConnectionSlot>>,
    slots: ClientSlots,
    shares: ConnectionShares,
    served: bool,
    transport: Transport,
    /// The time of the last query.
    asked: Mutex<Instant>,
    /// Slots for queries under way.
    pub(super) in_flight: Arc<Semaphore>,
    /// Octets held by this connection.
    pub(super) account: Account,
}

/// The share of a connection in the limits.
#[derive(Debug)]
struct ConnectionSlot {
    _client: ClientSlot,
    _descriptor: OwnedSemaphorePermit,
}

/// The outcome of an admission.
pub(super) struct Admitted {
    /// None if there is no room, and no idle connection to close.
    pub(super) connection: Option<Arc<ClientConnection>>,
    /// An idle connection was closed to make room.
    pub(super) made_room: bool,
}

impl Connections {
    /// No connection is open yet.
    pub(super) fn new(shares: ConnectionShares) -> Self {
        let (slots, strangers) =
            (ClientSlots::new(MAX_CONNECTIONS), ClientSlots::new(MAX_STRANGERS));
        Connections { slots, strangers, shares }
    }

    /// A connection of `client`, if there is room or room can be made. Clients without access take no slot of
    /// served clients, and are admitted only to get a refusal.
    pub(super) fn admit(&self, rules: &Rules, client: &Client) -> Admitted {
        let address = client.address;
        let here = address.to_canonical().is_loopback();
        let _door = self.shares.door.lock();
        if !rules.serves(client) {
            let refuses = rules.refuses_strangers();
            let client_slot =
                refuses.then(|| self.strangers.take(address, MAX_CLIENT_STRANGERS)).flatten();
            let slot = client_slot.and_then(|client_slot| self.slot(client_slot));
            let connection = slot.map(|slot| self.open(client, slot, false));
            return Admitted { connection, made_room: false };
        }
        let most = if here { MAX_LOCAL_CONNECTIONS } else { MAX_CLIENT_CONNECTIONS };
        let slot = || self.slots.take(address, most).and_then(|client_slot| self.slot(client_slot));
        let mut made_room = false;
        let slot = slot().or_else(|| {
            let own = self.slots.of(address) >= most;
            made_room = self.make_room(own.then(|| stands_for(address)));
            made_room.then(slot).flatten()
        });
        Admitted { connection: slot.map(|slot| self.open(client, slot, true)), made_room }
    }

    /// Closes the connection with the longest idle time of the client with the most connections, or of `client`; false
    /// if no connection is idle. If the limit was that of this worker, the connection is one of this worker.
    pub(super) fn make_room(&self, client: Option<IpAddr>) -> bool {
        let own = client.is_some() || self.slots.taken() >= MAX_CONNECTIONS;
        let counts = |connection: &Arc<ClientConnection>| {
            client.is_none_or(|client| client == connection.client)
                && (!own || connection.slots.is_same(&self.slots))
        };
        // Collected first: the last owner of a connection locks the map in its destructor.
        let all: Vec<_> =
            self.shares.open.lock().served.values().filter_map(Weak::upgrade).collect();
        let mut of_client: HashMap<IpAddr, (usize, Option<&Arc<ClientConnection>>)> =
            HashMap::new();
        for connection in all.iter().filter(|connection| counts(connection)) {
            let (count, longest) = of_client.entry(connection.client).or_default();
            *count += 1;
            let longer =
                |other: &&Arc<ClientConnection>| *connection.asked.lock() < *other.asked.lock();
            if connection.is_idle() && longest.as_ref().is_none_or(longer) {
                *longest = Some(connection);
            }
        }
        let idle = of_client.into_values().filter_map(|(count, longest)| Some((count, longest?)));
        // The oldest of equals, so the order of a map decides nothing.
        let greediest = idle.max_by_key(|(count, longest)| (*count, Reverse(longest.number)));
        greediest.map(|(_, connection)| connection.close()).is_some()
    }

    fn slot(&self, client_slot: ClientSlot) -> Option<ConnectionSlot> {
        let descriptor = self.shares.descriptors.clone().try_acquire_owned().ok()?;
        Some(ConnectionSlot { _client: client_slot, _descriptor: descriptor })
    }

    fn open(&self, client: &Client, slot: ConnectionSlot, served: bool) -> Arc<ClientConnection> {
        let mut open = self.shares.open.lock();
        open.opened += 1;
        let number = open.opened;
        let connection = Arc::new(ClientConnection {
            number,
            client: stands_for(client.address),
            slot: Mutex::new(Some(slot)),
            slots: self.slots.clone(),
            shares: self.shares.clone(),
            served,
            transport: client.transport,
            asked: Mutex::new(Instant::now()),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            account: self.shares.held.account(),
        });
        if served {
            open.served.insert(number, Arc::downgrade(&connection));
        }
        connection
    }
}

#[cfg(test)]
impl Connections {
    /// Octets held by every connection.
    pub(super) fn held(&self) -> usize {
        self.shares.held.octets()
    }
}

impl ClientConnection {
    /// The idle time that is granted now.
    pub(super) fn idle_timeout(&self) -> Duration {
        let quiet = self.served && self.slots.taken() < CROWDED && !self.shares.are_short();
        let timeout = idle_timeout(self.transport).filter(|_| quiet);
        timeout.unwrap_or(CROWDED_IDLE_TIMEOUT)
    }

    /// Notes a query.
    pub(super) fn note_query(&self, now: Instant) {
        *self.asked.lock() = now;
    }

    /// Ends when the connection is to make room, or holds too many octets.
    pub(super) async fn closing(&self) {
        self.account.given_up().await;
    }

    /// Whether no query of the connection is under way.
    fn is_idle(&self) -> bool {
        self.in_flight.available_permits() == MAX_IN_FLIGHT && self.slot.lock().is_some()
    }

    fn close(&self) {
        *self.slot.lock() = None;
        self.account.give_up();
    }
}

impl Drop for ClientConnection {
    fn drop(&mut self) {
        self.shares.open.lock().served.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
