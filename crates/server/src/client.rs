//! Who asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::Transport;

/// Leading bits of an IPv6 address that count: one client has a whole /64 (RFC 6177).
const CLIENT_BITS: u32 = 64;

/// Who sent a packet, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address that it came from.
    pub address: IpAddr,
    /// How it came.
    pub transport: Transport,
}

impl Client {
    /// A client on this machine.
    #[must_use]
    pub fn local(transport: Transport) -> Self {
        Client { address: Ipv4Addr::LOCALHOST.into(), transport }
    }

    /// Whether the address is certainly its own: a stream was opened from it, or it lies on this
    /// machine.
    pub(crate) fn is_certain(&self) -> bool {
        self.transport == Transport::Tcp || self.address.to_canonical().is_loopback()
    }
}

/// The address that stands for the client that has `address`: itself in IPv4, its /64 in IPv6.
pub(crate) fn stands_for(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let shift = 128 - CLIENT_BITS;
            Ipv6Addr::from(u128::from(ip) >> shift << shift).into()
        }
        v4 => v4,
    }
}
