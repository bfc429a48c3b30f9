//! Getting the addresses that clients reach.

use std::io;
use std::net::SocketAddr;

use zoners_dns::Transport;
use zoners_host::{ports, service_manager};
use zoners_net::listen::{self, Terms, is_absent};

use super::listeners::{BoundAddress, BoundAddresses, BoundListener, ListenerSpec};
use super::owner;
use crate::config::{Config, Wanted};

/// Ports tried where any will do.
const FREE_TRIES: usize = 8;
/// The port of a first try, where that of DNS is not to be had.
const FALLBACK: u16 = 5300;

/// What to do where a port needs a privilege that this process lacks.
const PRIVILEGE: &str = "ports below 1024 need a privilege; one of these gives it:
  sudo zoners serve                                   as root; server.user names the user to become then
  sudo setcap cap_net_bind_service=+ep PROGRAM        once, for the program; then start it without sudo
  sudo sysctl net.ipv4.ip_unprivileged_port_start=53  for every program of this machine, until it restarts
  a systemd socket unit                               systemd binds the port and hands it over
or serve on another port: listen = [\"127.0.0.1:5300\"] in [server]";
/// The transports at each address.
const TRANSPORTS: [Transport; 2] = [Transport::Udp, Transport::Tcp];

/// Takes the sockets of a service manager; or binds what is configured, or port 53 of this machine. Where port
/// 53 is not to be had, a first try (`on_trial`) gets port 5300, and the reason.
///
/// # Errors
/// An address that is configured is not to be had, or none of those that are not, told with its owner.
pub(super) fn bind(
    config: &Config,
    on_trial: bool,
) -> io::Result<(BoundAddresses, Option<String>)> {
    let threads = config.server.threads;
    if let Some(given) = service_manager::sockets()? {
        return Ok((share_out(&BoundListener::given(given), threads)?, None));
    }
    let error =
        match bind_all(&config.listens(), threads, |_| false).and_then(BoundAddresses::or_error) {
            Ok(places) => return Ok((places, None)),
            Err(error) => error,
        };
    if error.kind() == io::ErrorKind::AddrInUse
        && let Some(process) = owner::running(config)
    {
        let text = format!("already running, process {process}: {error}");
        return Err(io::Error::new(error.kind(), text));
    }
    match bind_all(&Wanted::here(FALLBACK), threads, |_| false).and_then(BoundAddresses::or_error) {
        Ok(places) if on_trial => Ok((places, Some(error.to_string()))),
        _ => Err(error),
    }
}

/// The sockets of a service manager, for each worker.
fn share_out(given: &[BoundListener], threads: usize) -> io::Result<BoundAddresses> {
    let mut addresses = given.iter().map(BoundListener::address).collect::<io::Result<Vec<_>>>()?;
    addresses.sort_unstable();
    addresses.dedup();
    let again = |_| given.iter().map(BoundListener::try_clone).collect();
    let listeners = (0..threads).map(again).collect::<io::Result<_>>()?;
    let place = BoundAddress { wanted: None, addresses, listeners };
    Ok(BoundAddresses { bound: vec![place], ..BoundAddresses::default() })
}

/// Binds what is wanted for so many workers. An address that is configured may be absent, but not taken. Of the
/// default ones, one family that is taken does not give up the other, and a machine without IPv6 is served over
/// IPv4. `shares`: whether an address may be shared with a socket that shares its own.
///
/// # Errors
/// An address that is configured is not to be had.
pub(super) fn bind_all(
    wanted: &Wanted,
    threads: usize,
    shares: impl Fn(SocketAddr) -> bool,
) -> io::Result<BoundAddresses> {
    let mut places = BoundAddresses::default();
    for address in &wanted.addresses {
        let terms = Terms { absent: wanted.configured, shared: shares(*address) };
        match bind_one(*address, threads, terms) {
            Ok(place) => places.bound.push(place),
            Err(error) if wanted.configured && is_absent(&error) => places.absent.push(*address),
            Err(error) if wanted.configured => return Err(error),
            Err(error) if address.is_ipv6() && is_without(&error) => {}
            Err(error) => places.missing.push(error),
        }
    }
    Ok(places)
}

fn is_without(error: &io::Error) -> bool {
    is_absent(error) || error.kind() == io::ErrorKind::Unsupported
}

/// Binds a port of this machine for one worker, 0 for any that is free.
pub(super) fn bind_port(port: u16) -> io::Result<BoundAddresses> {
    let here = Wanted::here(port).addresses;
    let settled = here.first().map(|address| settle(*address, Terms::default())).transpose()?;
    let port = settled.map_or(port, |address| address.port());
    bind_all(&Wanted::here(port), 1, |_| false)?.or_error()
}

/// Binds an address for each worker.
fn bind_one(wanted: SocketAddr, threads: usize, terms: Terms) -> io::Result<BoundAddress> {
    let address = settle(wanted, terms)?;
    // The address is tried before it is shared among the workers: a shared one would be had beside another
    // server of the same user, and each of the two would get half of the clients.
    listeners(address, terms)?;
    let terms = Terms { shared: terms.shared || threads > 1, ..terms };
    let listeners = (0..threads).map(|_| listeners(address, terms)).collect::<io::Result<_>>()?;
    Ok(BoundAddress { wanted: Some(wanted), addresses: vec![address], listeners })
}

/// The listeners of one worker at an address, one for each transport.
fn listeners(address: SocketAddr, options: Terms) -> io::Result<Vec<BoundListener>> {
    let spec = |transport| ListenerSpec { address, transport, options };
    let bind = |transport| spec(transport).bind().map_err(|error| told(address, &error));
    TRANSPORTS.into_iter().map(bind).collect()
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

/// Adds to an error its address, and the owner of the port or what the port takes.
fn told(address: SocketAddr, error: &io::Error) -> io::Error {
    let more = match error.kind() {
        io::ErrorKind::AddrInUse => {
            ports::owner(address.port()).map(|owner| format!(" by {owner}"))
        }
        io::ErrorKind::PermissionDenied => Some(format!("; {PRIVILEGE}")),
        _ => None,
    };
    io::Error::new(error.kind(), format!("{address}: {error}{}", more.unwrap_or_default()))
}
