//! Queries on connections, which are kept open and shared (RFC 7766 section 6.2): over TCP in clear or within TLS (RFC
//! 7858 section 3.4), over HTTPS (RFC 8484) and over QUIC (RFC 9250 section 5.5).
//!
//! A connection may die silently: a NAT forgets it, or the address of this machine changes. So a
//! connection with a late reply is suspect. Later queries use a new connection, and the waiting
//! query may be repeated there; a reply on the suspect connection ends the suspicion.

mod connection;
mod open_connections;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};
use zoners_dns::{ConnectionState, Counter, Counters, Endpoint, ExchangeEvent, NetworkError};
use zoners_tls::client::ClientTls;

use crate::descriptors::{Descriptor, Descriptors, Keeper};
use crate::held::Held;
use crate::link_binding::LinkBindings;
use crate::sources::Sources;
use connection::{Connection, Ended, Health, PooledReply};
use open_connections::{Kept, OpenConnections};

/// Octets of incomplete replies, of all servers: a slow server is given up for the rest. A pending
/// query whose reply announces a great length takes 4 KiB before more arrives.
const UNFINISHED: usize = 16 * 1024 * 1024;

/// The open connections, by server. Clones share the pool.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    open: Arc<Mutex<OpenConnections>>,
    held: Arc<Held>,
    /// The source addresses of new connections.
    sources: Sources,
    /// The links of servers.
    pub(crate) links: LinkBindings,
    tls: Arc<Mutex<ClientTls>>,
    counters: Arc<Counters>,
    /// Changes when the open connections become useless.
    elsewhere: Arc<watch::Sender<()>>,
    descriptors: Arc<Descriptors>,
}

impl Pool {
    pub(crate) fn new(sources: Sources, descriptors: Arc<Descriptors>) -> Self {
        let elsewhere = Arc::new(watch::Sender::new(()));
        let (open, held) = (Arc::default(), Held::new(UNFINISHED));
        let links = LinkBindings::default();
        let (tls, counters) = (Arc::default(), Arc::default());
        Pool { open, held, sources, links, tls, counters, elsewhere, descriptors }
    }

    /// The same, with connections to some servers by certain links.
    pub(crate) fn bound_by(self, links: LinkBindings) -> Self {
        Pool { links, ..self }
    }

    /// Servers prove their identity so from now on.
    pub(crate) fn set_tls(&self, tls: ClientTls) {
        *self.tls.lock() = tls;
    }

    /// The same, with handshakes counted here.
    pub(crate) fn counted_by(self, counters: Arc<Counters>) -> Self {
        Pool { counters, ..self }
    }

    /// The sockets giving way if descriptors are short.
    pub(crate) fn keeper(&self) -> Weak<dyn Keeper> {
        let open: Arc<dyn Keeper> = self.open.clone();
        Arc::downgrade(&open)
    }

    /// Whether a connection to `to` takes queries.
    pub(crate) fn has(&self, to: Endpoint) -> bool {
        self.state(to) != ConnectionState::Closed
    }

    /// The connection on which a query to `to` would be sent now.
    pub(crate) fn state(&self, to: Endpoint) -> ConnectionState {
        self.open.lock().state(to)
    }

    /// Sends a query on an open connection to `to`, if there is one; a new connection uses this
    /// descriptor, or waits for one.
    pub(crate) fn send(
        &self,
        to: Endpoint,
        query: Bytes,
        descriptor: Option<Descriptor>,
    ) -> PooledExchange {
        let place = self.put(to, &query, 0, descriptor);
        PooledExchange { pool: self.clone(), to, query, place, earlier: None, is_repeated: false }
    }

    /// Closes the connections; queries under way continue on new connections.
    pub(crate) fn renew(&self) {
        self.open.lock().close();
        self.elsewhere.send_replace(());
    }

    /// Sends a query on the open connection to `to`, if it accepts queries and is newer than the
    /// given number; else on a new connection.
    fn put(
        &self,
        to: Endpoint,
        query: &Bytes,
        newer_than: u64,
        descriptor: Option<Descriptor>,
    ) -> Place {
        let mut open = self.open.lock();
        let known = open.use_connection(to).filter(|known| known.number > newer_than);
        if let Some(place) = known.and_then(|known| known.take(query)) {
            return place;
        }
        open.opened += 1;
        let number = open.opened;
        let (connection, place, queries) = Connection::new(number, to, query, &self.descriptors);
        let (pool, run) = (self.clone(), connection.run(self, to, queries, descriptor));
        if open.keep(to, connection) == Kept::InPlace {
            self.counters.count(Counter::UpstreamConnectionsEvicted);
        }
        drop(open);
        tokio::spawn(async move {
            run.await;
            pool.open.lock().forget(to, number);
        });
        place
    }
}

/// A query's place on a connection.
#[derive(Debug)]
struct Place {
    /// The connection's.
    number: u64,
    /// The connection was opened for this query.
    fresh: bool,
    health: Arc<Health>,
    /// The number of replies received before the query.
    heard: u64,
    reply: oneshot::Receiver<PooledReply>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.health.leave();
    }
}

/// A query on a connection.
#[derive(Debug)]
pub struct PooledExchange {
    pool: Pool,
    to: Endpoint,
    query: Bytes,
    place: Place,
    /// The query's slot on a suspect connection: the reply may still arrive there.
    earlier: Option<Place>,
    /// The query was sent again, because the server ended its connection or refused its stream.
    is_repeated: bool,
}

impl PooledExchange {
    pub(crate) async fn receive(&mut self) -> ExchangeEvent {
        // One reply arrives for a query; if it was unusable, there is no second.
        if self.place.reply.is_terminated() {
            return ExchangeEvent::Failed(NetworkError::Closed);
        }
        loop {
            match poll_fn(|context| self.poll_reply(context)).await {
                Ok(message) => {
                    self.earlier = None;
                    return ExchangeEvent::Message(message);
                }
                Err(Ended::Elsewhere) => self.go_on(self.place.number),
                // The server may close a connection just as the connection is used: all queries go on together on
                // the next. The server may close after each reply: the second time, the query gets a connection of
                // its own.
                Err(Ended::By(NetworkError::Closed)) if !self.place.fresh => {
                    self.repeat(if self.is_repeated { u64::MAX } else { self.place.number });
                }
                // The server may allow fewer streams than it could say before the first queries.
                Err(Ended::Unread) if !self.is_repeated => self.repeat(self.place.number - 1),
                Err(Ended::Unread) => return ExchangeEvent::Failed(NetworkError::Closed),
                Err(Ended::By(failure) | Ended::Alone(failure)) => {
                    return ExchangeEvent::Failed(failure);
                }
            }
        }
    }

    /// The reply, on either connection. The end of a suspect connection says nothing.
    fn poll_reply(&mut self, context: &mut Context<'_>) -> Poll<PooledReply> {
        if let Some(earlier) = &mut self.earlier
            && let Poll::Ready(reply) = Pin::new(&mut earlier.reply).poll(context)
        {
            self.earlier = None;
            if let Ok(Ok(message)) = reply {
                return Poll::Ready(Ok(message));
            }
        }
        let dropped = Err(Ended::By(NetworkError::Closed));
        Pin::new(&mut self.place.reply).poll(context).map(|reply| reply.unwrap_or(dropped))
    }

    /// Whether the connection has been silent since the query was sent, and was not suspect before.
    /// Then later queries use a new connection.
    pub(crate) fn doubt(&mut self) -> bool {
        let Place { health, heard, .. } = &self.place;
        *heard > 0 && health.suspect(*heard)
    }

    /// Repeats the query on a new connection.
    pub(crate) fn resend(&mut self, query: Bytes) {
        self.query = query;
        let place = self.pool.put(self.to, &self.query, self.place.number, None);
        self.earlier = Some(std::mem::replace(&mut self.place, place));
    }

    /// Sends the query again, because the server ended its connection or refused its stream.
    fn repeat(&mut self, newer_than: u64) {
        self.is_repeated = true;
        self.pool.counters.count(Counter::UpstreamRepeated);
        self.go_on(newer_than);
    }

    /// Sends the query on a connection newer than the given number.
    fn go_on(&mut self, newer_than: u64) {
        self.place = self.pool.put(self.to, &self.query, newer_than, None);
    }
}

#[cfg(test)]
mod tests;
