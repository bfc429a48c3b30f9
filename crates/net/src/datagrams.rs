//! Datagrams of clients, many at a time.
//!
//! A batch of ready datagrams is received, and a batch of responses is sent: one system call each on
//! Linux, one for each datagram elsewhere. A response leaves from the address of its query, even if
//! the socket listens on a wildcard.

#[cfg(target_os = "linux")]
mod batched;
#[cfg(any(not(target_os = "linux"), test))]
mod plain;
mod sending;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::SockAddr;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use zoners_dns::packet;

use crate::fragments;
#[cfg(target_os = "linux")]
use batched::BatchedSystem as System;
#[cfg(not(target_os = "linux"))]
use plain::PlainSystem as System;
use sending::Sending;

/// Datagrams of a batch.
pub const BATCH: usize = 64;
/// The longest query; a longer datagram is cut, and then fails to parse.
const LONGEST_QUERY: usize = 4096;

/// The sender of a datagram, and the source address of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The sender.
    pub address: SocketAddr,
    /// The destination address of the datagram, if the socket has several.
    pub ours: Option<IpAddr>,
}

/// The buffers of a batch: received datagrams and their responses. Reused for each batch.
#[derive(Debug)]
pub struct Batch {
    slots: Vec<Slot>,
    received: usize,
}

/// A datagram and its response.
#[derive(Debug)]
pub struct Slot {
    query: Box<[u8]>,
    length: usize,
    peer: Peer,
    /// The sender in the system's form: the destination of the response.
    sender: SockAddr,
    /// The response; empty if there is none.
    pub reply: Vec<u8>,
}

/// A response on its way: octets, destination, and source address.
type Outgoing<'a> = (&'a [u8], &'a SockAddr, Option<IpAddr>);

/// A socket for datagrams of clients.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    system: System,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        let peer = Peer { address: (Ipv4Addr::UNSPECIFIED, 0).into(), ours: None };
        let slot = || Slot {
            query: vec![0; LONGEST_QUERY].into_boxed_slice(),
            length: 0,
            peer,
            sender: peer.address.into(),
            reply: Vec::with_capacity(1500),
        };
        Batch { slots: (0..BATCH).map(|_| slot()).collect(), received: 0 }
    }

    /// The datagrams received last, each with an empty response.
    pub fn received(&mut self) -> &mut [Slot] {
        &mut self.slots[..self.received]
    }

    /// Whether there may be more where this came from.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.received == self.slots.len()
    }
}

impl Default for Batch {
    fn default() -> Self {
        Batch::new()
    }
}

impl Slot {
    /// The datagram, the sender, and the buffer of the response.
    pub fn parts(&mut self) -> (&[u8], Peer, &mut Vec<u8>) {
        (&self.query[..self.length], self.peer, &mut self.reply)
    }
}

impl Datagrams {
    /// Takes over a bound socket, which does not block.
    ///
    /// # Errors
    /// The system does not report destination addresses, or there is no runtime.
    pub fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let address = socket.local_addr()?;
        fragments::forbid(&socket, address);
        let system = System::new(&socket, address)?;
        Ok(Datagrams { socket: UdpSocket::from_std(socket)?, system })
    }

    /// The address to which the socket is bound, if the system tells.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Stops receiving, on Linux; responses are still sent. Later datagrams go to a different
    /// socket bound to the address, or to a wildcard.
    pub fn deafen(&self) {
        // A connected socket receives from its peer alone, and on Linux sends to any address. The
        // peer is the socket itself.
        #[cfg(target_os = "linux")]
        if let Ok(mut own) = self.socket.local_addr() {
            match own.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => own.set_ip(Ipv4Addr::LOCALHOST.into()),
                IpAddr::V6(ip) if ip.is_unspecified() => {
                    own.set_ip(std::net::Ipv6Addr::LOCALHOST.into())
                }
                _ => {}
            }
            if let Err(error) = socket2::SockRef::from(&self.socket).connect(&own.into()) {
                tracing::debug!(%own, %error, "listen: the socket goes on hearing");
            }
        }
    }

    /// Waits until something lies ready.
    ///
    /// # Errors
    /// The runtime ends.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Receives ready datagrams, as many as fit.
    ///
    /// # Errors
    /// Nothing is ready (`WouldBlock`), or the kernel reports an error of one client.
    pub fn receive(&self, batch: &mut Batch) -> io::Result<()> {
        batch.received = 0;
        let receive = || {
            batch.received = self.system.receive(&self.socket, &mut batch.slots)?;
            // Nothing is left: told to the runtime, which else would let us look once more.
            if batch.is_full() { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
        };
        let received = self.socket.try_io(Interest::READABLE, receive);
        batch.received().iter_mut().for_each(|slot| slot.reply.clear());
        if batch.received > 0 { Ok(()) } else { received }
    }

    /// The length of the receive queue, and its limit, in octets as counted by the system; zeros if
    /// unknown.
    #[must_use]
    pub fn queue(&self) -> (usize, usize) {
        self.system.queue(&self.socket)
    }

    /// Sends the responses of a batch; returns how many the system refused. The call does not wait:
    /// UDP clients expect loss, and the remaining clients wait for their responses.
    pub fn send(&self, batch: &mut Batch) -> usize {
        let received = &batch.slots[..batch.received];
        let mut outgoing: [Outgoing<'_>; BATCH] = [(&[], &batch.slots[0].sender, None); BATCH];
        let mut count = 0;
        for slot in received.iter().filter(|slot| !slot.reply.is_empty()) {
            outgoing[count] = (&slot.reply, &slot.sender, slot.peer.ours);
            count += 1;
        }
        let sending = Sending { left: &outgoing[..count], refused: 0 };
        sending.all(
            |left| self.system.send(&self.socket, left),
            |first, error| self.send_cut(first, error),
        )
    }

    /// Sends datagrams without waiting, a call for each [`BATCH`]; returns how many the system refused. The sender
    /// repeats what is lost.
    pub fn send_all(&self, datagrams: &[(Vec<u8>, Peer)]) -> usize {
        let mut refused = 0;
        for datagrams in datagrams.chunks(BATCH) {
            let to = destinations(datagrams);
            let outgoing = outgoing(datagrams, &to);
            let sending = Sending { left: &outgoing, refused: 0 };
            refused += sending.all(|left| self.system.send(&self.socket, left), |_, _| false);
        }
        refused
    }

    /// Sends at most [`BATCH`] responses, as soon as the system has room; returns how many failed.
    pub async fn reply(&self, replies: &[(Vec<u8>, Peer)]) -> usize {
        let to = destinations(replies);
        let outgoing = outgoing(replies, &to);
        let mut sending = Sending { left: &outgoing, refused: 0 };
        while !sending.left.is_empty() {
            let send = || self.system.send(&self.socket, sending.left);
            let sent = self.socket.async_io(Interest::WRITABLE, send).await;
            sending.note(sent, |first, error| self.send_cut(first, error));
        }
        sending.refused
    }

    /// Sends a TC response in place of a response too large for our own interface (RFC 9715 section
    /// 3.1); false if nothing was sent.
    fn send_cut(&self, (reply, to, ours): Outgoing<'_>, error: &io::Error) -> bool {
        let cut = packet::cut_to_question(reply);
        let sent = fragments::is_too_large(error)
            && self.system.send(&self.socket, &[(&cut, to, ours)]).is_ok();
        if !sent {
            tracing::debug!(peer = ?to.as_socket(), %error, "listen: response not sent");
        }
        sent
    }
}

fn destinations(datagrams: &[(Vec<u8>, Peer)]) -> Vec<SockAddr> {
    datagrams.iter().map(|(_, peer)| peer.address.into()).collect()
}

fn outgoing<'a>(datagrams: &'a [(Vec<u8>, Peer)], to: &'a [SockAddr]) -> Vec<Outgoing<'a>> {
    let each = datagrams.iter().zip(to);
    each.map(|((octets, peer), to)| (octets.as_slice(), to, peer.ours)).collect()
}

impl AsFd for Datagrams {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests;
