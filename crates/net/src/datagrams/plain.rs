//! One datagram a system call, for systems that know nothing better.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsFd;

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::{Outgoing, Slot};

/// What is to be known of a socket.
#[derive(Debug)]
pub(super) struct System {
    state: UdpSocketState,
    /// It listens on all addresses, so each datagram tells which one it was sent to.
    wildcard: bool,
}

impl System {
    pub(super) fn new(socket: &impl AsFd, address: SocketAddr) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(socket))?;
        Ok(System { state, wildcard: address.ip().is_unspecified() })
    }

    /// Receives into `slots` what lies ready; says how many were filled.
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

    /// How long the receive queue is: these systems do not tell.
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
