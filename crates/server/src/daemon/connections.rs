//! TCP connections that are open, and how long they may be idle.

use std::net::IpAddr;
use std::time::Duration;

use crate::places::{Place, Places};

/// Connections that one worker serves at a time.
const MOST: usize = 1024;
/// Of these, of one client …
const MOST_OF_CLIENT: usize = 64;
/// … and of this machine, whose programs share an address.
const MOST_FROM_HERE: usize = 256;
/// From this on, idle connections make room quickly.
const CROWDED: usize = MOST * 8 / 10;
/// A client that sends nothing for so long is hung up on …
const IDLE: Duration = Duration::from_secs(10);
/// … and where it is crowded, after this (RFC 7766 section 6.2.3).
const IDLE_CROWDED: Duration = Duration::from_millis(200);

/// Places for the connections of one worker.
pub(super) fn places() -> Places {
    Places::new(MOST)
}

/// A place for a connection from `address`, if there is one.
pub(super) fn admit(places: &Places, address: IpAddr) -> Option<Place> {
    let here = address.to_canonical().is_loopback();
    places.take(address, if here { MOST_FROM_HERE } else { MOST_OF_CLIENT })
}

/// For how long a connection may be idle now.
pub(super) fn patience(connection: &Place) -> Duration {
    if connection.places().taken() < CROWDED { IDLE } else { IDLE_CROWDED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_so_many_and_this_machine_more() {
        let places = places();
        let open = |address: [u8; 4]| -> Vec<Place> {
            std::iter::from_fn(|| admit(&places, address.into())).collect()
        };
        let (client, here) = (open([192, 0, 2, 1]), open([127, 0, 0, 1]));
        assert_eq!((client.len(), here.len()), (MOST_OF_CLIENT, MOST_FROM_HERE));
    }

    #[test]
    fn idle_connections_make_room_when_it_is_crowded() {
        let places = places();
        let address = |number: usize| [192, 0, (number >> 8) as u8, number as u8].into();
        let mut open: Vec<Place> =
            (1..CROWDED).map(|number| admit(&places, address(number)).unwrap()).collect();
        assert_eq!(patience(&open[0]), IDLE);
        open.push(admit(&places, address(0)).unwrap());
        assert_eq!(patience(&open[0]), IDLE_CROWDED);
        open.extend((CROWDED..MOST).map(|number| admit(&places, address(number)).unwrap()));
        assert!(admit(&places, address(MOST)).is_none());
    }
}
