//! Queries as datagrams: one socket, one query.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use zoners_dns::{Failure, Outcome, Random};

use crate::upstream::failure;

/// Ports that other programs are known by and that firewalls like to filter.
const AVOIDED_PORTS: &[u16] = &[1900, 3702, 4500, 5353, 5355, 11211];
/// Ports tried before giving up; the next is free with near certainty.
const PORT_TRIES: usize = 16;
/// No reply that we asked for is larger, and a larger datagram is cut, then fails to parse.
const LARGEST: usize = 4096;

/// A query on a socket of its own.
#[derive(Debug)]
pub struct UdpExchange {
    to: SocketAddr,
    query: Bytes,
    random: Random,
    socket: Option<UdpSocket>,
    failed: Option<Failure>,
}

impl UdpExchange {
    pub(crate) fn new(to: SocketAddr, query: Bytes, random: Random) -> Self {
        UdpExchange { to, query, random, socket: None, failed: None }
    }

    pub(crate) async fn receive(&mut self) -> Outcome {
        if let Some(failure) = self.failed {
            return Outcome::Failed(failure);
        }
        match self.try_receive().await {
            Ok(message) => Outcome::Message(message),
            Err(error) => {
                let failure = failure(&error);
                self.failed = Some(failure);
                Outcome::Failed(failure)
            }
        }
    }

    async fn try_receive(&mut self) -> io::Result<Bytes> {
        let socket = match &self.socket {
            Some(socket) => socket,
            None => {
                let socket = open(self.to, &self.random)?;
                socket.send(&self.query).await?;
                self.socket.insert(socket)
            }
        };
        // ICMP errors count too: they mean that nothing will come. The buffer lives in the closure,
        // not in the future, or every pending query would carry it.
        let receive = || {
            let mut buffer = [0; LARGEST];
            let length = (&*SockRef::from(socket)).read(&mut buffer)?;
            Ok(Bytes::copy_from_slice(&buffer[..length]))
        };
        socket.async_io(Interest::READABLE | Interest::ERROR, receive).await
    }
}

/// A socket connected to `to` on a random port. Connected, so that the kernel drops what others
/// send and tells us of ICMP errors (RFC 5452 section 9.2).
fn open(to: SocketAddr, random: &Random) -> io::Result<UdpSocket> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    ignore_path_mtu(&socket, to);
    let mut error = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_TRIES {
        let port = 1024 + random.below(65536 - 1024) as u16;
        if AVOIDED_PORTS.contains(&port) {
            continue;
        }
        match socket.bind(&SocketAddr::new(any, port).into()) {
            Ok(()) => {
                socket.connect(&to.into())?;
                return UdpSocket::from_std(socket.into());
            }
            Err(taken) => error = taken,
        }
    }
    Err(error)
}

/// Lets nobody shrink what we send by forged hints of a small path MTU, which would fragment it
/// (RFC 9715 section 3.1). Where the system cannot, it stays as it is.
#[cfg(target_os = "linux")]
pub(crate) fn ignore_path_mtu(socket: &Socket, address: SocketAddr) {
    use rustix::net::sockopt::{
        Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
    };
    let _ = match address {
        SocketAddr::V4(_) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::OMIT),
        SocketAddr::V6(_) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::OMIT),
    };
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn ignore_path_mtu(_: &Socket, _: SocketAddr) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn strangers_are_not_heard() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let to = server.local_addr().unwrap();
        let query = Bytes::from_static(b"query");
        let mut exchange = UdpExchange::new(to, query, Random::seeded(1));
        let answer = async {
            let mut buffer = [0; 64];
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], b"query");
            stranger.send_to(b"forged", from).await.unwrap();
            server.send_to(b"answer", from).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(exchange.receive(), answer);
        assert_eq!(outcome, Outcome::Message(Bytes::from_static(b"answer")));
    }

    #[tokio::test]
    async fn a_closed_port_is_told_at_once() {
        let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut exchange = UdpExchange::new(closed, Bytes::from_static(b"q"), Random::seeded(2));
        assert_eq!(exchange.receive().await, Outcome::Failed(Failure::Refused));
    }
}
