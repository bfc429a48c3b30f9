//! Datagrams of clients, many at a time.
//!
//! What lies ready is received in one batch and its replies are sent in another: one system call
//! each on Linux, one a datagram elsewhere. A reply leaves from the address that its query came
//! to, also where the socket listens on all addresses of the machine.

#[cfg(target_os = "linux")]
mod batched;
#[cfg(any(not(target_os = "linux"), test))]
mod plain;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::SockAddr;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use zoners_dns::packet;

use crate::fragments;
#[cfg(target_os = "linux")]
use batched::System;
#[cfg(not(target_os = "linux"))]
use plain::System;

/// Datagrams of a batch.
pub const BATCH: usize = 64;
/// The longest query that is read; a longer one is cut, and then cannot be read as one.
const LONGEST_QUERY: usize = 4096;

/// Who sent a datagram, and where its reply leaves from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The sender.
    pub address: SocketAddr,
    /// Our address that it was sent to, where the socket has more than one.
    pub ours: Option<IpAddr>,
}

/// Room for a batch: what was received, and the replies to it. Used again and again.
#[derive(Debug)]
pub struct Batch {
    slots: Vec<Slot>,
    received: usize,
}

/// A datagram and the reply to it.
#[derive(Debug)]
pub struct Slot {
    query: Box<[u8]>,
    length: usize,
    peer: Peer,
    /// The sender, as the system has it: where the reply goes.
    sender: SockAddr,
    /// What is sent; nothing if it is empty.
    pub reply: Vec<u8>,
}

/// A reply on its way out, to whom, and from which of our addresses.
type Outgoing<'a> = (&'a [u8], &'a SockAddr, Option<IpAddr>);

/// A socket that clients send datagrams to.
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

    /// What was received last, each with an empty reply until one is written.
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
    /// The datagram, its sender, and where its reply is written.
    pub fn parts(&mut self) -> (&[u8], Peer, &mut Vec<u8>) {
        (&self.query[..self.length], self.peer, &mut self.reply)
    }
}

impl Datagrams {
    /// Takes over a bound socket, which does not block.
    ///
    /// # Errors
    /// The system refuses to tell which of its addresses a datagram was sent to, or there is no
    /// runtime to wait with.
    pub fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let address = socket.local_addr()?;
        fragments::forbid(&socket, address);
        let system = System::new(&socket, address)?;
        Ok(Datagrams { socket: UdpSocket::from_std(socket)?, system })
    }

    /// Makes the socket deaf, on Linux; replies are still sent. What clients send from then on goes to
    /// another socket that is bound to the same address, or to a wildcard.
    pub fn deafen(&self) {
        // A connected socket hears its peer alone, and on Linux sends to any address. The peer is itself.
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
                tracing::debug!(%own, %error, "the socket goes on hearing");
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

    /// Receives what lies ready, as much as fits.
    ///
    /// # Errors
    /// Nothing lies ready (`WouldBlock`), or what the kernel reports of one client that went away.
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

    /// How long the queue of what is not received yet is, and may become, in octets as the system
    /// counts them; zeros where it does not tell.
    #[must_use]
    pub fn queue(&self) -> (usize, usize) {
        self.system.queue(&self.socket)
    }

    /// Sends the replies of a batch; says how many the system did not take. It does not wait: who
    /// asks over UDP knows that replies get lost, and others want theirs.
    pub fn send(&self, batch: &mut Batch) -> usize {
        let received = &batch.slots[..batch.received];
        let mut outgoing: [Outgoing<'_>; BATCH] = [(&[], &batch.slots[0].sender, None); BATCH];
        let mut count = 0;
        for slot in received.iter().filter(|slot| !slot.reply.is_empty()) {
            outgoing[count] = (&slot.reply, &slot.sender, slot.peer.ours);
            count += 1;
        }
        let (mut left, mut unsent) = (&outgoing[..count], 0);
        while !left.is_empty() {
            let done = match self.system.send(&self.socket, left) {
                Ok(sent) => sent.max(1),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return unsent + left.len();
                }
                Err(error) => {
                    unsent += usize::from(!self.send_cut(left[0], &error));
                    1
                }
            };
            left = &left[done.min(left.len())..];
        }
        unsent
    }

    /// Sends replies, at most [`BATCH`] of them, once the system has room for them; says how many
    /// it cannot send.
    pub async fn reply(&self, replies: &[(Vec<u8>, Peer)]) -> usize {
        let to: Vec<SockAddr> = replies.iter().map(|(_, peer)| peer.address.into()).collect();
        let outgoing = replies.iter().zip(&to);
        let outgoing: Vec<Outgoing<'_>> =
            outgoing.map(|((reply, peer), to)| (reply.as_slice(), to, peer.ours)).collect();
        let (mut left, mut unsent) = (outgoing.as_slice(), 0);
        while !left.is_empty() {
            let send = || self.system.send(&self.socket, left);
            let done = match self.socket.async_io(Interest::WRITABLE, send).await {
                Ok(sent) => sent.max(1),
                Err(error) => {
                    unsent += usize::from(!self.send_cut(left[0], &error));
                    1
                }
            };
            left = &left[done.min(left.len())..];
        }
        unsent
    }

    /// Sends of a reply that was not sent what asks the client to come over TCP, if it was too large
    /// for our own interface (RFC 9715 section 3.1); false if nothing was sent.
    fn send_cut(&self, (reply, to, ours): Outgoing<'_>, error: &io::Error) -> bool {
        let cut = packet::cut_to_question(reply);
        let sent = fragments::is_too_large(error)
            && self.system.send(&self.socket, &[(&cut, to, ours)]).is_ok();
        if !sent {
            tracing::debug!(peer = ?to.as_socket(), %error, "reply not sent");
        }
        sent
    }
}

impl AsFd for Datagrams {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests;
