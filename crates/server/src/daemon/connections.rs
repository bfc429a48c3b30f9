//! TCP connections that are open, and how many more there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Connections that one worker serves at a time.
const MOST: usize = 1024;
/// Of these, from one address.
const MOST_OF_ADDRESS: usize = 64;
/// From this on, idle connections make room quickly.
const CROWDED: usize = MOST * 8 / 10;
/// A client that sends nothing for so long is hung up on …
const IDLE: Duration = Duration::from_secs(10);
/// … and where it is crowded, after this (RFC 7766 section 6.2.3).
const IDLE_CROWDED: Duration = Duration::from_millis(200);

/// The open connections of a worker, by address.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Connections {
    /// Lets a connection in, if it is not one too many in all or from its address.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Connection> {
        let mut open = self.open();
        let of_address = open.get(&address).copied().unwrap_or_default();
        if of_address >= MOST_OF_ADDRESS || open.values().sum::<usize>() >= MOST {
            return None;
        }
        open.insert(address, of_address + 1);
        drop(open);
        Some(Connection { connections: self.clone(), address })
    }

    fn patience(&self) -> Duration {
        if self.open().values().sum::<usize>() < CROWDED { IDLE } else { IDLE_CROWDED }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Counts are whole after every step, so a panic elsewhere left them right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Connection {
    connections: Connections,
    address: IpAddr,
}

impl Connection {
    /// For how long it may be idle now.
    pub(super) fn patience(&self) -> Duration {
        self.connections.patience()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        if let Some(of_address) = open.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> IpAddr {
        IpAddr::from([192, 0, (number >> 8) as u8, number as u8])
    }

    #[test]
    fn one_address_may_have_so_many_and_all_together_so_many() {
        let connections = Connections::default();
        let mut open: Vec<_> =
            (0..MOST_OF_ADDRESS).map(|_| connections.enter(address(0)).unwrap()).collect();
        assert!(connections.enter(address(0)).is_none());
        open.extend(
            (MOST_OF_ADDRESS..CROWDED - 1)
                .map(|number| connections.enter(address(number)).unwrap()),
        );
        assert_eq!(connections.patience(), IDLE);
        open.extend((CROWDED - 1..MOST).map(|number| connections.enter(address(number)).unwrap()));
        assert_eq!(connections.patience(), IDLE_CROWDED);
        assert!(connections.enter(address(5000)).is_none());
        open.pop();
        assert!(connections.enter(address(5000)).is_some());
        open.clear();
        assert!(connections.open().is_empty());
    }
}
