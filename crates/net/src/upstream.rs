//! The real network.

use std::io;
use std::net::IpAddr;

use bytes::Bytes;
use zoners_dns::{Endpoint, Exchange, Failure, Network, Outcome, Random, Transport};

use crate::fragments;
use crate::sources::Sources;
use crate::tcp::{Pool, TcpExchange};
use crate::udp::{Spares, UdpExchange};

/// Queries go out over the sockets of this machine.
#[derive(Debug)]
pub struct Sockets {
    random: Random,
    sources: Sources,
    spares: Spares,
    connections: Pool,
}

impl Sockets {
    /// No socket is open yet; ports are drawn from `random`.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Sockets::with_sources(random, Vec::new())
    }

    /// The same; queries leave from one of `addresses`, where there is one of the server's family.
    #[must_use]
    pub fn with_sources(random: Random, addresses: Vec<IpAddr>) -> Self {
        let sources = Sources::new(random.clone(), addresses);
        let connections = Pool::new(sources.clone());
        Sockets { random, sources, spares: Spares::default(), connections }
    }

    /// The machine is on another network, or has slept: what was kept open is closed. Queries that are under
    /// way over TCP go on over new connections.
    pub fn renew(&self) {
        self.spares.renew();
        self.connections.renew();
    }
}

impl Network for Sockets {
    type Exchange = SocketExchange;

    fn send(&self, to: Endpoint, query: Bytes) -> SocketExchange {
        match to.transport {
            Transport::Udp => {
                let (random, spares) = (self.random.clone(), self.spares.clone());
                let from = self.sources.address(to.address);
                SocketExchange::Udp(UdpExchange::new(to.address, query, random, spares).from(from))
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

    fn resend(&mut self, query: Bytes) {
        match self {
            SocketExchange::Udp(exchange) => exchange.resend(query),
            SocketExchange::Tcp(exchange) => exchange.resend(query),
        }
    }

    fn doubt(&mut self) -> bool {
        match self {
            SocketExchange::Udp(_) => false,
            SocketExchange::Tcp(exchange) => exchange.doubt(),
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
        // Our own interface has no room for the query: that says nothing of the server.
        _ if fragments::is_too_large(error) => Failure::NoSocket,
        _ => Failure::Unreachable,
    }
}
