//! Queries over UDP: one query at a time on each socket.

mod ports;
mod spares;

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use zoners_dns::{ExchangeEvent, NetworkError, Random};

use crate::descriptors::{Descriptor, ran_out};
use crate::failure;
use crate::fragments;
use crate::link_binding::{self, LinkBinding};
use crate::sources::not_ours;
pub use ports::PORTS;
use ports::port;
pub(crate) use spares::Spares;
pub(crate) use spares::Used;

/// Ports tried before giving up; the next is free with near certainty.
const PORT_TRIES: usize = 16;
/// No expected reply is larger; a larger datagram is cut, then fails to parse.
const LARGEST: usize = 4096;

/// Consecutive reports that a query is too large for the path, after which it is given up.
const TOLD_TOO_LARGE: usize = 8;

/// A query on a socket of its own.
#[derive(Debug)]
pub struct UdpExchange {
    to: SocketAddr,
    query: Bytes,
    /// The source address; the unspecified address if the system chooses.
    from: IpAddr,
    /// The link of the server, if a certain one.
    link: Option<Arc<LinkBinding>>,
    /// The kept socket for the query, or the descriptor of a new one.
    spare: Option<Used>,
    descriptor: Option<Descriptor>,
    random: Random,
    spares: Spares,
    socket: Option<Used>,
    state: UdpState,
    /// Further messages may arrive: the query was repeated, or the first message was no good.
    more: bool,
}

/// The socket, or descriptor, of a query.
#[derive(Debug)]
pub(crate) enum Carrier {
    /// Whatever there is.
    Any,
    /// A kept socket.
    Spare(Used),
    /// The descriptor of a socket to be opened.
    New(Descriptor),
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UdpState {
    /// A message may come.
    Waiting,
    /// The reply arrived, and no repetition is under way.
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
            link: None,
            spare: None,
            descriptor: None,
            random,
            spares,
            socket: None,
            state: UdpState::Waiting,
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

    /// The same, by this link.
    pub(crate) fn by(mut self, link: Option<Arc<LinkBinding>>) -> Self {
        self.link = link;
        self
    }

    pub(crate) async fn receive(&mut self) -> ExchangeEvent {
        match self.state {
            UdpState::Failed(failure) => return ExchangeEvent::Failed(failure),
            UdpState::Told(failure) => {
                self.state = UdpState::Waiting;
                return ExchangeEvent::Advisory(failure);
            }
            UdpState::Answered => (self.state, self.more) = (UdpState::Waiting, true),
            UdpState::Waiting => {}
        }
        match self.try_receive().await {
            Ok(message) => {
                self.state = UdpState::Answered;
                ExchangeEvent::Message(message)
            }
            // Messages in between may be ICMP errors or forgeries.
            Err(error) if self.socket.is_some() => {
                self.more = true;
                ExchangeEvent::Advisory(failure::classify(&error))
            }
            Err(error) => {
                let failure = failure::classify(&error);
                self.state = UdpState::Failed(failure);
                ExchangeEvent::Failed(failure)
            }
        }
    }

    pub(crate) fn resend(&mut self, query: Bytes) {
        self.query = query;
        // A query not sent yet leaves in its new form.
        let Some(used) = &self.socket else { return };
        self.more = true;
        match used.socket.try_send(&self.query) {
            Ok(_) => {}
            // As good as lost on the way.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // A pending error of the socket is reported once.
            Err(error) => self.state = UdpState::Told(failure::classify(&error)),
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
        // ICMP errors are received too: they may mean that no reply will come. The buffer lives in
        // the closure, not in the future, or every pending query would carry it.
        let receive = || {
            let mut buffer = [0; LARGEST];
            let length = read(socket, &mut buffer)?;
            Ok(Bytes::copy_from_slice(&buffer[..length]))
        };
        socket.async_io(Interest::READABLE | Interest::ERROR, receive).await
    }

    /// The socket of the query: a kept socket, or a new one once a descriptor is free.
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
            let socket = open(self.from, self.to, self.link.as_deref(), &self.random);
            if let (Err(error), Some(descriptor)) = (&socket, &self.descriptor)
                && ran_out(error)
            {
                // Boxed, since this is rare, and many queries wait at a time.
                Box::pin(descriptor.wait()).await;
            } else {
                return Ok(Used::new(socket?, self.descriptor.take()));
            }
        }
    }
}

impl Drop for UdpExchange {
    fn drop(&mut self) {
        if self.state == UdpState::Answered
            && !self.more
            && let Some(used) = self.socket.take()
        {
            self.spares.keep(self.to, used, &self.random);
        }
    }
}

/// Sends a query unfragmented; over an interface with too small an MTU, in fragments.
async fn send(socket: &UdpSocket, to: SocketAddr, query: &[u8]) -> io::Result<usize> {
    match socket.send(query).await {
        Err(error) if fragments::is_too_large(&error) && fragments::allow(socket, to) => {
            socket.send(query).await
        }
        sent => sent,
    }
}

/// Reads a message. A report that the datagram was too large for the path says nothing about the
/// server: the query is small, and the report may be forged.
fn read(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    for _ in 0..TOLD_TOO_LARGE {
        match (&*SockRef::from(socket)).read(buffer) {
            Err(error) if fragments::is_too_large(&error) => {}
            read => return read,
        }
    }
    Err(Errno::MSGSIZE.into())
}

/// A socket connected to `to` on a random port of `from`. Connected, so that the kernel drops
/// datagrams of other hosts and reports ICMP errors (RFC 5452 section 9.2).
pub(crate) fn open(
    from: IpAddr,
    to: SocketAddr,
    link: Option<&LinkBinding>,
    random: &Random,
) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    fragments::forbid(&socket, to);
    link.map_or(Ok(()), |link| link_binding::bind(&SockRef::from(&socket), link, to))?;
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
