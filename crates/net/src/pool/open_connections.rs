//! The open connections, by server. At the limit, the least recently used idle connection gives way.

use std::collections::HashMap;

use parking_lot::Mutex;
use zoners_dns::{ConnectionState, Endpoint};

use super::connection::Connection;
use crate::descriptors::Keeper;

/// Connections kept for later queries. Without an idle connection among them, a further connection ends with its query.
pub(super) const MAX_CONNECTIONS: usize = 128;

#[derive(Debug, Default)]
pub(super) struct OpenConnections {
    by_server: HashMap<Endpoint, Connection>,
    /// Connections opened so far, which are numbered from 1.
    pub(super) opened: u64,
    /// Queries so far, which order the connections by their last use.
    queries: u64,
}

/// What became of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// The connection is kept for later queries.
    Beside,
    /// The connection is kept, and an idle connection was closed.
    InPlace,
    /// The connection ends with its query.
    Not,
}

impl OpenConnections {
    /// The connection to a server, which is about to be used.
    pub(super) fn use_connection(&mut self, to: Endpoint) -> Option<&Connection> {
        let known = self.by_server.get_mut(&to)?;
        self.queries += 1;
        known.used = self.queries;
        Some(known)
    }

    /// The state of the connection on which a query would be sent.
    pub(super) fn state(&self, to: Endpoint) -> ConnectionState {
        match self.by_server.get(&to) {
            Some(known) if known.takes_queries() => match known.is_open() {
                true => ConnectionState::Open,
                false => ConnectionState::Opening,
            },
            _ => ConnectionState::Closed,
        }
    }

    /// Keeps a connection for later queries, in the place of an older connection to the server.
    pub(super) fn keep(&mut self, to: Endpoint, mut connection: Connection) -> Kept {
        let is_full = self.by_server.len() >= MAX_CONNECTIONS && !self.by_server.contains_key(&to);
        if is_full && !self.close_least_used() {
            return Kept::Not;
        }
        self.queries += 1;
        connection.used = self.queries;
        self.by_server.insert(to, connection);
        if is_full { Kept::InPlace } else { Kept::Beside }
    }

    /// Closes the least recently used idle connection; false without an idle connection.
    fn close_least_used(&mut self) -> bool {
        let idle = self.by_server.iter().filter(|(_, connection)| connection.is_idle());
        let least = idle.min_by_key(|(_, connection)| connection.used).map(|(to, _)| *to);
        least.is_some_and(|to| self.by_server.remove(&to).is_some())
    }

    /// A connection has ended.
    pub(super) fn forget(&mut self, to: Endpoint, number: u64) {
        if self.by_server.get(&to).is_some_and(|known| known.number == number) {
            self.by_server.remove(&to);
        }
    }

    /// Closes every connection.
    pub(super) fn close(&mut self) {
        self.by_server.clear();
    }
}

impl Keeper for Mutex<OpenConnections> {
    fn give_way(&self) {
        self.lock().by_server.retain(|_, connection| !connection.is_idle());
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use bytes::Bytes;
    use zoners_dns::Transport;

    use super::*;
    use crate::descriptors::Descriptors;

    fn server(number: usize) -> Endpoint {
        let port = u16::try_from(number).unwrap();
        Endpoint::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Transport::Tls)
    }

    #[test]
    fn at_the_limit_the_idle_connection_that_was_used_least_recently_gives_way() {
        let (mut open, descriptors) = (OpenConnections::default(), Descriptors::new(1));
        let (mut places, mut ends) = (Vec::new(), Vec::new());
        let mut keep = |open: &mut OpenConnections, number: usize| {
            let to = server(number);
            let opened =
                Connection::new(number as u64, to, &Bytes::from_static(b"q"), &descriptors);
            let (connection, place, queries) = opened;
            places.push(place);
            ends.push(queries);
            (open.keep(to, connection), places.pop().unwrap())
        };
        let mut busy = Vec::new();
        for number in 0..MAX_CONNECTIONS {
            let (kept, place) = keep(&mut open, number);
            assert_eq!(kept, Kept::Beside);
            busy.push(place);
        }
        assert_eq!(keep(&mut open, 200).0, Kept::Not, "all are in use");
        assert_eq!(open.state(server(200)), ConnectionState::Closed);
        // The first three end their queries; the first is used again.
        busy.drain(..3);
        assert!(open.use_connection(server(0)).is_some());
        assert_eq!(keep(&mut open, 200).0, Kept::InPlace);
        assert_eq!(open.state(server(1)), ConnectionState::Closed);
        for number in [0, 2, 3, 200] {
            assert_eq!(open.state(server(number)), ConnectionState::Opening, "{number}");
        }
        let (kept, _place) = keep(&mut open, 201);
        assert_eq!((kept, open.state(server(2))), (Kept::InPlace, ConnectionState::Closed));
        assert_eq!(open.by_server.len(), MAX_CONNECTIONS);
        // Another connection to a known server takes no place.
        assert_eq!(keep(&mut open, 201).0, Kept::Beside);
    }
}
