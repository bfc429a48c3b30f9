//! The network of this machine: moves to a different network, and the addresses from which packets leave.
//!
//! The system reports every change to a link, an address or a route, and most reports mean nothing: a move shows in
//! the address from which packets to far away leave.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::networks::AdvertisedOptions;
use crate::system;

/// Reports of changes come in bursts; the end of a burst is waited for.
const BURST: Duration = Duration::from_millis(100);
/// Octets of one report, at most; the rest of a longer report is passed over.
const REPORT: usize = 4096;
/// Destinations beyond every local network (`a.root-servers.net`): the system chooses a source address for packets
/// there, and no packet is sent.
const FAR: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(198, 41, 0, 4)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30)),
];
/// Any port: connecting a UDP socket takes a port.
const FAR_PORT: u16 = 53;

/// Watches for moves to a different network.
#[derive(Debug)]
pub struct NetworkChanges {
    /// A netlink or routing socket under the type for UDP: tokio has no type for datagrams of any address family.
    events: tokio::net::UdpSocket,
    sources: [Option<IpAddr>; 2],
    advertised: AdvertisedOptions,
}

impl NetworkChanges {
    /// Begins to watch; to be called on a tokio runtime.
    ///
    /// # Errors
    /// The system gives no socket for reports.
    pub fn watch() -> io::Result<Self> {
        let events = tokio::net::UdpSocket::from_std(system::network::event_socket()?.into())?;
        let advertised = AdvertisedOptions::default();
        Ok(NetworkChanges { events, sources: source_addresses(), advertised })
    }

    /// The options that routers have advertised since the watch began, as far as the system reports them.
    #[must_use]
    pub fn advertised(&self) -> &AdvertisedOptions {
        &self.advertised
    }

    /// Ends after a change of links, addresses, routes or advertised options; true if packets to far away leave from a different address
    /// than before, or from an address where none was. The loss of the network is no move: then no server can be
    /// asked.
    pub async fn next(&mut self) -> bool {
        if !self.burst().await {
            tracing::warn!("network: the system no longer reports changes");
            return std::future::pending().await;
        }
        let before = std::mem::replace(&mut self.sources, source_addresses());
        self.sources != before && self.sources != [None; 2]
    }

    /// Waits for the end of a burst of reports that tell something new; false if no more will come.
    async fn burst(&mut self) -> bool {
        loop {
            if self.events.readable().await.is_err() {
                return false;
            }
            tokio::time::sleep(BURST).await;
            match self.take_reports() {
                Ok(false) => {}
                Ok(true) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Takes in the reports that are there; whether they tell something new. Routers repeat their advertisements.
    fn take_reports(&mut self) -> io::Result<bool> {
        let (mut event, mut is_news) = ([0u8; REPORT], false);
        loop {
            match self.events.try_recv(&mut event) {
                Ok(length) => {
                    let reports = event.get(..length).unwrap_or_default();
                    let now = Instant::now();
                    is_news |= system::network::take_reports(reports, &mut self.advertised, now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(is_news),
                // More reports came than the socket holds, which is a reason to look as well.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => is_news = true,
                Err(error) => return Err(error),
            }
        }
    }
}

/// The IPv4 and the IPv6 address from which packets to the Internet would leave; none where no route leads there.
#[must_use]
pub fn source_addresses() -> [Option<IpAddr>; 2] {
    FAR.map(|far| {
        let any: IpAddr = match far {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect((far, FAR_PORT)).ok()?;
        socket.local_addr().ok().map(|local| local.ip())
    })
}

/// The router of the IPv4 default route. macOS and the BSDs are asked by route(8).
#[must_use]
pub fn gateway() -> Option<Ipv4Addr> {
    system::network::gateway()
}
