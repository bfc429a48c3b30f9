//! A connection to a server (RFC 9250): queries become streams, and streams become replies.
//!
//! [`QuicClient`] is a state machine without socket and clock, as the server's end is.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use quinn_proto::crypto::rustls::QuicClientConfig;
use quinn_proto::{
    ClientConfig, Connection, ConnectionError, ConnectionHandle, DatagramEvent, Dir, Endpoint,
    EndpointConfig, Event, StreamEvent, StreamId,
};
use zoners_dns::NetworkError;
use zoners_tls::client::PeerFault;

use super::close_code::CloseCode;
use super::message_pieces::MessagePieces;
use super::stream_read::{Next, read_stream};
use super::stream_write::write_message;
use super::transport::{Allowance, transport};
use crate::failure;

/// Queries under way on one connection; a server may allow fewer.
pub(crate) const MAX_UNDER_WAY: usize = 100;
/// A server may send the longest reply, with the length in front, and opens no stream (RFC 9250 section 4.2).
const ALLOWANCE: Allowance = Allowance {
    streams: [0, 0],
    stream_window: 2 + u16::MAX as u32,
    connection_window: 128 * 1024,
    send_window: 128 * 1024,
};
/// Errors of TLS within QUIC: an alert, and this (RFC 9001 section 4.8).
const TLS_ALERTS: u64 = 0x100;

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct QuicClient {
    endpoint: Endpoint,
    handle: ConnectionHandle,
    proto: Connection,
    /// The stream of the next query, if the server allows one.
    next: Option<StreamId>,
    /// The streams of queries under way.
    under_way: BTreeSet<StreamId>,
    /// Replies that are not whole.
    pieces: BTreeMap<StreamId, MessagePieces>,
    /// Rests of queries that the server has no room for.
    unsent: BTreeMap<StreamId, Bytes>,
    has_heard: bool,
}

/// What happened on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum QuicClientEvent {
    /// The handshake is complete.
    Connected,
    /// The reply to the query of a stream, with ID 0.
    Reply(StreamId, Bytes),
    /// The server ended a stream without a reply that can be read.
    NoReply(StreamId),
    /// The connection is over.
    Lost(NetworkError),
}

impl QuicClient {
    /// Begins a connection that ends after `idle` without packets. `name` is what the certificate proves.
    ///
    /// # Errors
    /// TLS lacks version 1.3 or the cipher suite of first packets, or the address or the name cannot be used.
    pub(crate) fn begin(
        now: Instant,
        tls: Arc<rustls::ClientConfig>,
        to: SocketAddr,
        name: &str,
        idle: Duration,
    ) -> Result<Self, NetworkError> {
        let crypto = QuicClientConfig::try_from(tls).map_err(|_| NetworkError::Handshake)?;
        let mut config = ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport(idle, ALLOWANCE)));
        let mut endpoint = Endpoint::new(Arc::new(EndpointConfig::default()), None, false, None);
        let begun = endpoint.connect(now, config, to, name);
        let (handle, proto) = begun.map_err(|_| NetworkError::Unreachable)?;
        Ok(QuicClient {
            endpoint,
            handle,
            proto,
            next: None,
            under_way: BTreeSet::new(),
            pieces: BTreeMap::new(),
            unsent: BTreeMap::new(),
            has_heard: false,
        })
    }

    /// Takes a datagram of the server.
    pub(crate) fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.has_heard = true;
        // A client answers no packet of an unknown connection.
        let (octets, mut answer) = (BytesMut::from(datagram), Vec::new());
        let event = self.endpoint.handle(now, from, None, None, octets, &mut answer);
        if let Some(DatagramEvent::ConnectionEvent(_, event)) = event {
            self.proto.handle_event(event);
        }
    }

    /// Takes the moment of [`Self::deadline`].
    pub(crate) fn expire(&mut self, now: Instant) {
        self.proto.handle_timeout(now);
    }

    /// The moment of the next turn, if nothing comes before.
    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        self.proto.poll_timeout()
    }

    /// Whether a datagram has come.
    pub(crate) fn has_heard(&self) -> bool {
        self.has_heard
    }

    /// Octets held: replies that are not whole, and queries that the server does not take.
    pub(crate) fn held(&self) -> usize {
        let pieces: usize = self.pieces.values().map(MessagePieces::held).sum();
        pieces + self.unsent.values().map(Bytes::len).sum::<usize>()
    }

    /// Whether another query may go out: the server says how many streams it allows.
    pub(crate) fn has_stream(&mut self) -> bool {
        if self.under_way.len() >= MAX_UNDER_WAY {
            return false;
        }
        self.next = self.next.or_else(|| self.proto.streams().open(Dir::Bi));
        self.next.is_some()
    }

    /// Sends a query of at most 65,535 octets, with ID 0 (RFC 9250 section 4.2.1); `None` without a stream.
    pub(crate) fn ask(&mut self, query: &[u8]) -> Option<StreamId> {
        let length = u16::try_from(query.len()).ok()?;
        let id = self.has_stream().then(|| self.next.take())??;
        let mut framed = BytesMut::with_capacity(2 + query.len());
        framed.put_u16(length);
        framed.put_slice(query);
        framed.iter_mut().skip(2).take(2).for_each(|octet| *octet = 0);
        self.under_way.insert(id);
        self.write(id, framed.freeze());
        Some(id)
    }

    /// Wants no reply to a query any more (RFC 9250 section 4.3.1).
    pub(crate) fn cancel(&mut self, id: StreamId) {
        self.under_way.remove(&id);
        self.pieces.remove(&id);
        self.unsent.remove(&id);
        let _ = self.proto.recv_stream(id).stop(CloseCode::RequestCancelled.into());
        let _ = self.proto.send_stream(id).reset(CloseCode::RequestCancelled.into());
    }

    /// Ends the connection.
    pub(crate) fn close(&mut self, now: Instant) {
        self.proto.close(now, CloseCode::NoError.into(), Bytes::new());
    }

    /// The next event since the last turn.
    pub(crate) fn next_event(&mut self) -> Option<QuicClientEvent> {
        while let Some(event) = self.proto.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(self.handle, event) {
                self.proto.handle_event(event);
            }
        }
        loop {
            let event = match self.proto.poll()? {
                Event::Connected => Some(QuicClientEvent::Connected),
                Event::ConnectionLost { reason } => Some(QuicClientEvent::Lost(meaning(&reason))),
                Event::Stream(StreamEvent::Readable { id }) => self.read(id),
                Event::Stream(StreamEvent::Stopped { id, .. }) => {
                    self.cancel(id);
                    Some(QuicClientEvent::NoReply(id))
                }
                Event::Stream(StreamEvent::Writable { id }) => {
                    if let Some(rest) = self.unsent.remove(&id) {
                        self.write(id, rest);
                    }
                    None
                }
                _ => None,
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Writes the next datagram; false if there is none.
    pub(crate) fn transmit(&mut self, now: Instant, datagram: &mut Vec<u8>) -> bool {
        datagram.clear();
        let transmit = self.proto.poll_transmit(now, 1, datagram);
        transmit.map(|transmit| datagram.truncate(transmit.size)).is_some()
    }

    /// Writes a query as far as the server has room.
    fn write(&mut self, id: StreamId, rest: Bytes) {
        if let Some(rest) = write_message(&mut self.proto, id, rest) {
            self.unsent.insert(id, rest);
        }
    }

    /// Reads what has come on a stream.
    fn read(&mut self, id: StreamId) -> Option<QuicClientEvent> {
        let mut pieces = self.pieces.remove(&id).unwrap_or_else(MessagePieces::of_reply);
        let message = match read_stream(&mut self.proto, id, |octets| pieces.put(octets))? {
            Ok(Next::Octets) => {
                self.pieces.insert(id, pieces);
                return None;
            }
            Ok(Next::End) => pieces.into_message().ok(),
            Ok(Next::Reset) | Err(_) => None,
        };
        Some(match message {
            Some(message) => {
                self.under_way.remove(&id);
                QuicClientEvent::Reply(id, message)
            }
            None => {
                self.cancel(id);
                QuicClientEvent::NoReply(id)
            }
        })
    }
}

/// The meaning of the end of a connection for the path to the server.
fn meaning(reason: &ConnectionError) -> NetworkError {
    match reason {
        ConnectionError::TransportError(error) => match alert(u64::from(error.code)) {
            Some(alert) => failure::of_peer(PeerFault::of_alert(alert)),
            None => NetworkError::Closed,
        },
        ConnectionError::ConnectionClosed(close) if alert(close.error_code.into()).is_some() => {
            NetworkError::Handshake
        }
        ConnectionError::VersionMismatch => NetworkError::Handshake,
        _ => NetworkError::Closed,
    }
}

/// The alert of TLS in a code of QUIC.
fn alert(code: u64) -> Option<u8> {
    code.checked_sub(TLS_ALERTS).and_then(|alert| u8::try_from(alert).ok())
}
