//! Getting the addresses that clients reach.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use zoners_net::listen::{self, Terms, is_absent};

use super::{manager, owner};
use crate::config::Config;

/// Where clients are served unless the configuration says otherwise: this machine alone.
const HERE: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// The port of DNS.
const PORT: u16 = 53;
/// Ports tried where any will do.
const FREE_TRIES: usize = 8;
/// The port that is taken where that of DNS may not be had, by someone who tries us.
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

/// Listeners at one address.
#[derive(Debug)]
pub(super) struct Place {
    /// Where it listens; several where a service manager gave the sockets.
    pub(super) addresses: Vec<SocketAddr>,
    /// Those of each worker.
    pub(super) workers: Vec<Listeners>,
}

/// The listeners of each worker, at all places.
pub(super) fn by_worker(places: Vec<Place>) -> Vec<Listeners> {
    let mut workers: Vec<Listeners> = Vec::new();
    for place in places {
        workers.resize_with(place.workers.len(), Listeners::default);
        for (worker, listeners) in workers.iter_mut().zip(place.workers) {
            worker.udp.extend(listeners.udp);
            worker.tcp.extend(listeners.tcp);
        }
    }
    workers
}

/// Where clients are heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// The addresses and ports, each over UDP and TCP.
    pub addresses: Vec<SocketAddr>,
    /// Those that are configured and not there yet.
    pub absent: Vec<SocketAddr>,
    /// Those that are not to be had, and why, where others are served all the same.
    pub missing: Vec<String>,
    /// Why it is not port 53, where nobody asked for another.
    pub instead: Option<String>,
}

/// Places that are bound, and those that are not.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) bound: Vec<Place>,
    pub(super) absent: Vec<SocketAddr>,
    missing: Vec<io::Error>,
}

/// Where clients shall be served, by the configuration or the lack of one.
pub(super) fn wanted(config: &Config) -> Vec<SocketAddr> {
    config.server.listen.clone().unwrap_or_else(|| here(PORT).to_vec())
}

/// Takes the sockets that a service manager gives us; or binds what is configured, or port 53 of this machine.
/// Where that may not be had, somebody who just tries us (`on_trial`) gets port 5300.
///
/// # Errors
/// An address that is configured is not to be had, or none of those that are not, told with its owner.
pub(super) fn bind(config: &Config, on_trial: bool) -> io::Result<(Bound, Places)> {
    let mut instead = None;
    let places = match given(config.server.threads)? {
        Some(given) => given,
        None => match bind_wanted(config) {
            Ok(places) => places,
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && let Some(process) = owner::running(config) =>
            {
                let text = format!("already running, process {process}: {error}");
                return Err(io::Error::new(error.kind(), text));
            }
            Err(error) if on_trial => {
                instead = Some(error.to_string());
                bind_here(FALLBACK, config.server.threads).map_err(|_| error)?
            }
            Err(error) => return Err(error),
        },
    };
    let bound = Bound {
        addresses: places.bound.iter().flat_map(|place| place.addresses.clone()).collect(),
        absent: places.absent.clone(),
        missing: places.missing.iter().map(ToString::to_string).collect(),
        instead,
    };
    Ok((bound, places))
}

fn given(threads: usize) -> io::Result<Option<Places>> {
    let Some(given) = manager::sockets()? else { return Ok(None) };
    let addresses = given.addresses()?;
    let workers = (0..threads).map(|_| given.again()).collect::<io::Result<_>>()?;
    let place = Place { addresses, workers };
    Ok(Some(Places { bound: vec![place], ..Places::default() }))
}

fn bind_wanted(config: &Config) -> io::Result<Places> {
    match &config.server.listen {
        Some(addresses) => bind_configured(addresses, config.server.threads),
        None => bind_here(PORT, config.server.threads),
    }
}

/// Binds all of these addresses, but for those that are not there yet.
///
/// # Errors
/// One of them is not to be had.
pub(super) fn bind_configured(addresses: &[SocketAddr], threads: usize) -> io::Result<Places> {
    let mut places = Places::default();
    for address in addresses {
        match bind_one(*address, threads, Terms { absent: true, ..Terms::default() }) {
            Ok(place) => places.bound.push(place),
            Err(error) if is_absent(&error) => places.absent.push(*address),
            Err(error) => return Err(error),
        }
    }
    Ok(places)
}

/// Binds a port of this machine, 0 for any that is free, over each family of addresses where it may be had: one
/// that is taken does not give up the other.
fn bind_here(port: u16, threads: usize) -> io::Result<Places> {
    let mut places = Places::default();
    for address in here(port) {
        match bind_one(address, threads, Terms::default()) {
            Ok(place) => places.bound.push(place),
            // A machine without IPv6 is served over IPv4.
            Err(error) if address.is_ipv6() && is_without(&error) => {}
            Err(error) => places.missing.push(error),
        }
    }
    match places.bound.is_empty() && !places.missing.is_empty() {
        true => Err(places.missing.swap_remove(0)),
        false => Ok(places),
    }
}

fn is_without(error: &io::Error) -> bool {
    is_absent(error) || error.kind() == io::ErrorKind::Unsupported
}

/// Binds a port of this machine for one worker, 0 for any that is free.
pub(super) fn bind_port(port: u16) -> io::Result<Vec<Place>> {
    let port = settle(SocketAddr::new(HERE[0], port), Terms::default())?.port();
    Ok(bind_here(port, 1)?.bound)
}

fn here(port: u16) -> [SocketAddr; 2] {
    HERE.map(|address| SocketAddr::new(address, port))
}

/// Binds an address for each worker.
fn bind_one(wanted: SocketAddr, threads: usize, terms: Terms) -> io::Result<Place> {
    let address = settle(wanted, terms)?;
    // Whether it is free is seen before it is shared among our own threads: sharing would let us in beside
    // another server of the same user, and each would get half of the clients.
    listeners(address, terms)?;
    let terms = Terms { shared: threads > 1, ..terms };
    let workers = (0..threads).map(|_| listeners(address, terms)).collect::<io::Result<_>>()?;
    Ok(Place { addresses: vec![address], workers })
}

fn listeners(address: SocketAddr, terms: Terms) -> io::Result<Listeners> {
    let udp = listen::udp(address, terms).map_err(|error| told(address, &error))?;
    let tcp = listen::tcp(address, terms).map_err(|error| told(address, &error))?;
    Ok(Listeners { udp: vec![udp], tcp: vec![tcp] })
}

/// In place of port 0 one that is free for both UDP and TCP.
fn settle(address: SocketAddr, terms: Terms) -> io::Result<SocketAddr> {
    if address.port() != 0 {
        return Ok(address);
    }
    let mut outcome = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..FREE_TRIES {
        let udp = listen::udp(address, terms).map_err(|error| told(address, &error))?;
        let free = udp.local_addr()?;
        match listen::tcp(free, terms) {
            Ok(_) => return Ok(free),
            Err(error) => outcome = Err(told(free, &error)),
        }
    }
    outcome
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

/// Adds to an error which address it is about, and who has it or what it takes.
fn told(address: SocketAddr, error: &io::Error) -> io::Error {
    let more = match error.kind() {
        io::ErrorKind::AddrInUse => {
            owner::of_port(address.port()).map(|owner| format!(" by {owner}"))
        }
        io::ErrorKind::PermissionDenied => {
            Some("; a port below 1024 takes root, or CAP_NET_BIND_SERVICE".to_owned())
        }
        _ => None,
    };
    io::Error::new(error.kind(), format!("{address}: {error}{}", more.unwrap_or_default()))
}
