//! Word from the system that this machine is on another network.
//!
//! The system tells of every change to a link, an address or a route, many of which mean nothing:
//! what counts is the address that we would send from.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};

/// Changes come in bursts; the end of one is waited for.
const BURST: Duration = Duration::from_millis(100);
/// Destinations beyond every local network, to see whence a packet to them would go: nothing is
/// sent (`a.root-servers.net`).
const FAR: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(198, 41, 0, 4)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30)),
];

/// The network that this machine is on, watched.
#[derive(Debug)]
pub struct Changes {
    /// No UDP, but a socket of datagrams as well: tokio has no type for one of any family.
    events: tokio::net::UdpSocket,
    sources: [Option<IpAddr>; 2],
}

impl Changes {
    /// Begins to watch. Belongs on a tokio runtime.
    ///
    /// # Errors
    /// The system gives no such socket.
    pub fn watch() -> io::Result<Self> {
        let events = tokio::net::UdpSocket::from_std(event_socket()?.into())?;
        Ok(Changes { events, sources: sources() })
    }

    /// Ends after links, addresses or routes have changed; true if packets to far away leave from another
    /// address than before, or from one where there was none. To lose the network is no such move: there
    /// is no server to ask.
    pub async fn next(&mut self) -> bool {
        if !self.burst().await {
            tracing::warn!("the system tells no more of changes of the network");
            return std::future::pending().await;
        }
        let before = std::mem::replace(&mut self.sources, sources());
        self.sources != before && self.sources != [None; 2]
    }

    /// Waits for the end of a burst of events; false if there will be none any more.
    async fn burst(&self) -> bool {
        if self.events.readable().await.is_err() {
            return false;
        }
        tokio::time::sleep(BURST).await;
        let mut event = [0u8; 4096];
        loop {
            match self.events.try_recv(&mut event) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // There were more than the socket holds: all the more reason to look.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => {}
                Err(_) => return false,
            }
        }
    }
}

/// The addresses that we would send from.
pub(crate) fn sources() -> [Option<IpAddr>; 2] {
    FAR.map(|far| {
        let any: IpAddr = match far {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect((far, 53)).ok()?;
        socket.local_addr().ok().map(|local| local.ip())
    })
}

/// A socket that becomes readable when links, addresses or routes change.
#[cfg(target_os = "linux")]
fn event_socket() -> io::Result<OwnedFd> {
    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{SocketFlags, bind, socket_with};

    /// `RTMGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR` and `_IPV6_ROUTE`.
    const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    Ok(socket)
}

/// A socket that becomes readable when links, addresses or routes change.
#[cfg(not(target_os = "linux"))]
fn event_socket() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::ROUTE, SocketType::RAW, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}
