//! Queries as datagrams: one query at a time on a socket.

mod ports;
mod spares;

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use zoners_dns::{ExchangeEvent, NetworkError, Random};

use crate::descriptors::{Descriptor, ran_out};
use crate::fragments;
use crate::sources::not_ours;
use crate::upstream::failure;
pub use ports::PORTS;
use ports::port;
pub(crate) use spares::Spares;
pub(crate) use spares::Used;

/// Ports tried before giving up; the next is free with near certainty.
const PORT_TRIES: usize = 16;
/// No reply that we asked for is larger, and a larger datagram is cut, then fails to parse.
const LARGEST: usize = 4096;

/// Times in a row that a query is said to be too large for the path, after which it is given up.
const TOLD_TOO_LARGE: usize = 8;

/// A query on a socket that no other has meanwhile.
#[derive(Debug)]
pub struct UdpExchange {
    to: SocketAddr,
    query: Bytes,
    /// The address of ours that it leaves from; the unspecified one where the system chooses.
    from: IpAddr,
    /// The socket that it will be sent over, or the descriptor of a new one.
    spare: Option<Used>,
    descriptor: Option<Descriptor>,
    random: Random,
    spares: Spares,
    socket: Option<Used>,
    state: State,
    /// More may yet come to its port: it was sent again, or what came first was no good.
    more: bool,
}

/// What a query is to be sent over.
#[derive(Debug)]
pub(crate) enum Carrier {
    /// Whatever there is.
    Any,
    /// A socket that had its answer.
    Spare(Used),
    /// A socket that is yet to be opened.
    New(Descriptor),
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A message may come.
    Waiting,
    /// One came, and nobody asked for another: nothing is under way any more.
    Answered,
    /// The network has had word for us.
    Told(NetworkError),
    Failed(NetworkError),
}

impl UdpExchange {
    pub(crate) fn new(to: SocketAddr, query: Bytes, random: Random, spares: Spares) -> Self {
        let from = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        UdpExchange {
            to,
            query,
            from,
            spare: None,
            descriptor: None,
            random,
            spares,
            socket: None,
            state: State::Waiting,
            more: false,
        }
    }

    /// The same, from an address of ours, over this.
    pub(crate) fn from(mut self, from: IpAddr, carrier: Carrier) -> Self {
        self.from = from;
        match carrier {
            Carrier::Any => {}
            Carrier::Spare(used) => self.spare = Some(used),
            Carrier::New(descriptor) => self.descriptor = Some(descriptor),
        }
        self
    }

    pub(crate) async fn receive(&mut self) -> ExchangeEvent {
        match self.state {
            State::Failed(failure) => return ExchangeEvent::Failed(failure),
            State::Told(failure) => {
                self.state = State::Waiting;
                return ExchangeEvent::Advisory(failure);
            }
            State::Answered => (self.state, self.more) = (State::Waiting, true),
            State::Waiting => {}
        }
        match self.try_receive().await {
            Ok(message) => {
                self.state = State::Answered;
                ExchangeEvent::Message(message)
            }
            // What comes in between may be an error that a router sent, or a forger.
            Err(error) if self.socket.is_some() => {
                self.more = true;
                ExchangeEvent::Advisory(failure(&error))
            }
            Err(error) => {
                let failure = failure(&error);
                self.state = State::Failed(failure);
                ExchangeEvent::Failed(failure)
            }
        }
    }

    pub(crate) fn resend(&mut self, query: Bytes) {
        self.query = query;
        // What was not sent yet goes out as it is now.
        let Some(used) = &self.socket else { return };
        self.more = true;
        match used.socket.try_send(&self.query) {
            Ok(_) => {}
            // As good as lost on the way.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // An error that waited for us is told once.
            Err(error) => self.state = State::Told(failure(&error)),
        }
    }

    async fn try_receive(&mut self) -> io::Result<Bytes> {
        let socket = match &self.socket {
            Some(used) => &used.socket,
            None => {
                let used = self.carrier().await?;
                send(&used.socket, self.to, &self.query).await?;
                &self.socket.insert(used).socket
            }
        };
        // ICMP errors are heard too: they may mean that nothing will come. The buffer lives in the closure,
        // not in the future, or every pending query would carry it.
        let receive = || {
            let mut buffer = [0; LARGEST];
            let length = read(socket, &mut buffer)?;
            Ok(Bytes::copy_from_slice(&buffer[..length]))
        };
        socket.async_io(Interest::READABLE | Interest::ERROR, receive).await
    }

    /// The socket that it is sent over: one that had its answer, or a new one, as soon as the system has it.
    async fn carrier(&mut self) -> io::Result<Used> {
        let spare = self.spare.take();
        let any = || match self.descriptor {
            None => self.spares.take(self.to, &self.random),
            Some(_) => None,
        };
        if let Some(used) = spare.or_else(any) {
            return Ok(used);
        }
        loop {
            let socket = open(self.from, self.to, &self.random);
            if let (Err(error), Some(descriptor)) = (&socket, &self.descriptor)
                && ran_out(error)
            {
                // Boxed, since it is rare, and many wait at a time.
                Box::pin(descriptor.wait()).await;
            } else {
                return Ok(Used::new(socket?, self.descriptor.take()));
            }
        }
    }
}

impl Drop for UdpExchange {
    fn drop(&mut self) {
        if self.state == State::Answered
            && !self.more
            && let Some(used) = self.socket.take()
        {
            self.spares.keep(self.to, used, &self.random);
        }
    }
}

/// Sends a query whole; over an interface that has no room for one as small as that, in fragments.
async fn send(socket: &UdpSocket, to: SocketAddr, query: &[u8]) -> io::Result<usize> {
    match socket.send(query).await {
        Err(error) if fragments::is_too_large(&error) && fragments::allow(socket, to) => {
            socket.send(query).await
        }
        sent => sent,
    }
}

/// Reads what came. Word that a datagram was too large for the path is none of the server: the query
/// is small, and it may have been forged.
fn read(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    for _ in 0..TOLD_TOO_LARGE {
        match (&*SockRef::from(socket)).read(buffer) {
            Err(error) if fragments::is_too_large(&error) => {}
            read => return read,
        }
    }
    Err(Errno::MSGSIZE.into())
}

/// A socket connected to `to` on a random port of `from`. Connected, so that the kernel drops what others
/// send and tells us of ICMP errors (RFC 5452 section 9.2).
fn open(from: IpAddr, to: SocketAddr, random: &Random) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    fragments::forbid(&socket, to);
    let mut error = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_TRIES {
        match socket.bind(&SocketAddr::new(from, port(random)).into()) {
            Ok(()) => {
                socket.connect(&to.into())?;
                return UdpSocket::from_std(socket.into());
            }
            Err(taken) => error = not_ours(&taken),
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests;
