//! One datagram for each system call, for systems without batches.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsFd;

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::{Outgoing, Slot};

/// The properties of a socket.
#[derive(Debug)]
pub(super) struct PlainSystem {
    state: UdpSocketState,
    /// Whether the socket listens on a wildcard, so that each datagram comes with its destination
    /// address.
    wildcard: bool,
}

impl PlainSystem {
    pub(super) fn new(socket: &impl AsFd, address: SocketAddr) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(socket))?;
        Ok(PlainSystem { state, wildcard: address.ip().is_unspecified() })
    }

    /// Receives ready datagrams into `slots`; returns the number of filled slots.
    pub(super) fn receive(&self, socket: &impl AsFd, slots: &mut [Slot]) -> io::Result<usize> {
        let mut filled = 0;
        for slot in slots {
            let mut meta = [RecvMeta::default()];
            let mut query = [IoSliceMut::new(&mut slot.query)];
            match self.state.recv(UdpSockRef::from(socket), &mut query, &mut meta) {
                Ok(_) => {}
                Err(error) if filled == 0 => return Err(error),
                Err(_) => break,
            }
            let [meta] = meta;
            slot.length = meta.len;
            slot.peer.address = meta.addr;
            slot.sender = meta.addr.into();
            slot.peer.ours = if self.wildcard { meta.dst_ip } else { None };
            filled += 1;
        }
        Ok(filled)
    }

    /// The length of the receive queue, which these systems do not report.
    #[cfg_attr(test, allow(dead_code, reason = "on Linux it is compiled for its tests alone"))]
    pub(super) fn queue(&self, _: &impl AsFd) -> (usize, usize) {
        (0, 0)
    }

    /// Sends the first of `outgoing`; says how many.
    pub(super) fn send(&self, socket: &impl AsFd, outgoing: &[Outgoing<'_>]) -> io::Result<usize> {
        let Some((contents, to, ours)) = outgoing.first() else { return Ok(0) };
        let destination = to.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
        let transmit =
            Transmit { destination, ecn: None, contents, segment_size: None, src_ip: *ours };
        self.state.try_send(UdpSockRef::from(socket), &transmit)?;
        Ok(1)
    }
}
