//! The real network.

use std::io;

use bytes::Bytes;
use zoners_dns::{Endpoint, Exchange, Failure, Network, Outcome, Random, Transport};

use crate::tcp::{Pool, TcpExchange};
use crate::fragments;
use crate::udp::{Spares, UdpExchange};

/// Queries go out over the sockets of this machine.
#[derive(Debug)]
pub struct Sockets {
    random: Random,
    spares: Spares,
    connections: Pool,
}

impl Sockets {
    /// No socket is open yet; ports are drawn from `random`.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Sockets { random, spares: Spares::default(), connections: Pool::default() }
    }
}

impl Network for Sockets {
    type Exchange = SocketExchange;

    fn send(&self, to: Endpoint, query: Bytes) -> SocketExchange {
        match to.transport {
            Transport::Udp => {
                let (random, spares) = (self.random.clone(), self.spares.clone());
                SocketExchange::Udp(UdpExchange::new(to.address, query, random, spares))
            }
            Transport::Tcp => SocketExchange::Tcp(self.connections.send(to.address, query)),
        }
    }
}

/// A query under way on a socket.
#[derive(Debug)]
pub enum SocketExchange {
    /// As a datagram.
    Udp(UdpExchange),
    /// On a connection.
    Tcp(TcpExchange),
}

impl Exchange for SocketExchange {
    async fn receive(&mut self) -> Outcome {
        match self {
            SocketExchange::Udp(exchange) => exchange.receive().await,
            SocketExchange::Tcp(exchange) => exchange.receive().await,
        }
    }
}

/// What an error of the operating system says about the way to a server.
pub(crate) fn failure(error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Failure::Refused,
        Kind::ConnectionReset
        | Kind::UnexpectedEof
        | Kind::BrokenPipe
        | Kind::ConnectionAborted => Failure::Closed,
        Kind::AddrInUse | Kind::OutOfMemory => Failure::NoSocket,
        // Descriptors ran out, of this process or of the machine.
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => Failure::NoSocket,
        _ => Failure::Unreachable,
    }
}
        // Our own interface has no room for the query: that says nothing of the server.
        _ if fragments::is_too_large(error) => Failure::NoSocket,
