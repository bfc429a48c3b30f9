//! The connections of one socket.

pub(super) mod admission;
pub(super) mod turns;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use quinn_proto::{DatagramEvent, Endpoint, StreamId};
use zoners_dns::Counter;

use super::asked::Asked;
use super::close_code::CloseCode;
use super::connection::{QuicConnection, Told};
use super::deadlines::Deadlines;
use super::outbox::Outbox;
use super::terms::QuicTerms;
use crate::client_slots::ClientSlots;
use crate::datagrams::Peer;

/// Connections of one server at a time.
pub const MAX_CONNECTIONS: usize = 1024;

/// The stream of a query, to which the response goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuicStream {
    connection: usize,
    serial: u64,
    id: StreamId,
}

/// A query of a client.
#[derive(Clone, Debug)]
pub struct QuicQuery {
    /// Where the response goes.
    pub stream: QuicStream,
    /// The query.
    pub asked: Asked,
    /// The present address of the client.
    pub client: SocketAddr,
    /// The address that the client has asked, if the socket has several.
    pub ours: Option<IpAddr>,
    /// The name of the server by which the client asks, in lower case.
    pub server_name: Option<Arc<str>>,
    /// The names (DNS) in the certificate that the client has shown; none without one, or if the server asks for none.
    pub client_names: Arc<[String]>,
}

/// The reception of a client at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// The client is served.
    Served,
    /// The client gets a refusal.
    Refused,
    /// The client gets no reply.
    Unheard,
}

/// The connections of one socket; see [`super`].
#[derive(Debug)]
pub struct QuicServer {
    terms: QuicTerms,
    endpoint: Endpoint,
    /// By the number of the endpoint.
    connections: Vec<Option<Box<QuicConnection>>>,
    slots: ClientSlots,
    opened: u64,
    handshakes: usize,
    held: usize,
    deadlines: Deadlines,
    /// Connections with a turn coming.
    touched: Vec<usize>,
    queries: VecDeque<QuicQuery>,
    cancelled: VecDeque<QuicStream>,
    counted: Vec<Counter>,
    told: Vec<Told>,
    scratch: Vec<u8>,
}

impl QuicServer {
    /// A server without connections.
    #[must_use]
    pub fn new(terms: QuicTerms) -> Self {
        let (endpoint, server) = (terms.endpoint.clone(), terms.server.clone());
        QuicServer {
            terms,
            endpoint: Endpoint::new(endpoint, Some(server), false, None),
            connections: Vec::new(),
            slots: ClientSlots::new(MAX_CONNECTIONS),
            opened: 0,
            handshakes: 0,
            held: 0,
            deadlines: Deadlines::default(),
            touched: Vec::new(),
            queries: VecDeque::new(),
            cancelled: VecDeque::new(),
            counted: Vec::new(),
            told: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes a datagram. `receives` gives the reception of a client at an address.
    pub fn receive(
        &mut self,
        now: Instant,
        peer: Peer,
        datagram: &[u8],
        receives: impl Fn(IpAddr) -> Reception,
        outbox: &mut Outbox,
    ) {
        let octets = BytesMut::from(datagram);
        self.scratch.clear();
        let scratch = &mut self.scratch;
        match self.endpoint.handle(now, peer.address, peer.ours, None, octets, scratch) {
            Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                let Some(connection) = self.connection(handle.0) else { return };
                if connection.may_be_from(peer.address.ip()) {
                    connection.proto.handle_event(event);
                    self.touch(handle.0);
                } else {
                    self.counted.push(Counter::ClientQuicMoved);
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => {
                let response = self.meet(now, incoming, receives);
                self.respond(response, outbox);
            }
            Some(DatagramEvent::Response(transmit)) => self.respond(Some(transmit), outbox),
            None => {}
        }
    }

    /// Gives turns to connections whose deadline has come.
    pub fn expire(&mut self, now: Instant) {
        while let Some(number) = self.deadlines.next_due(now) {
            self.time_out(now, number);
        }
    }

    /// Reads what connections have received; the queries come by [`Self::next_query`].
    pub fn read(&mut self, now: Instant) {
        for at in 0..self.touched.len() {
            self.read_of(now, self.touched[at]);
        }
        self.close_hoarders(now);
    }

    /// The next query, for which the caller calls [`Self::answer`] or [`Self::give_up`] at some time.
    pub fn next_query(&mut self) -> Option<QuicQuery> {
        self.queries.pop_front()
    }

    /// The stream of the next query that needs no response: the client cancelled it, or the connection ended.
    pub fn next_cancelled(&mut self) -> Option<QuicStream> {
        self.cancelled.pop_front()
    }

    /// Answers a query with the octets of its stream: a message behind its length, or an answer of HTTP/3. A client that
    /// is gone gets nothing.
    pub fn answer(&mut self, stream: QuicStream, octets: &[u8]) {
        self.reply_to(stream, |connection| connection.answer(stream.id, octets));
    }

    /// Ends the stream of a query that gets no answer.
    pub fn give_up(&mut self, stream: QuicStream, code: CloseCode) {
        self.reply_to(stream, |connection| connection.give_up(stream.id, code));
    }

    /// Puts the datagrams of this turn into the outbox.
    pub fn transmit(&mut self, now: Instant, outbox: &mut Outbox) {
        self.close_hoarders(now);
        while let Some(number) = self.touched.pop() {
            self.transmit_of(now, number, outbox);
        }
    }

    /// The moment of the next turn, if no datagram comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Closes connections without a query under way, before the server ends; the others learn of the end.
    pub fn close_idle(&mut self, now: Instant) {
        for number in 0..self.connections.len() {
            let Some(connection) = self.connection(number) else { continue };
            match connection.under_way.is_empty() {
                true => self.close(now, number, CloseCode::NoError),
                false => {
                    connection.go_away();
                    self.touch(number);
                }
            }
        }
    }

    /// Closes all connections: clients must come anew.
    pub fn close_all(&mut self, now: Instant) {
        (0..self.connections.len()).for_each(|number| self.close(now, number, CloseCode::NoError));
    }

    /// Opens further connections on other terms; open connections keep their own.
    pub fn turn_to(&mut self, terms: QuicTerms) {
        self.endpoint.set_server_config(Some(terms.server.clone()));
        self.terms = terms;
    }

    /// What is to be counted since the last call.
    pub fn counted(&mut self) -> impl Iterator<Item = Counter> {
        self.counted.drain(..)
    }

    /// Open connections, those in a handshake included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.slots.taken()
    }
}
