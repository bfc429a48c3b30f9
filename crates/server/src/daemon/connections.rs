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
use crate::pipeline::Rules;
use crate::places::{Place, Places};

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
pub(super) struct Shares {
    /// Octets that they hold.
    held: Arc<Held>,
    /// Descriptors that they have.
    descriptors: Arc<Semaphore>,
    most: usize,
    /// Those that are open: one worker may have all the descriptors, and another need one.
    open: Arc<Mutex<Open>>,
    /// Held while one is let in, so that no other worker takes the room that was made for it.
    door: Arc<Mutex<()>>,
}

impl Shares {
    /// So many connections have descriptors.
    pub(super) fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        let descriptors = Arc::new(Semaphore::new(most));
        let (open, door) = (Arc::default(), Arc::default());
        Shares { held: Held::new(HELD), descriptors, most, open, door }
    }

    /// Whether few descriptors are left.
    fn are_short(&self) -> bool {
        self.descriptors.available_permits().saturating_mul(5) < self.most
    }
}

/// The connections of one worker.
#[derive(Clone)]
pub(super) struct Connections {
    places: Places,
    strangers: Places,
    shares: Shares,
}

#[derive(Debug, Default)]
struct Open {
    /// By number, so the oldest come first. Those that are not served are not among them.
    served: BTreeMap<u64, Weak<Connection>>,
    opened: u64,
}

/// One that is open.
#[derive(Debug)]
pub(super) struct Connection {
    number: u64,
    client: IpAddr,
    /// Given up before the connection is, where others shall have it.
    seat: Mutex<Option<Seat>>,
    places: Places,
    shares: Shares,
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
struct Seat {
    _place: Place,
    _descriptor: OwnedSemaphorePermit,
}

/// What came of a client that wants a connection.
pub(super) struct Admitted {
    /// None: there is no room, and none of the others is idle.
    pub(super) connection: Option<Arc<Connection>>,
    /// An idle one was closed for it.
    pub(super) made_room: bool,
}

impl Connections {
    /// None are open yet.
    pub(super) fn new(shares: Shares) -> Self {
        let (places, strangers) = (Places::new(MOST), Places::new(STRANGERS));
        Connections { places, strangers, shares }
    }

    /// A connection from `address`, if there is room for it, or can be made. Those that are not served take
    /// none of the places of the others, and get one at all only to be told so.
    pub(super) fn admit(&self, rules: &Rules, address: IpAddr) -> Admitted {
        let here = address.to_canonical().is_loopback();
        let _door = self.shares.door.lock();
        if !rules.serves(address) {
            let tells = rules.tells_strangers();
            let place = tells.then(|| self.strangers.take(address, STRANGERS_OF_CLIENT)).flatten();
            let seat = place.and_then(|place| self.seat(place));
            let connection = seat.map(|seat| self.open(address, seat, false));
            return Admitted { connection, made_room: false };
        }
        let most = if here { MOST_FROM_HERE } else { MOST_OF_CLIENT };
        let seat = || self.places.take(address, most).and_then(|place| self.seat(place));
        let mut made_room = false;
        let seat = seat().or_else(|| {
            let own = self.places.of(address) >= most;
            made_room = self.make_room(own.then(|| stands_for(address)));
            made_room.then(seat).flatten()
        });
        Admitted { connection: seat.map(|seat| self.open(address, seat, true)), made_room }
    }

    /// Closes the connection that was idle for longest of the client that has the most, or of `client`; false
    /// if none is idle. It is one of this worker's where it is this worker's places that are taken.
    pub(super) fn make_room(&self, client: Option<IpAddr>) -> bool {
        let own = client.is_some() || self.places.taken() >= MOST;
        let counts = |connection: &Arc<Connection>| {
            client.is_none_or(|client| client == connection.client)
                && (!own || connection.places.is_same(&self.places))
        };
        // Taken out first: the last owner of a connection locks them as it goes.
        let all: Vec<_> =
            self.shares.open.lock().served.values().filter_map(Weak::upgrade).collect();
        let mut of_client: HashMap<IpAddr, (usize, Option<&Arc<Connection>>)> = HashMap::new();
        for connection in all.iter().filter(|connection| counts(connection)) {
            let (count, longest) = of_client.entry(connection.client).or_default();
            *count += 1;
            let longer = |other: &&Arc<Connection>| *connection.asked.lock() < *other.asked.lock();
            if connection.is_idle() && longest.as_ref().is_none_or(longer) {
                *longest = Some(connection);
            }
        }
        let idle = of_client.into_values().filter_map(|(count, longest)| Some((count, longest?)));
        // Of several that have as many the oldest, so that no order of a map decides.
        let greediest = idle.max_by_key(|(count, longest)| (*count, Reverse(longest.number)));
        greediest.map(|(_, connection)| connection.close()).is_some()
    }

    fn seat(&self, place: Place) -> Option<Seat> {
        let descriptor = self.shares.descriptors.clone().try_acquire_owned().ok()?;
        Some(Seat { _place: place, _descriptor: descriptor })
    }

    fn open(&self, address: IpAddr, seat: Seat, served: bool) -> Arc<Connection> {
        let mut open = self.shares.open.lock();
        open.opened += 1;
        let number = open.opened;
        let connection = Arc::new(Connection {
            number,
            client: stands_for(address),
            seat: Mutex::new(Some(seat)),
            places: self.places.clone(),
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

impl Connection {
    /// For how long it may be idle now.
    pub(super) fn patience(&self) -> Duration {
        let quiet = self.served && self.places.taken() < CROWDED && !self.shares.are_short();
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
        self.in_flight.available_permits() == IN_FLIGHT && self.seat.lock().is_some()
    }

    fn close(&self) {
        *self.seat.lock() = None;
        self.closing.notify_one();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shares.open.lock().served.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::pipeline::Cookies;
    use zoners_dns::Random;

    fn rules(config: &str) -> Rules {
        let random = Random::seeded(1);
        let config = Config::parse(config, "zoners.toml").unwrap();
        Rules::new(&config, &[], Cookies::new(&random), &random, 0).unwrap()
    }

    fn connections() -> Connections {
        Connections::new(Shares::new(usize::MAX))
    }

    /// A connection, if none is closed for it.
    fn admit(
        connections: &Connections,
        rules: &Rules,
        address: [u8; 4],
    ) -> Option<Arc<Connection>> {
        let admitted = connections.admit(rules, address.into());
        admitted.connection.filter(|_| !admitted.made_room)
    }

    /// As many as there are, all busy.
    fn open(connections: &Connections, rules: &Rules, address: [u8; 4]) -> Vec<Arc<Connection>> {
        let busy = || admit(connections, rules, address).inspect(|open| keep_busy(open));
        std::iter::from_fn(busy).collect()
    }

    fn keep_busy(connection: &Connection) {
        if let Ok(slot) = connection.in_flight.clone().try_acquire_owned() {
            slot.forget();
        }
    }

    fn is_closing(connection: &Connection) -> bool {
        let mut closing = std::pin::pin!(connection.closing());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        closing.as_mut().poll(&mut context).is_ready()
    }

    #[tokio::test]
    async fn one_client_has_so_many_and_this_machine_more() {
        let (connections, rules) = (connections(), rules(""));
        let client = open(&connections, &rules, [192, 168, 2, 1]);
        let here = open(&connections, &rules, [127, 0, 0, 1]);
        assert_eq!((client.len(), here.len()), (MOST_OF_CLIENT, MOST_FROM_HERE));
    }

    #[tokio::test]
    async fn those_that_are_not_served_have_few_of_their_own_and_little_time() {
        let (connections, silent) = (connections(), rules("[server]\nrefuse = \"drop\"\n"));
        let told = rules("");
        assert!(admit(&connections, &silent, [192, 0, 2, 1]).is_none());
        let strangers: Vec<_> =
            (0..=255).flat_map(|last| open(&connections, &told, [192, 0, 2, last])).collect();
        assert_eq!(strangers.len(), STRANGERS);
        assert_eq!(strangers[0].patience(), IDLE_CROWDED);
        drop(strangers);
        assert_eq!(open(&connections, &told, [192, 0, 2, 1]).len(), STRANGERS_OF_CLIENT);
        assert_eq!(open(&connections, &told, [10, 0, 0, 1]).len(), MOST_OF_CLIENT);
    }

    #[tokio::test]
    async fn idle_connections_make_room_when_it_is_crowded() {
        let (connections, rules) = (connections(), rules(""));
        let next = |number: usize| {
            let open = admit(&connections, &rules, [10, 0, (number >> 8) as u8, number as u8]);
            open.inspect(|open| keep_busy(open))
        };
        let mut open: Vec<_> = (1..CROWDED).map(|number| next(number).unwrap()).collect();
        assert_eq!(open[0].patience(), IDLE);
        open.push(next(0).unwrap());
        assert_eq!(open[0].patience(), IDLE_CROWDED);
        open.extend((CROWDED..MOST).map(|number| next(number).unwrap()));
        assert!(next(MOST).is_none(), "none is idle");
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_idle_one_of_the_same_client_is_closed_at_its_limit() {
        let (connections, rules) = (connections(), rules(""));
        let other = admit(&connections, &rules, [10, 0, 0, 1]).unwrap();
        for address in [[127, 0, 0, 1], [192, 168, 2, 1]] {
            let most = if address[0] == 127 { MOST_FROM_HERE } else { MOST_OF_CLIENT };
            let mut all = Vec::new();
            for _ in 0..most {
                tokio::time::advance(Duration::from_millis(1)).await;
                all.push(admit(&connections, &rules, address).unwrap());
            }
            keep_busy(&all[0]);
            all[1].asks(Instant::now());
            let admitted = connections.admit(&rules, address.into());
            assert!(admitted.made_room && admitted.connection.is_some());
            let closing = all.iter().position(|connection| is_closing(connection));
            assert_eq!(closing, Some(2), "one is busy, and one has just asked");
            assert!(!is_closing(&other));
            assert_eq!(connections.places.of(address.into()), most);
        }
    }

    #[tokio::test]
    async fn a_worker_without_descriptors_gets_one_of_another() {
        let shares = Shares::new(4);
        let (one, other) = (Connections::new(shares.clone()), Connections::new(shares));
        let rules = rules("");
        let address = [127, 0, 0, 1];
        let all: Vec<_> = (0..4).map(|_| admit(&one, &rules, address).unwrap()).collect();
        let admitted = other.admit(&rules, address.into());
        assert!(admitted.made_room && admitted.connection.is_some());
        assert!(is_closing(&all[0]) && !all[1..].iter().any(|c| is_closing(c)));
        // One that has no place left closes its own.
        assert!(other.make_room(Some(address.into())));
        assert!(!all[1..].iter().any(|c| is_closing(c)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_greediest_client_makes_room_where_all_places_are_taken() {
        for few in [true, false] {
            let most = if few { 40 } else { MOST };
            let connections = Connections::new(Shares::new(if few { most } else { usize::MAX }));
            let rules = rules("");
            let mut modest = Vec::new();
            let mut greedy = Vec::new();
            for number in 0..most {
                let last = number as u8 % 64;
                let address = [10, 0, (number >> 6) as u8, last];
                // Half of the first ones are of one client.
                match number {
                    0..20 => greedy.push(admit(&connections, &rules, [10, 9, 9, 9]).unwrap()),
                    _ => modest.push(admit(&connections, &rules, address).unwrap()),
                }
            }
            assert_eq!(greedy[0].patience(), IDLE_CROWDED);
            let admitted = connections.admit(&rules, [10, 7, 7, 7].into());
            assert!(admitted.made_room && admitted.connection.is_some());
            assert!(is_closing(&greedy[0]) && !greedy[1..].iter().any(|c| is_closing(c)));
            assert!(!modest.iter().any(|c| is_closing(c)));
            // One that is closing has no place any more.
            drop(greedy.remove(0));
            assert!(connections.make_room(None) && is_closing(&greedy[0]));
            modest.iter().chain(&greedy).for_each(|connection| keep_busy(connection));
            drop(admitted);
            let last = open(&connections, &rules, [10, 7, 7, 7]).len();
            assert!((1..=2).contains(&last), "{last}");
        }
    }
}
