//! TCP connections that are open, and how long they may be idle.
//!
//! A client has a share of them and no more, this machine's own programs too. Where no room is left, an idle one
//! is closed for the one that comes: the oldest of the client that has the most.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use zoners_net::held::{Account, Held};

use crate::client::stands_for;
use crate::client_slots::{ClientSlot, ClientSlots};
use crate::pipeline::Rules;

/// Connections that one worker serves at a time.
const MOST: usize = 1024;
/// Of these, of one client …
const MOST_OF_CLIENT: usize = 64;
/// … and of this machine, whose programs share an address.
const MOST_FROM_HERE: usize = 256;
/// Connections of clients that are not served, beside those …
const STRANGERS: usize = 64;
/// … and of these, of one client.
const STRANGERS_OF_CLIENT: usize = 2;
/// Octets that the connections of all workers hold: of messages that have not come whole, beyond 4 KiB
/// each, and of replies that were not taken. The connection that holds the most is closed for the others.
pub(super) const HELD: usize = 8 * 1024 * 1024;
/// Queries of one connection that are worked on at a time (RFC 7766 section 6.2.1).
pub(super) const IN_FLIGHT: usize = 32;
/// From this on, idle connections make room quickly.
const CROWDED: usize = MOST * 8 / 10;
/// A client that sends nothing for so long is hung up on …
const IDLE: Duration = Duration::from_secs(10);
/// … and where it is crowded, or if it is not served, after this (RFC 7766 section 6.2.3).
const IDLE_CROWDED: Duration = Duration::from_millis(200);

/// What the connections of all workers share.
#[derive(Clone, Debug)]
pub(super) struct ConnectionShares {
    /// Octets that they hold.
    held: Arc<Held>,
    /// Descriptors that they have.
    descriptors: Arc<Semaphore>,
    most: usize,
    /// Those that are open: one worker may have all the descriptors, and another need one.
    open: Arc<Mutex<OpenConnections>>,
    /// Held while one is let in, so that no other worker takes the room that was made for it.
    door: Arc<Mutex<()>>,
}

impl ConnectionShares {
    /// So many connections have descriptors.
    pub(super) fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        let descriptors = Arc::new(Semaphore::new(most));
        let (open, door) = (Arc::default(), Arc::default());
        ConnectionShares { held: Held::new(HELD), descriptors, most, open, door }
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
    /// By number, so the oldest come first. Those that are not served are not among them.
    served: BTreeMap<u64, Weak<ClientConnection>>,
    opened: u64,
}

/// One that is open.
#[derive(Debug)]
pub(super) struct ClientConnection {
    number: u64,
    client: IpAddr,
    /// Given up before the connection is, where others shall have it.
    slot: Mutex<Option<ConnectionSlot>>,
    slots: ClientSlots,
    shares: ConnectionShares,
    served: bool,
    /// When the client last asked.
    asked: Mutex<Instant>,
    /// What it asked and has not been answered.
    pub(super) in_flight: Arc<Semaphore>,
    closing: Notify,
    /// What it holds.
    pub(super) account: Account,
}

/// What a connection takes of what there is.
#[derive(Debug)]
struct ConnectionSlot {
    _client: ClientSlot,
    _descriptor: OwnedSemaphorePermit,
}

/// What came of a client that wants a connection.
pub(super) struct Admitted {
    /// None: there is no room, and none of the others is idle.
    pub(super) connection: Option<Arc<ClientConnection>>,
    /// An idle one was closed for it.
    pub(super) made_room: bool,
}

impl Connections {
    /// None are open yet.
    pub(super) fn new(shares: ConnectionShares) -> Self {
        let (slots, strangers) = (ClientSlots::new(MOST), ClientSlots::new(STRANGERS));
        Connections { slots, strangers, shares }
    }

    /// A connection from `address`, if there is room for it, or can be made. Those that are not served take
    /// none of the slots of the others, and get one at all only to be told so.
    pub(super) fn admit(&self, rules: &Rules, address: IpAddr) -> Admitted {
        let here = address.to_canonical().is_loopback();
        let _door = self.shares.door.lock();
        if !rules.serves(address) {
            let tells = rules.refuses_strangers();
            let client_slot =
                tells.then(|| self.strangers.take(address, STRANGERS_OF_CLIENT)).flatten();
            let slot = client_slot.and_then(|client_slot| self.slot(client_slot));
            let connection = slot.map(|slot| self.open(address, slot, false));
            return Admitted { connection, made_room: false };
        }
        let most = if here { MOST_FROM_HERE } else { MOST_OF_CLIENT };
        let slot = || self.slots.take(address, most).and_then(|client_slot| self.slot(client_slot));
        let mut made_room = false;
        let slot = slot().or_else(|| {
            let own = self.slots.of(address) >= most;
            made_room = self.make_room(own.then(|| stands_for(address)));
            made_room.then(slot).flatten()
        });
        Admitted { connection: slot.map(|slot| self.open(address, slot, true)), made_room }
    }

    /// Closes the connection that was idle for longest of the client that has the most, or of `client`; false
    /// if none is idle. It is one of this worker's where it is this worker's slots that are taken.
    pub(super) fn make_room(&self, client: Option<IpAddr>) -> bool {
        let own = client.is_some() || self.slots.taken() >= MOST;
        let counts = |connection: &Arc<ClientConnection>| {
            client.is_none_or(|client| client == connection.client)
                && (!own || connection.slots.is_same(&self.slots))
        };
        // Taken out first: the last owner of a connection locks them as it goes.
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
        // Of several that have as many the oldest, so that no order of a map decides.
        let greediest = idle.max_by_key(|(count, longest)| (*count, Reverse(longest.number)));
        greediest.map(|(_, connection)| connection.close()).is_some()
    }

    fn slot(&self, client_slot: ClientSlot) -> Option<ConnectionSlot> {
        let descriptor = self.shares.descriptors.clone().try_acquire_owned().ok()?;
        Some(ConnectionSlot { _client: client_slot, _descriptor: descriptor })
    }

    fn open(&self, address: IpAddr, slot: ConnectionSlot, served: bool) -> Arc<ClientConnection> {
        let mut open = self.shares.open.lock();
        open.opened += 1;
        let number = open.opened;
        let connection = Arc::new(ClientConnection {
            number,
            client: stands_for(address),
            slot: Mutex::new(Some(slot)),
            slots: self.slots.clone(),
            shares: self.shares.clone(),
            served,
            asked: Mutex::new(Instant::now()),
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
            closing: Notify::new(),
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
    /// Octets that they hold in all.
    pub(super) fn held(&self) -> usize {
        self.shares.held.octets()
    }
}

impl ClientConnection {
    /// For how long it may be idle now.
    pub(super) fn patience(&self) -> Duration {
        let quiet = self.served && self.slots.taken() < CROWDED && !self.shares.are_short();
        if quiet { IDLE } else { IDLE_CROWDED }
    }

    /// The client has asked.
    pub(super) fn asks(&self, now: Instant) {
        *self.asked.lock() = now;
    }

    /// Ends when it is to make room for others.
    pub(super) async fn closing(&self) {
        self.closing.notified().await;
    }

    /// Whether nothing that was asked on it is worked on, and nothing was for a while.
    fn is_idle(&self) -> bool {
        self.in_flight.available_permits() == IN_FLIGHT && self.slot.lock().is_some()
    }

    fn close(&self) {
        *self.slot.lock() = None;
        self.closing.notify_one();
    }
}

impl Drop for ClientConnection {
    fn drop(&mut self) {
        self.shares.open.lock().served.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
