//! The interface between the resolver and the network.
//!
//! The resolver opens no socket. A [`Network`] carries queries and replies: real sockets in the daemon
//! (`zoners-net`), a simulated Internet in tests (`zoners-sim`).

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;

/// What [`Exchange::receive`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeEvent {
    /// A message from the address of the server. Over UDP the source address may be spoofed, so the
    /// message may not be the reply.
    Message(Bytes),
    /// The network reports that the query did not reach the server. Over UDP the report (ICMP) may
    /// be spoofed, and a reply may still come.
    Advisory(NetworkError),
    /// The exchange ended without a reply.
    Failed(NetworkError),
}

/// Why an exchange failed. A timeout is not included: the caller of [`Exchange::receive`] decides
/// how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NetworkError {
    /// The port is closed (ICMP port unreachable, TCP reset on connecting).
    Refused,
    /// The address is unreachable (ICMP unreachable, no route, address family not available).
    Unreachable,
    /// The stream ended before the reply.
    Closed,
    /// This machine cannot send the query: no socket or port is free, or the query is too long. No fault of the server.
    NoSocket,
    /// The server did not prove its identity.
    Untrusted(IdentityFault),
    /// TLS failed otherwise: the peer speaks no TLS, or no version or cipher suite of ours.
    Handshake,
    /// The server sent something else than DNS over HTTPS.
    Http(HttpFault),
}

/// Why a server over HTTPS gives no DNS message (RFC 8484).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HttpFault {
    /// The server does not agree on HTTP/2 (`h2` in ALPN): no query was sent.
    NoHttp2,
    /// The server broke HTTP/2, or its header fields are too long.
    Protocol,
    /// The status is another than 200.
    Status(u16),
    /// The body is no `application/dns-message`.
    ContentType,
    /// The body is longer than a message can be.
    TooLong,
}

impl fmt::Display for HttpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HttpFault::NoHttp2 => "the server speaks no HTTP/2",
            HttpFault::Protocol => "the server broke HTTP/2",
            HttpFault::Status(status) => return write!(f, "HTTP status {status}"),
            HttpFault::ContentType => "the HTTP reply is no application/dns-message",
            HttpFault::TooLong => "the HTTP reply is longer than a DNS message",
        })
    }
}

/// Why a certificate does not prove the identity of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IdentityFault {
    /// The certificate is for other names.
    WrongName,
    /// The certificate has expired, or is not valid yet.
    WrongTime,
    /// No authority of ours has signed the certificate.
    UnknownIssuer,
    /// No pinned key is the key of the server.
    WrongKey,
    /// The certificate cannot be used otherwise.
    Unusable,
}

impl fmt::Display for IdentityFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IdentityFault::WrongName => "the certificate is for another name",
            IdentityFault::WrongTime => "the certificate is not valid at this time",
            IdentityFault::UnknownIssuer => "the certificate is of an unknown issuer",
            IdentityFault::WrongKey => "the key of the server is not a pinned key",
            IdentityFault::Unusable => "the certificate cannot be used",
        })
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NetworkError::Refused => "connection refused",
            NetworkError::Unreachable => "unreachable",
            NetworkError::Closed => "connection closed",
            NetworkError::NoSocket => "no socket left",
            NetworkError::Handshake => "TLS failed",
            NetworkError::Untrusted(fault) => return fault.fmt(f),
            NetworkError::Http(fault) => return fault.fmt(f),
        })
    }
}

/// The connection to a server over a stream, if any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// A query opens a connection first.
    #[default]
    Closed,
    /// A connection is being opened, and a query waits for the rest of the handshakes.
    Opening,
    /// A query is sent at once.
    Open,
}

/// The network, as the resolver uses it.
pub trait Network: Send + Sync + 'static {
    /// One query to one server, with everything needed for the reply.
    type Exchange: Exchange;
    /// The sockets reserved for a query, where the process may open few.
    type Room: Send + 'static;

    /// Reserves sockets for a query sent at once. `None` if queries already wait for sockets.
    fn room(&self, to: Endpoint) -> Option<Self::Room>;

    /// Waits for sockets, behind the queries that wait already.
    fn wait_for_room(&self, to: Endpoint) -> impl Future<Output = Self::Room> + Send {
        async move {
            match self.room(to) {
                Some(room) => room,
                None => std::future::pending().await,
            }
        }
    }

    /// Whether queries wait for sockets, so that optional queries should not be sent.
    fn is_short(&self) -> bool {
        false
    }

    /// The connection on which a query to `to`, over a stream, would be sent now.
    fn connection_state(&self, _to: Endpoint) -> ConnectionState {
        ConnectionState::Closed
    }

    /// Begins an exchange of `query`, a whole message, with the server at `to`. Without a reservation (a
    /// stream opened beside a UDP socket has none) the query waits for a free socket.
    ///
    /// The query leaves at the first [`Exchange::receive`] at the latest; over UDP not before, since
    /// opening a socket may have to wait. Each query over UDP has its own connected socket on a random
    /// port. An error is not returned here but as the first [`ExchangeEvent`].
    fn exchange(&self, to: Endpoint, query: Bytes, room: Option<Self::Room>) -> Self::Exchange;
}

/// A network that is shared.
impl<N: Network> Network for Arc<N> {
    type Exchange = N::Exchange;
    type Room = N::Room;

    fn room(&self, to: Endpoint) -> Option<N::Room> {
        N::room(self, to)
    }

    fn wait_for_room(&self, to: Endpoint) -> impl Future<Output = N::Room> + Send {
        N::wait_for_room(self, to)
    }

    fn is_short(&self) -> bool {
        N::is_short(self)
    }

    fn connection_state(&self, to: Endpoint) -> ConnectionState {
        N::connection_state(self, to)
    }

    fn exchange(&self, to: Endpoint, query: Bytes, room: Option<N::Room>) -> N::Exchange {
        N::exchange(self, to, query, room)
    }
}

/// One query to one server. Dropping the exchange stops waiting and frees the socket.
pub trait Exchange: Send + 'static {
    /// Sends the query, unless sent before, and waits for the next message. Over UDP several messages
    /// may come, some of them spoofed; a stream delivers only messages with the ID of the query. The
    /// future may be dropped and the method called again.
    fn receive(&mut self) -> impl Future<Output = ExchangeEvent> + Send;

    /// Sends `query` again with the same ID, over UDP from the same socket, over TCP on another
    /// connection. The reply may come to either copy. An error is returned as the next
    /// [`ExchangeEvent`].
    fn resend(&mut self, query: Bytes);

    /// Reports that the reply is late. Returns true if the connection may be dead: earlier queries
    /// got replies on it, and no octet came since this query. Then later queries use another
    /// connection, and the caller should send this query again.
    fn doubt(&mut self) -> bool {
        false
    }
}
