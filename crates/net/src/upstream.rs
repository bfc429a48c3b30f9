//! The real network.

mod observed;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use zoners_dns::{
    ConnectionState, Counters, Endpoint, Exchange, ExchangeEvent, Nat64Prefix, Network, Random,
    Transport,
};
use zoners_host::descriptors::limit;
use zoners_tls::client::ClientTls;

use crate::descriptors::Descriptors;
use crate::link_binding::LinkBindings;
use crate::nat64::Nat64;
use crate::observer::UpstreamObserver;
use crate::pool::{Pool, PooledExchange};
use crate::sources::Sources;
use crate::udp::{Carrier, Spares, UdpExchange};
pub use observed::ObservedExchange;

/// The socket of a query, or its descriptor.
#[derive(Debug)]
pub struct Room(Carrier);

/// Descriptors assumed to be open beside sockets to servers, by default.
const OTHERS: usize = 32;

/// Queries go out over the sockets of this machine.
#[derive(Debug)]
pub struct Sockets {
    observer: Option<Arc<dyn UpstreamObserver>>,
    random: Random,
    sources: Sources,
    links: LinkBindings,
    nat64: Nat64,
    spares: Spares,
    connections: Pool,
    descriptors: Arc<Descriptors>,
}

impl Sockets {
    /// No socket is open yet; ports are drawn from `random`.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Sockets::with_sources(random, Vec::new())
    }

    /// A network whose queries leave from an address of `addresses` with the server's family, if any.
    #[must_use]
    pub fn with_sources(random: Random, addresses: Vec<IpAddr>) -> Self {
        let descriptors = Descriptors::new(limit().saturating_sub(OTHERS));
        Sockets::within(descriptors, random, addresses)
    }

    /// A network with at most `descriptors` sockets, which may be shared.
    #[must_use]
    pub fn within(descriptors: Arc<Descriptors>, random: Random, addresses: Vec<IpAddr>) -> Self {
        let sources = Sources::new(random.clone(), addresses);
        let connections = Pool::new(sources.clone(), descriptors.clone());
        let spares = Spares::default();
        descriptors.register(spares.keeper());
        descriptors.register(connections.keeper());
        let links = connections.links.clone();
        Sockets {
            observer: None,
            random,
            sources,
            links,
            nat64: Nat64::default(),
            spares,
            connections,
            descriptors,
        }
    }

    /// The same, with queries to some servers by certain links.
    #[must_use]
    pub fn bound_by(self, links: LinkBindings) -> Self {
        let connections = self.connections.bound_by(links.clone());
        Sockets { links, connections, ..self }
    }

    /// The same, with TLS handshakes counted here.
    #[must_use]
    pub fn counted_by(self, counters: Arc<Counters>) -> Self {
        let connections = self.connections.counted_by(counters);
        Sockets { connections, ..self }
    }

    /// The same, with a witness of all messages.
    #[must_use]
    pub fn observed_by(self, observer: Option<Arc<dyn UpstreamObserver>>) -> Self {
        Sockets { observer, ..self }
    }

    /// Servers over TLS prove their identity so from now on; open connections stay.
    pub fn set_tls(&self, tls: ClientTls) {
        self.connections.set_tls(tls);
    }

    /// The network has this NAT64 from now on, or none: IPv4 servers are reached through the NAT64 while no route leads
    /// to the Internet over IPv4.
    pub fn set_nat64(&self, prefix: Option<Nat64Prefix>) {
        self.nat64.set(prefix);
    }

    /// The address by which a server is reached.
    fn way_to(&self, server: Endpoint) -> SocketAddr {
        self.nat64.way_to(server.socket_address())
    }

    /// The machine is on a different network, or has slept: open sockets are closed. Queries under
    /// way over TCP continue on new connections.
    pub fn renew(&self) {
        self.nat64.look();
        self.spares.renew();
        self.connections.renew();
    }
}

impl Network for Sockets {
    type Exchange = SocketExchange;
    type Room = Room;

    fn room(&self, to: Endpoint) -> Option<Room> {
        let address = self.way_to(to);
        let open = match to.transport {
            Transport::Udp => self.spares.take(address, &self.random).map(Carrier::Spare),
            Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => {
                self.connections.has(Endpoint { address, ..to }).then_some(Carrier::Any)
            }
        };
        open.or_else(|| self.descriptors.try_take().map(Carrier::New)).map(Room)
    }

    async fn wait_for_room(&self, to: Endpoint) -> Room {
        match self.room(to) {
            Some(room) => room,
            None => Room(Carrier::New(self.descriptors.take().await)),
        }
    }

    fn is_short(&self) -> bool {
        self.descriptors.are_short()
    }

    fn connection_state(&self, to: Endpoint) -> ConnectionState {
        self.connections.state(Endpoint { address: self.way_to(to), ..to })
    }

    fn exchange(&self, to: Endpoint, query: Bytes, room: Option<Room>) -> SocketExchange {
        match self.observer.as_ref().filter(|observer| observer.observes()) {
            None => self.begin(to, query, room),
            Some(observer) => {
                let exchange = self.begin(to, query.clone(), room);
                let observed = ObservedExchange::new(exchange, to, &query, observer.clone());
                SocketExchange::Observed(Box::new(observed))
            }
        }
    }
}

impl Sockets {
    fn begin(&self, to: Endpoint, query: Bytes, room: Option<Room>) -> SocketExchange {
        let address = self.way_to(to);
        let carrier = room.map_or(Carrier::Any, |Room(carrier)| carrier);
        match to.transport {
            Transport::Udp => {
                let (random, spares) = (self.random.clone(), self.spares.clone());
                let from = self.sources.address(address);
                let exchange = UdpExchange::new(address, query, random, spares);
                SocketExchange::Udp(exchange.from(from, carrier).by(self.links.link_to(address)))
            }
            Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => {
                let descriptor = match carrier {
                    Carrier::New(descriptor) => Some(descriptor),
                    Carrier::Any | Carrier::Spare(_) => None,
                };
                SocketExchange::Pooled(self.connections.send(
                    Endpoint { address, ..to },
                    query,
                    descriptor,
                ))
            }
        }
    }
}

/// A query under way on a socket.
#[derive(Debug)]
pub enum SocketExchange {
    /// As a datagram.
    Udp(UdpExchange),
    /// On a connection: over TCP, TLS, HTTPS or QUIC.
    Pooled(PooledExchange),
    /// Either, with a witness.
    Observed(Box<ObservedExchange>),
}

impl Exchange for SocketExchange {
    async fn receive(&mut self) -> ExchangeEvent {
        match self {
            SocketExchange::Udp(exchange) => exchange.receive().await,
            SocketExchange::Pooled(exchange) => exchange.receive().await,
            SocketExchange::Observed(exchange) => exchange.receive().await,
        }
    }

    fn resend(&mut self, query: Bytes) {
        match self {
            SocketExchange::Udp(exchange) => exchange.resend(query),
            SocketExchange::Pooled(exchange) => exchange.resend(query),
            SocketExchange::Observed(exchange) => exchange.resend(query),
        }
    }

    fn doubt(&mut self) -> bool {
        match self {
            SocketExchange::Udp(_) => false,
            SocketExchange::Pooled(exchange) => exchange.doubt(),
            SocketExchange::Observed(exchange) => exchange.doubt(),
        }
    }
}
