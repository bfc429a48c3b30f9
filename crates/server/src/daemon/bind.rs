//! Getting the addresses that clients reach.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use zoners_net::listen;

use super::{manager, owner};
use crate::config::Config;

/// Where clients are served unless the configuration says otherwise: this machine alone.
const HERE: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// The port of DNS.
const PORT: u16 = 53;
/// Ports tried where any will do.
const FREE_TRIES: usize = 8;
/// The port that is taken where that of DNS may not be had.
const FALLBACK: u16 = 5300;

/// Listeners of one worker, bound but not yet served.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    pub(super) udp: Vec<std::net::UdpSocket>,
    pub(super) tcp: Vec<std::net::TcpListener>,
}

impl Listeners {
    /// Where they listen.
    pub(super) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let udp = self.udp.iter().map(std::net::UdpSocket::local_addr);
        let tcp = self.tcp.iter().map(std::net::TcpListener::local_addr);
        let mut addresses = udp.chain(tcp).collect::<io::Result<Vec<_>>>()?;
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses)
    }

    /// The same sockets for another worker.
    fn again(&self) -> io::Result<Self> {
        Ok(Listeners {
            udp: self.udp.iter().map(std::net::UdpSocket::try_clone).collect::<io::Result<_>>()?,
            tcp: self
                .tcp
                .iter()
                .map(std::net::TcpListener::try_clone)
                .collect::<io::Result<_>>()?,
        })
    }
}

/// Where clients are heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The addresses and ports, each over UDP and TCP.
    pub addresses: Vec<SocketAddr>,
    /// Why it is not port 53, where nobody asked for another.
    pub instead: Option<String>,
}

/// Where clients shall be served, by the configuration or the lack of one.
pub(super) fn wanted(config: &Config) -> Vec<SocketAddr> {
    let here = || HERE.map(|address| SocketAddr::new(address, PORT)).to_vec();
    config.server.listen.clone().unwrap_or_else(here)
}

/// Takes the sockets that a service manager gives us; or binds what is configured, or port 53 of
/// this machine, or where that may not be had port 5300.
pub(super) fn bind(config: &Config) -> io::Result<(Bound, Vec<Listeners>)> {
    let threads = config.server.threads;
    if let Some(given) = manager::sockets()? {
        let addresses = given.addresses()?;
        let listeners = (0..threads).map(|_| given.again()).collect::<io::Result<_>>()?;
        return Ok((Bound { addresses, instead: None }, listeners));
    }
    if let Some(addresses) = &config.server.listen {
        let addresses =
            addresses.iter().map(|address| settle(*address)).collect::<io::Result<Vec<_>>>()?;
        let listeners = bind_all(&addresses, threads)?;
        return Ok((Bound { addresses, instead: None }, listeners));
    }
    let (listeners, instead) = match bind_here(PORT, threads) {
        Ok(listeners) => (listeners, None),
        Err(error) => match bind_here(FALLBACK, threads) {
            Ok(listeners) => (listeners, Some(error.to_string())),
            Err(_) => return Err(error),
        },
    };
    let addresses = listeners.first().map_or_else(|| Ok(vec![]), Listeners::addresses)?;
    Ok((Bound { addresses, instead }, listeners))
}

fn bind_here(port: u16, threads: usize) -> io::Result<Vec<Listeners>> {
    let here = HERE.map(|address| SocketAddr::new(address, port));
    let no_ipv6 = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
    };
    match bind_all(&here, threads) {
        // A machine without IPv6 is served over IPv4.
        Err(error) if no_ipv6(&error) => bind_all(&here[..1], threads),
        bound => bound,
    }
}

fn bind_all(addresses: &[SocketAddr], threads: usize) -> io::Result<Vec<Listeners>> {
    for address in addresses {
        probe(*address)?;
    }
    let shared = threads > 1;
    let mut workers = Vec::new();
    for _ in 0..threads {
        let mut listeners = Listeners::default();
        for address in addresses {
            listeners.udp.push(listen::udp(*address, shared).map_err(|e| told(*address, &e))?);
            listeners.tcp.push(listen::tcp(*address, shared).map_err(|e| told(*address, &e))?);
        }
        workers.push(listeners);
    }
    Ok(workers)
}

/// Binds a port of this machine, 0 for any that is free.
pub(super) fn bind_port(port: u16) -> io::Result<Listeners> {
    let port = settle(SocketAddr::new(HERE[0], port))?.port();
    Ok(bind_here(port, 1)?.pop().unwrap_or_default())
}

/// In place of port 0 one that is free for both UDP and TCP.
fn settle(address: SocketAddr) -> io::Result<SocketAddr> {
    if address.port() != 0 {
        return Ok(address);
    }
    let mut outcome = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..FREE_TRIES {
        let udp = listen::udp(address, false).map_err(|error| told(address, &error))?;
        let free = udp.local_addr()?;
        match listen::tcp(free, false) {
            Ok(_) => return Ok(free),
            Err(error) => outcome = Err(told(free, &error)),
        }
    }
    outcome
}

/// Sees whether the address is free before it is shared among our own threads: sharing would let
/// us in beside another server of the same user, and each would get half of the clients.
fn probe(address: SocketAddr) -> io::Result<()> {
    listen::udp(address, false).map_err(|error| told(address, &error))?;
    listen::tcp(address, false).map_err(|error| told(address, &error))?;
    Ok(())
}

/// Sees whether queries can leave from these addresses.
pub(super) fn check_sources(addresses: &[IpAddr]) -> io::Result<()> {
    for address in addresses {
        std::net::UdpSocket::bind((*address, 0)).map_err(|error| {
            io::Error::new(error.kind(), format!("resolver.source-addresses: {address}: {error}"))
        })?;
    }
    Ok(())
}

fn told(address: SocketAddr, error: &io::Error) -> io::Error {
    let who = match error.kind() {
        io::ErrorKind::AddrInUse => {
            owner::of_port(address.port()).map_or_else(String::new, |owner| format!(" by {owner}"))
        }
        _ => String::new(),
    };
    io::Error::new(error.kind(), format!("{address}: {error}{who}"))
}
