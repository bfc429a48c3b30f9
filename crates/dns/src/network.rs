//! The border between the resolver and the world.
//!
//! The resolver never touches a socket: it asks a [`Network`], which is real sockets in the
//! daemon (`zoners-net`) and a simulated Internet in tests (`zoners-sim`).

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How a server is spoken to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// One datagram each way.
    #[default]
    Udp,
    /// A stream, reused for several queries (RFC 7766).
    Tcp,
}

impl Transport {
    /// All transports.
    pub const ALL: [Transport; 2] = [Transport::Udp, Transport::Tcp];

    /// Whether messages follow each other on a stream: no message is too long, and TC has no use.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        match self {
            Transport::Udp => false,
            Transport::Tcp => true,
        }
    }

    /// Whether the peer has shown that packets reach its address, by a handshake.
    #[must_use]
    pub const fn verifies_address(self) -> bool {
        match self {
            Transport::Udp => false,
            Transport::Tcp => true,
        }
    }

    /// Whether the network cannot read the messages.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        match self {
            Transport::Udp | Transport::Tcp => false,
        }
    }

    /// The octet of the transport in keys; never another transport's.
    #[must_use]
    pub const fn to_octet(self) -> u8 {
        match self {
            Transport::Udp => 0,
            Transport::Tcp => 1,
        }
    }

    /// The transport of an octet in a key, if there is one.
    #[must_use]
    pub fn from_octet(octet: u8) -> Option<Self> {
        Transport::ALL.into_iter().find(|transport| transport.to_octet() == octet)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        })
    }
}

/// Where a query goes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address and port of the server.
    pub address: SocketAddr,
    /// The way there.
    pub transport: Transport,
}

impl Endpoint {
    /// A server at the port of DNS, over UDP.
    #[must_use]
    pub fn udp(address: IpAddr) -> Self {
        Endpoint { address: SocketAddr::new(address, 53), transport: Transport::Udp }
    }

    /// The same server by another way.
    #[must_use]
    pub fn over(self, transport: Transport) -> Self {
        Endpoint { transport, ..self }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.address.port() == 53 {
            write!(f, "{}", self.address.ip())
        } else {
            write!(f, "{}", self.address)
        }
    }
}

/// What came of waiting on an [`Exchange`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeEvent {
    /// A message came from the server's address. Whether it answers the query is not yet said:
    /// over UDP anyone may have sent it.
    Message(Bytes),
    /// Word came from the network that the query does not reach the server, which over UDP anyone may have
    /// sent: a message may come all the same.
    Advisory(NetworkError),
    /// Nothing more will come.
    Failed(NetworkError),
}

/// Why an exchange ended without a message. A server that stays silent is not among these: the
/// one who waits decides how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NetworkError {
    /// The port is closed (ICMP port unreachable, TCP reset on connecting).
    Refused,
    /// No way to the host (ICMP unreachable, no route, family not available).
    Unreachable,
    /// The stream ended before the answer.
    Closed,
    /// This machine has no socket or port to give.
    NoSocket,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NetworkError::Refused => "connection refused",
            NetworkError::Unreachable => "unreachable",
            NetworkError::Closed => "connection closed",
            NetworkError::NoSocket => "no socket left",
        })
    }
}

/// The world as the resolver sees it.
pub trait Network: Send + Sync + 'static {
    /// A query under way.
    type Exchange: Exchange;
    /// What a query needs of this machine to be sent, where it has few sockets.
    type Room: Send + 'static;

    /// Room for a query to `to` that is sent at once; none, where others wait for theirs.
    fn room(&self, to: Endpoint) -> Option<Self::Room>;

    /// Waits for room, after those who wait already.
    fn wait_for_room(&self, to: Endpoint) -> impl Future<Output = Self::Room> + Send {
        async move {
            match self.room(to) {
                Some(room) => room,
                None => std::future::pending().await,
            }
        }
    }

    /// Whether queries wait for room: nothing is to be sent that need not be.
    fn is_short(&self) -> bool {
        false
    }

    /// Sends `query`, a whole message, to `to`; without `room`, which a query has that needs a stream beside
    /// its own socket, as soon as there is some.
    ///
    /// Over UDP each query has a socket to itself, connected to the server, on a random port. Never
    /// fails at once: what goes wrong is the first [`ExchangeEvent`].
    fn send(&self, to: Endpoint, query: Bytes, room: Option<Self::Room>) -> Self::Exchange;
}

/// A network that several share.
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

    fn send(&self, to: Endpoint, query: Bytes, room: Option<N::Room>) -> N::Exchange {
        N::send(self, to, query, room)
    }
}

/// A query under way. Dropping it ends the wait and frees the socket.
pub trait Exchange: Send + 'static {
    /// Waits for the next message. Over UDP there may be several, not all of them honest; over a
    /// stream only messages with the query's ID come. Safe to cancel and call again.
    fn receive(&mut self) -> impl Future<Output = ExchangeEvent> + Send;

    /// Sends the query again, as `query` has it, which has the same ID: over UDP from the same socket, over
    /// TCP on another connection. A reply may come to either. What goes wrong is the next [`ExchangeEvent`].
    fn resend(&mut self, query: Bytes);

    /// The reply is later than it should be. True where what carries the query may have died without a
    /// word: a connection that has brought replies before, and nothing since the query was put on it. Later
    /// queries take another, and this one is worth sending again.
    fn doubt(&mut self) -> bool {
        false
    }
}
