//! One connection: streams become queries, and responses become streams.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use quinn_proto::crypto::rustls::HandshakeData;
use quinn_proto::{Connection, Dir, Event, ReadError, StreamEvent, StreamId, WriteError};
use zoners_dns::packet;

use super::close_code::CloseCode;
use super::message_pieces::{MessageFault, MessagePieces};
use super::stream_write::write_message;
use super::terms::MAX_STREAMS;
use crate::client_slots::{ClientSlot, stands_for};

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
    /// The streams of queries that are handed on and have no response yet, at most [`MAX_STREAMS`].
    pub(super) under_way: Vec<StreamId>,
    /// Cancelled queries, less the answered ones since.
    pub(super) cancelled: u32,
    /// The endpoint knows the connection no more.
    pub(super) drained: bool,
    /// The connection has a turn coming.
    pub(super) touched: bool,
    /// Queries that are not whole.
    pieces: BTreeMap<StreamId, MessagePieces>,
    /// Queries that wait for the end of the handshake.
    early: Vec<(StreamId, Bytes)>,
    /// Responses, or their ends, that the client has no room for.
    unsent: BTreeMap<StreamId, Bytes>,
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
    Query(StreamId, Bytes),
    /// The handshake is complete.
    Connected,
    /// The client has ended the connection, or is lost.
    Lost,
    /// The client broke the protocol.
    Fault,
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
            under_way: Vec::new(),
            cancelled: 0,
            drained: false,
            touched: false,
            pieces: BTreeMap::new(),
            early: Vec::new(),
            unsent: BTreeMap::new(),
        }
    }

    /// Octets that the connection holds: waiting queries, and responses that the client does not take.
    pub(super) fn held(&self) -> usize {
        let pieces: usize = self.pieces.values().map(MessagePieces::held).sum();
        let early: usize = self.early.iter().map(|(_, query)| query.len()).sum();
        let unsent: usize = self.unsent.values().map(Bytes::len).sum();
        pieces + early + unsent
    }

    /// Frees incomplete queries and unsent responses of a connection that ends.
    pub(super) fn drop_held(&mut self) {
        self.pieces.clear();
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
    pub(super) fn listen(&mut self, tell: &mut impl FnMut(Told)) {
        while let Some(event) = self.proto.poll() {
            match event {
                Event::Connected => {
                    tell(Told::Connected);
                    for (id, query) in std::mem::take(&mut self.early) {
                        self.hand_on(id, query, tell);
                    }
                }
                Event::HandshakeDataReady => self.server_name = server_name(&self.proto),
                Event::ConnectionLost { .. } => tell(Told::Lost),
                Event::Stream(StreamEvent::Opened { dir: Dir::Bi }) => {
                    while let Some(id) = self.proto.streams().accept(Dir::Bi) {
                        self.read(id, tell);
                    }
                }
                Event::Stream(StreamEvent::Readable { id }) => self.read(id, tell),
                Event::Stream(StreamEvent::Writable { id }) => {
                    if let Some(rest) = self.unsent.remove(&id) {
                        self.write(id, rest);
                    }
                }
                Event::Stream(StreamEvent::Stopped { id, .. }) => self.cancel(id, tell),
                _ => {}
            }
        }
    }

    /// Reads what has come on a stream.
    fn read(&mut self, id: StreamId, tell: &mut impl FnMut(Told)) {
        let mut pieces = self.pieces.remove(&id).unwrap_or_default();
        let mut stream = self.proto.recv_stream(id);
        let Ok(mut chunks) = stream.read(true) else { return };
        let read = loop {
            match chunks.next(usize::MAX) {
                Ok(Some(chunk)) => match pieces.put(chunk.bytes) {
                    Ok(()) => {}
                    Err(fault) => break Err(fault),
                },
                Ok(None) => break pieces.into_message().map(Some),
                Err(ReadError::Blocked) => {
                    self.pieces.insert(id, pieces);
                    break Ok(None);
                }
                Err(ReadError::Reset(_)) => {
                    drop(chunks);
                    return self.cancel(id, tell);
                }
            }
        };
        let _ = chunks.finalize();
        match read {
            Ok(None) => {}
            Ok(Some(query)) => self.hand_on(id, query, tell),
            Err(MessageFault::TooLong) => {
                self.refuse(id);
                tell(Told::Excess);
            }
            Err(_) => tell(Told::Fault),
        }
    }

    /// Hands on a query, or keeps the query until the handshake is complete: early data (0-RTT) may be a replay.
    fn hand_on(&mut self, id: StreamId, query: Bytes, tell: &mut impl FnMut(Told)) {
        if packet::asks_for_keepalive(&query) {
            // QUIC has an idle time of its own (RFC 9250 section 5.5.2).
            tell(Told::Fault);
        } else if self.proto.is_handshaking() && !packet::is_replayable(&query) {
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
        self.pieces.remove(&id);
        self.unsent.remove(&id);
        self.early.retain(|(early, _)| *early != id);
        let _ = self.proto.recv_stream(id).stop(CloseCode::RequestCancelled.into());
        let _ = self.proto.send_stream(id).reset(CloseCode::RequestCancelled.into());
        if self.end_query(id) {
            self.cancelled += 1;
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
        let _ = self.proto.recv_stream(id).stop(CloseCode::ExcessiveLoad.into());
        let _ = self.proto.send_stream(id).reset(CloseCode::ExcessiveLoad.into());
    }

    /// Answers a query with a message behind its length; a cancelled query gets nothing.
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
            let _ = self.proto.send_stream(id).reset(code.into());
        }
    }

    /// Writes the rest of a response as far as the client has room.
    fn write(&mut self, id: StreamId, rest: Bytes) {
        if let Some(rest) = write_message(&mut self.proto, id, rest) {
            self.unsent.insert(id, rest);
        }
    }
}

/// The name of the server by which the client asks (SNI, RFC 6066 section 3), in lower case.
fn server_name(connection: &Connection) -> Option<Arc<str>> {
    let data = connection.crypto_session().handshake_data()?.downcast::<HandshakeData>().ok()?;
    data.server_name.map(Arc::from)
}
