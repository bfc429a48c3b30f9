//! TCP connections that are open, and how long they may be idle.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use zoners_net::held::{Account, Held};

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
/// From this on, idle connections make room quickly.
const CROWDED: usize = MOST * 8 / 10;
/// A client that sends nothing for so long is hung up on …
const IDLE: Duration = Duration::from_secs(10);
/// … and where it is crowded, or if it is not served, after this (RFC 7766 section 6.2.3).
const IDLE_CROWDED: Duration = Duration::from_millis(200);

/// The connections of one worker.
#[derive(Clone)]
pub(super) struct Connections {
    places: Places,
    strangers: Places,
    held: Arc<Held>,
}

/// One that is open.
pub(super) struct Connection {
    place: Place,
    served: bool,
    /// What it holds.
    pub(super) account: Account,
}

impl Connections {
    /// None are open yet; all workers share what is `held`.
    pub(super) fn new(held: Arc<Held>) -> Self {
        let (places, strangers) = (Places::new(MOST), Places::new(STRANGERS));
        Connections { places, strangers, held }
    }

    /// A connection from `address`, if there is a place for it. Those that are not served take none of
    /// the places of the others, and get one at all only to be told so.
    pub(super) fn admit(&self, rules: &Rules, address: IpAddr) -> Option<Connection> {
        let here = address.to_canonical().is_loopback();
        let served = rules.serves(address);
        let place = match served {
            true => self.places.take(address, if here { MOST_FROM_HERE } else { MOST_OF_CLIENT }),
            false if rules.tells_strangers() => self.strangers.take(address, STRANGERS_OF_CLIENT),
            false => None,
        };
        Some(Connection { place: place?, served, account: self.held.account() })
    }
}

#[cfg(test)]
impl Connections {
    /// Octets that they hold in all.
    pub(super) fn held(&self) -> usize {
        self.held.octets()
    }
}

impl Connection {
    /// For how long it may be idle now.
    pub(super) fn patience(&self) -> Duration {
        let quiet = self.served && self.place.places().taken() < CROWDED;
        if quiet { IDLE } else { IDLE_CROWDED }
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

    fn open(connections: &Connections, rules: &Rules, address: [u8; 4]) -> Vec<Connection> {
        std::iter::from_fn(|| connections.admit(rules, address.into())).collect()
    }

    #[test]
    fn one_client_has_so_many_and_this_machine_more() {
        let (connections, rules) = (Connections::new(Held::new(HELD)), rules(""));
        let client = open(&connections, &rules, [192, 168, 2, 1]);
        let here = open(&connections, &rules, [127, 0, 0, 1]);
        assert_eq!((client.len(), here.len()), (MOST_OF_CLIENT, MOST_FROM_HERE));
    }

    #[test]
    fn those_that_are_not_served_have_few_of_their_own_and_little_time() {
        let (connections, silent) =
            (Connections::new(Held::new(HELD)), rules("[server]\nrefuse = \"drop\"\n"));
        let told = rules("");
        assert!(connections.admit(&silent, [192, 0, 2, 1].into()).is_none());
        let strangers: Vec<Connection> =
            (0..=255).flat_map(|last| open(&connections, &told, [192, 0, 2, last])).collect();
        assert_eq!(strangers.len(), STRANGERS);
        assert_eq!(strangers[0].patience(), IDLE_CROWDED);
        drop(strangers);
        assert_eq!(open(&connections, &told, [192, 0, 2, 1]).len(), STRANGERS_OF_CLIENT);
        assert_eq!(open(&connections, &told, [10, 0, 0, 1]).len(), MOST_OF_CLIENT);
    }

    #[test]
    fn idle_connections_make_room_when_it_is_crowded() {
        let (connections, rules) = (Connections::new(Held::new(HELD)), rules(""));
        let admit = |number: usize| {
            connections.admit(&rules, [10, 0, (number >> 8) as u8, number as u8].into())
        };
        let mut open: Vec<Connection> = (1..CROWDED).map(|number| admit(number).unwrap()).collect();
        assert_eq!(open[0].patience(), IDLE);
        open.push(admit(0).unwrap());
        assert_eq!(open[0].patience(), IDLE_CROWDED);
        open.extend((CROWDED..MOST).map(|number| admit(number).unwrap()));
        assert!(admit(MOST).is_none());
    }
}
