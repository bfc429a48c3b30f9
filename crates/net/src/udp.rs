//! Queries as datagrams: one query at a time on a socket.

mod ports;
mod spares;

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use zoners_dns::{Failure, Outcome, Random};

use crate::upstream::failure;
use ports::port;
pub(crate) use spares::Spares;
use spares::Used;

/// Ports tried before giving up; the next is free with near certainty.
const PORT_TRIES: usize = 16;
/// No reply that we asked for is larger, and a larger datagram is cut, then fails to parse.
const LARGEST: usize = 4096;

/// A query on a socket that no other has meanwhile.
#[derive(Debug)]
pub struct UdpExchange {
    to: SocketAddr,
    query: Bytes,
    random: Random,
    spares: Spares,
    socket: Option<Used>,
    state: State,
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A message may come.
    Waiting,
    /// One came, and nobody asked for another: nothing is under way any more.
    Answered,
    Failed(Failure),
}

impl UdpExchange {
    pub(crate) fn new(to: SocketAddr, query: Bytes, random: Random, spares: Spares) -> Self {
        UdpExchange { to, query, random, spares, socket: None, state: State::Waiting }
    }

    pub(crate) async fn receive(&mut self) -> Outcome {
        if let State::Failed(failure) = self.state {
            return Outcome::Failed(failure);
        }
        self.state = State::Waiting;
        match self.try_receive().await {
            Ok(message) => {
                self.state = State::Answered;
                Outcome::Message(message)
            }
            Err(error) => {
                let failure = failure(&error);
                self.state = State::Failed(failure);
                Outcome::Failed(failure)
            }
        }
    }

    async fn try_receive(&mut self) -> io::Result<Bytes> {
        let socket = match &self.socket {
            Some(used) => &used.socket,
            None => {
                let used = match self.spares.take(self.to, &self.random) {
                    Some(used) => used,
                    None => Used::new(open(self.to, &self.random)?),
                };
                used.socket.send(&self.query).await?;
                &self.socket.insert(used).socket
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

impl Drop for UdpExchange {
    fn drop(&mut self) {
        if self.state == State::Answered
            && let Some(used) = self.socket.take()
        {
            self.spares.keep(self.to, used, &self.random);
        }
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
        match socket.bind(&SocketAddr::new(any, port(random)).into()) {
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
mod tests;
