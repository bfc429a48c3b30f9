//! One connection: streams become queries, and responses become streams.

mod spoken;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use quinn_proto::{Connection, Event, StreamEvent, StreamId, VarInt, WriteError};
use zoners_http3::Http3Fault;

use super::asked::Asked;
use super::close_code::CloseCode;
use super::http3_streams::Http3Streams;
use super::message_pieces::MessagePieces;
use super::stream_write::write_message;
use super::terms::MAX_STREAMS;
use crate::client_slots::{ClientSlot, stands_for};
pub(super) use spoken::http3_code;

/// An open connection of a client.
#[derive(Debug)]
pub(super) struct QuicConnection {
    pub(super) proto: Connection,
    /// Never another connection's.
    pub(super) serial: u64,
    /// Given up before the connection is gone, to make room.
    pub(super) slot: Option<ClientSlot>,
    pub(super) opened: Instant,
    /// The time of the last query.
    pub(super) asked: Instant,
    pub(super) stage: Stage,
    /// The name of the server by which the client asks.
    pub(super) server_name: Option<Arc<str>>,
    /// The names (DNS) in the certificate that the client has shown.
    pub(super) client_names: Arc<[String]>,
    /// The streams of queries that are handed on and have no response yet, at most [`MAX_STREAMS`].
    pub(super) under_way: Vec<StreamId>,
    /// Cancelled queries, less the answered ones since. Over HTTP/3, queries that were not whole are among them.
    pub(super) cancelled: u32,
    /// The endpoint knows the connection no more.
    pub(super) drained: bool,
    /// The connection has a turn coming.
    pub(super) touched: bool,
    spoken: Spoken,
    /// Queries that wait for the end of the handshake.
    early: Vec<(StreamId, Asked)>,
    /// Responses, or their ends, that the client has no room for.
    unsent: BTreeMap<StreamId, Bytes>,
}

/// The protocol of a connection, with the queries that are not whole.
#[derive(Debug)]
enum Spoken {
    /// DNS over QUIC, and whatever comes before a protocol is agreed on.
    Doq(BTreeMap<StreamId, MessagePieces>),
    Http3(Box<Http3Streams>),
}

/// How far a connection is. A stage leads to later stages alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Handshake,
    Open,
    /// The last packet is still to be sent.
    Over,
}

/// What a connection tells in its turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Query(StreamId, Asked),
    /// Client and server have agreed on HTTP/3.
    Http3,
    /// The handshake is complete.
    Connected,
    /// The client has ended the connection, or is lost.
    Lost,
    /// The client broke the protocol.
    Fault,
    /// The client broke HTTP/3, or exceeded a limit of HTTP/3.
    Http3Fault(Http3Fault),
    /// A stream was ended because it asked for too much.
    Excess,
    /// The client wants no response to a query that was handed on.
    Cancelled(StreamId),
}

impl QuicConnection {
    pub(super) fn new(proto: Connection, serial: u64, slot: ClientSlot, now: Instant) -> Self {
        QuicConnection {
            proto,
            serial,
            slot: Some(slot),
            opened: now,
            asked: now,
            stage: Stage::Handshake,
            server_name: None,
            client_names: Arc::default(),
            under_way: Vec::new(),
            cancelled: 0,
            drained: false,
            touched: false,
            spoken: Spoken::Doq(BTreeMap::new()),
            early: Vec::new(),
            unsent: BTreeMap::new(),
        }
    }

    /// Octets that the connection holds: waiting queries, and responses that the client does not take.
    pub(super) fn held(&self) -> usize {
        let pieces = match &self.spoken {
            Spoken::Doq(pieces) => pieces.values().map(MessagePieces::held).sum(),
            Spoken::Http3(streams) => streams.held(),
        };
        let early: usize = self.early.iter().map(|(_, query)| query.held()).sum();
        let unsent: usize = self.unsent.values().map(Bytes::len).sum();
        pieces + early + unsent
    }

    /// Frees incomplete queries and unsent responses of a connection that ends.
    pub(super) fn drop_held(&mut self) {
        match &mut self.spoken {
            Spoken::Doq(pieces) => pieces.clear(),
            Spoken::Http3(streams) => streams.clear(),
        }
        self.early.clear();
        self.unsent.clear();
    }

    /// Whether no query is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.stage == Stage::Open && self.under_way.is_empty()
    }

    /// Whether a datagram from this address may be the client's: a NAT changes ports, and an IPv6 client changes
    /// addresses. Otherwise a client could ask from the address of another client, with the rights of that address.
    pub(super) fn may_be_from(&self, address: IpAddr) -> bool {
        stands_for(address) == stands_for(self.proto.remote_address().ip())
    }

    /// Takes the events of the connection.
    pub(super) fn listen(&mut self, now: Instant, tell: &mut impl FnMut(Told)) {
        while let Some(event) = self.proto.poll() {
            match event {
                Event::Connected => {
                    self.identify();
                    tell(Told::Connected);
                    for (id, query) in std::mem::take(&mut self.early) {
                        self.hand_on(id, query, tell);
                    }
                }
                Event::HandshakeDataReady => self.agree(tell),
                Event::ConnectionLost { .. } => tell(Told::Lost),
                Event::Stream(StreamEvent::Opened { dir }) => {
                    while let Some(id) = self.proto.streams().accept(dir) {
                        self.read(id, now, tell);
                    }
                }
                Event::Stream(StreamEvent::Readable { id }) => self.read(id, now, tell),
                Event::Stream(StreamEvent::Writable { id }) => {
                    if let Some(rest) = self.unsent.remove(&id) {
                        self.write(id, rest);
                    }
                }
                Event::Stream(StreamEvent::Stopped { id, .. }) => self.stop(id, tell),
                _ => {}
            }
        }
    }

    /// Hands on a query, or keeps the query until the handshake is complete: early data (0-RTT) may be a replay.
    fn hand_on(&mut self, id: StreamId, query: Asked, tell: &mut impl FnMut(Told)) {
        if self.proto.is_handshaking() && !query.is_replayable() {
            self.early.push((id, query));
        } else if self.under_way.len() >= MAX_STREAMS as usize {
            self.refuse(id);
            tell(Told::Excess);
        } else {
            self.under_way.push(id);
            tell(Told::Query(id, query));
        }
    }

    /// Ends a stream whose client wants no response (RFC 9250 section 4.3.1). The rest of an incomplete query is not
    /// read: the client may open another stream for this one.
    fn cancel(&mut self, id: StreamId, tell: &mut impl FnMut(Told)) {
        self.forget(id);
        self.unsent.remove(&id);
        self.early.retain(|(early, _)| *early != id);
        let is_first = self.end_stream(id, self.code(CloseCode::RequestCancelled));
        let is_asked = self.end_query(id);
        // Resets of requests that are not whole cost the server as much as those of empty streams.
        if is_asked || is_first && self.speaks_http3() {
            self.cancelled += 1;
        }
        if is_asked {
            tell(Told::Cancelled(id));
        }
    }

    /// Whether the query of the stream was under way.
    fn end_query(&mut self, id: StreamId) -> bool {
        let place = self.under_way.iter().position(|under_way| *under_way == id);
        place.map(|place| self.under_way.swap_remove(place)).is_some()
    }

    /// Ends a stream that asks for too much.
    fn refuse(&mut self, id: StreamId) {
        self.end_stream(id, self.code(CloseCode::ExcessiveLoad));
    }

    /// Ends both sides of a stream; false if the side of the server was at an end.
    fn end_stream(&mut self, id: StreamId, code: VarInt) -> bool {
        let _ = self.proto.recv_stream(id).stop(code);
        self.proto.send_stream(id).reset(code).is_ok()
    }

    /// Answers a query with the octets of its stream; a cancelled query gets nothing.
    pub(super) fn answer(&mut self, id: StreamId, framed: &[u8]) {
        if !self.end_query(id) {
            return;
        }
        self.cancelled = self.cancelled.saturating_sub(1);
        match self.proto.send_stream(id).write(framed) {
            Ok(written) if written == framed.len() => {
                let _ = self.proto.send_stream(id).finish();
            }
            Ok(written) => self.write(id, Bytes::copy_from_slice(&framed[written..])),
            Err(WriteError::Blocked) => {
                self.unsent.insert(id, Bytes::copy_from_slice(framed));
            }
            // The client cancels the query right now.
            Err(WriteError::Stopped(_) | WriteError::ClosedStream) => {}
        }
    }

    /// Ends the stream of a query that gets no answer.
    pub(super) fn give_up(&mut self, id: StreamId, code: CloseCode) {
        if self.end_query(id) {
            let code = self.code(code);
            let _ = self.proto.send_stream(id).reset(code);
        }
    }

    /// Writes the rest of a response as far as the client has room.
    fn write(&mut self, id: StreamId, rest: Bytes) {
        if let Some(rest) = write_message(&mut self.proto, id, rest) {
            self.unsent.insert(id, rest);
        }
    }
}
