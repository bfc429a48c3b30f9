//! One datagram for each system call, for systems without batches.
//!
//! At a wildcard each datagram comes with the destination address, which becomes the source address of the response.
//! XNU (macOS) and Linux have IP_PKTINFO for both ways; XNU reads the source from `ipi_spec_dst`, if `ipi_ifindex` is
//! 0, and ignores IP_SENDSRCADDR, the message of the BSDs. IPv6 is the same everywhere (RFC 3542 section 6). So the
//! tests on Linux run the code of macOS.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};

use nix::libc;
use nix::sys::socket::sockopt::Ipv6RecvPacketInfo;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, RecvMsg, SockaddrStorage, recvmsg, sendmsg,
    setsockopt,
};

use super::{Outgoing, Slot};

/// Octets for the control messages of a datagram: the destination address, and additions by further options.
const CONTROL: usize = 128;

/// The properties of a socket.
#[derive(Debug)]
pub(super) struct PlainSystem {
    /// Whether the socket listens on a wildcard, so that each datagram comes with its destination
    /// address.
    wildcard: bool,
}

impl PlainSystem {
    pub(super) fn new(socket: &impl AsFd, address: SocketAddr) -> io::Result<Self> {
        let wildcard = address.ip().is_unspecified();
        match address {
            SocketAddr::V4(_) if wildcard => v4::report_destinations(socket)?,
            SocketAddr::V6(_) if wildcard => setsockopt(socket, Ipv6RecvPacketInfo, &true)?,
            _ => {}
        }
        Ok(PlainSystem { wildcard })
    }

    /// Receives ready datagrams into `slots`; returns the number of filled slots.
    pub(super) fn receive(&self, socket: &impl AsFd, slots: &mut [Slot]) -> io::Result<usize> {
        let mut control = vec![0u8; CONTROL];
        let mut filled = 0;
        for slot in slots {
            match self.receive_one(socket, slot, &mut control) {
                Ok(()) => filled += 1,
                Err(error) if filled == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(filled)
    }

    fn receive_one(
        &self,
        socket: &impl AsFd,
        slot: &mut Slot,
        control: &mut [u8],
    ) -> io::Result<()> {
        let mut query = [IoSliceMut::new(&mut slot.query)];
        let control = self.wildcard.then_some(control);
        let descriptor = socket.as_fd().as_raw_fd();
        let message =
            recvmsg::<SockaddrStorage>(descriptor, &mut query, control, MsgFlags::MSG_DONTWAIT)?;
        let sender = message.address.as_ref().and_then(socket_address);
        slot.peer.ours = if self.wildcard { destination(&message) } else { None };
        // A sender without an address gets no response: an empty datagram is skipped.
        slot.length = if sender.is_some() { message.bytes } else { 0 };
        slot.peer.address = sender.unwrap_or_else(|| SocketAddr::from(([0; 4], 0)));
        slot.sender = slot.peer.address.into();
        Ok(())
    }

    /// The length of the receive queue, which these systems do not report.
    #[cfg_attr(test, allow(dead_code, reason = "on Linux it is compiled for its tests alone"))]
    pub(super) fn queue(&self, _: &impl AsFd) -> (usize, usize) {
        (0, 0)
    }

    /// Sends the first of `outgoing`; says how many.
    pub(super) fn send(&self, socket: &impl AsFd, outgoing: &[Outgoing<'_>]) -> io::Result<usize> {
        let Some((contents, to, ours)) = outgoing.first() else { return Ok(0) };
        let to = to.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
        let descriptor = socket.as_fd().as_raw_fd();
        let send = |control: &[ControlMessage<'_>]| {
            let (parts, to) = ([IoSlice::new(contents)], SockaddrStorage::from(to));
            sendmsg(descriptor, &parts, control, MsgFlags::MSG_DONTWAIT, Some(&to))
        };
        match ours {
            None => send(&[]),
            Some(IpAddr::V4(ours)) => v4::with_source(*ours, send),
            Some(IpAddr::V6(ours)) => {
                let info = libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr { s6_addr: ours.octets() },
                    ipi6_ifindex: interface(*ours, to) as _,
                };
                send(&[ControlMessage::Ipv6PacketInfo(&info)])
            }
        }?;
        Ok(1)
    }
}

/// The interface of a link-local source address, which exists on each interface; 0 lets the routes decide.
fn interface(ours: Ipv6Addr, to: SocketAddr) -> u32 {
    match to {
        SocketAddr::V6(to) if ours.is_unicast_link_local() => to.scope_id(),
        _ => 0,
    }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|address| SocketAddrV4::from(*address).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| SocketAddrV6::from(*address).into()))
}

/// The destination address of a datagram; none for a datagram to a group, from whose address no response can leave.
fn destination(message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<IpAddr> {
    let mut told = message.cmsgs().ok()?;
    told.find_map(|control| match control {
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(Ipv6Addr::from(info.ipi6_addr.s6_addr))
            .filter(|ip| !ip.is_multicast())
            .map(IpAddr::V6),
        control => v4::destination(&control).filter(|ip| !is_group(*ip)).map(IpAddr::V4),
    })
}

fn is_group(address: Ipv4Addr) -> bool {
    address.is_multicast() || address.is_broadcast()
}

/// IPv4 addresses in control messages of macOS and Linux.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod v4 {
    use super::*;
    use nix::sys::socket::sockopt::Ipv4PacketInfo;

    pub(super) fn report_destinations(socket: &impl AsFd) -> nix::Result<()> {
        setsockopt(socket, Ipv4PacketInfo, &true)
    }

    pub(super) fn destination(control: &ControlMessageOwned) -> Option<Ipv4Addr> {
        match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                Some(Ipv4Addr::from_bits(u32::from_be(info.ipi_addr.s_addr)))
            }
            _ => None,
        }
    }

    pub(super) fn with_source<T>(
        ours: Ipv4Addr,
        send: impl FnOnce(&[ControlMessage<'_>]) -> T,
    ) -> T {
        let address = |ip: Ipv4Addr| libc::in_addr { s_addr: ip.to_bits().to_be() };
        send(&[ControlMessage::Ipv4PacketInfo(&libc::in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: address(ours),
            ipi_addr: address(Ipv4Addr::UNSPECIFIED),
        })])
    }
}

/// IPv4 addresses in control messages of the BSDs.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
mod v4 {
    use super::*;
    use nix::sys::socket::sockopt::Ipv4RecvDstAddr;

    pub(super) fn report_destinations(socket: &impl AsFd) -> nix::Result<()> {
        setsockopt(socket, Ipv4RecvDstAddr, &true)
    }

    pub(super) fn destination(control: &ControlMessageOwned) -> Option<Ipv4Addr> {
        match control {
            ControlMessageOwned::Ipv4RecvDstAddr(address) => {
                Some(Ipv4Addr::from_bits(u32::from_be(address.s_addr)))
            }
            _ => None,
        }
    }

    pub(super) fn with_source<T>(
        ours: Ipv4Addr,
        send: impl FnOnce(&[ControlMessage<'_>]) -> T,
    ) -> T {
        send(&[ControlMessage::Ipv4SendSrcAddr(&libc::in_addr { s_addr: ours.to_bits().to_be() })])
    }
}
