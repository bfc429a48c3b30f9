//! Binds the addresses of the daemon.

use std::io;
use std::net::SocketAddr;

use zoners_dns::Transport;
use zoners_host::ports;
use zoners_host::ports::system_proxy::{HAS_SYSTEM_PROXY, SYSTEM_PROXY_PORT, SystemProxy};
use zoners_host::privileges::is_root;
use zoners_net::listen::{DISTRIBUTES_CLIENTS, Terms, is_absent};

use super::listeners::{
    BoundAddress, BoundAddresses, BoundListener, warn_of_tables_without_socket,
};
use super::owner;
use super::required_certificates::check_required_certificates;
use super::take_over::{TakenListeners, serves};
use crate::config::{AddressSpec, Config, ListenerSpec};

/// Ports tried where any will do.
const FREE_TRIES: usize = 8;
/// The port of a first try, where port 53 cannot be bound.
const FALLBACK_PORT: u16 = 5300;

/// Advice for a port needing a privilege.
const PRIVILEGE: &str = "ports below 1024 need a privilege; one of these gives it:
  sudo zoners serve                                   as root; server.user names the user to become then
  sudo setcap cap_net_bind_service=+ep PROGRAM        once, for the program; then start it without sudo
  sudo sysctl net.ipv4.ip_unprivileged_port_start=53  for every program of this machine, until it restarts
  a systemd socket unit                               systemd binds the port and hands it over
or serve on another port: listen = [\"127.0.0.1:5300\"] in [server]";

/// Takes the sockets that a service manager has bound (`given`), or those of an old daemon; or binds the configured
/// addresses, or port 53 of this machine. Where port 53 cannot be bound, a first try (`on_trial`) gets
/// port 5300, and the reason.
///
/// # Errors
/// A configured address cannot be bound, or none of the default addresses; the error has the address and the owner of
/// the port.
pub(super) fn bind(
    config: &Config,
    on_trial: bool,
    given: &[BoundListener],
    taken: Option<TakenListeners>,
) -> io::Result<(BoundAddresses, Option<String>)> {
    let threads = config.server.threads;
    if !given.is_empty() {
        return Ok((share_out(given, config)?, None));
    }
    if let Some(TakenListeners { listeners, given, with_predecessor }) = taken {
        let bound = match given {
            true => share_out(&listeners, config)?,
            false => bind_or_take(&config.listeners(), threads, listeners)?,
        };
        return Ok((BoundAddresses { with_predecessor, ..bound }, None));
    }
    let error = match bind_all(&config.listeners(), threads, |_| false)
        .and_then(BoundAddresses::or_error)
    {
        Ok(bound) => return Ok((bound, None)),
        Err(error) => error,
    };
    if error.kind() == io::ErrorKind::AddrInUse
        && let Some(process) = owner::running(config)
    {
        let text = format!("already running, process {process}: {error}");
        return Err(io::Error::new(error.kind(), text));
    }
    match bind_all(&ListenerSpec::here(FALLBACK_PORT), threads, |_| false)
        .and_then(BoundAddresses::or_error)
    {
        Ok(bound) if on_trial => Ok((bound, Some(error.to_string()))),
        _ => Err(error),
    }
}

/// The consequence of the listeners for other programs of this machine: on macOS, port 53 at an IPv4 address may keep
/// the system's own proxy away. Root alone sees the program, so the caller is root.
pub(super) fn side_effect(bound: &BoundAddresses) -> Option<&'static str> {
    let addresses = || bound.bound.iter().flat_map(|bound| &bound.addresses);
    let concerns = |address: &SocketAddr| address.is_ipv4() && address.port() == SYSTEM_PROXY_PORT;
    if !HAS_SYSTEM_PROXY || !is_root() || !addresses().any(concerns) {
        return None;
    }
    SystemProxy::among(&ports::listeners(SYSTEM_PROXY_PORT)).warning()
}

/// The sockets of a service manager, for each worker, and those of HTTP/3 that the manager lacks: the HTTP service binds
/// its sockets of TCP by itself too. Warns of tables without a socket.
///
/// # Errors
/// A socket would serve clients without a required certificate, or the system gives no copy of a socket.
fn share_out(given: &[BoundListener], config: &Config) -> io::Result<BoundAddresses> {
    let address_of = |own: &BoundListener| Ok((own.transport(), own.address()?));
    let sockets = given.iter().map(address_of).collect::<io::Result<Vec<_>>>()?;
    check_required_certificates(&sockets, config).map_err(io::Error::other)?;
    warn_of_tables_without_socket(&sockets, config);
    let is_lacking = |own: &ListenerSpec| {
        let has_port = |(transport, address): &(Transport, SocketAddr)| {
            *transport == own.transport && address.port() == own.address.port()
        };
        own.options.http3_alone && !sockets.iter().any(has_port)
    };
    let http3: Vec<ListenerSpec> = config.listeners().into_iter().filter(is_lacking).collect();
    let mut bound = bind_all(&http3, config.server.threads, |_| false)?;
    let mut addresses: Vec<SocketAddr> = sockets.into_iter().map(|(_, address)| address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let listeners = copies(given, config.server.threads)?;
    bound.bound.insert(0, BoundAddress { wanted: None, addresses, listeners });
    Ok(bound)
}

/// Serves the wanted addresses by the sockets of an old daemon, and binds the other addresses. Sockets of no wanted
/// address are closed.
fn bind_or_take(
    wanted: &[ListenerSpec],
    threads: usize,
    mut taken: Vec<BoundListener>,
) -> io::Result<BoundAddresses> {
    let (mut bound, mut further) = (BoundAddresses::default(), Vec::new());
    for spec in AddressSpec::all_of(wanted) {
        let has_transport =
            |transport| spec.listeners.iter().any(|wanted| wanted.transport == transport);
        let is_of = |listener: &mut BoundListener| {
            has_transport(listener.transport())
                && listener.address().is_ok_and(|address| serves(address, spec.address))
        };
        let found: Vec<BoundListener> = taken.extract_if(.., is_of).collect();
        let has = |wanted: &ListenerSpec| {
            found.iter().any(|listener| listener.transport() == wanted.transport)
        };
        if !spec.listeners.iter().all(has) {
            further.extend(spec.listeners.iter().copied());
            continue;
        }
        let addresses = vec![found.first().map_or(Ok(spec.address), BoundListener::address)?];
        let listeners = distribute(&found, threads)?;
        let wanted = Some(spec.listeners.to_vec());
        bound.bound.push(BoundAddress { wanted, addresses, listeners });
    }
    if further.is_empty() {
        return Ok(bound);
    }
    let BoundAddresses { bound: more, absent, missing, .. } =
        bind_all(&further, threads, |_| false)?;
    bound.bound.extend(more);
    BoundAddresses { absent, missing, ..bound }.or_error()
}

/// Distributes sockets over workers. Each socket has a reader, as the kernel distributes clients over all sockets. Each
/// worker reads a socket of each transport; a socket of QUIC has one reader, and further workers have none.
fn distribute(sockets: &[BoundListener], threads: usize) -> io::Result<Vec<Vec<BoundListener>>> {
    let mut workers: Vec<Vec<BoundListener>> = (0..threads).map(|_| Vec::new()).collect();
    for transport in Transport::ALL {
        let of_transport =
            sockets.iter().filter(|socket| socket.transport() == transport).collect::<Vec<_>>();
        let sockets = of_transport.len();
        let most = if has_one_reader(transport) { sockets } else { sockets.max(threads) };
        for (worker, socket) in (0..threads).cycle().zip(of_transport.iter().cycle()).take(most) {
            if let Some(worker) = workers.get_mut(worker) {
                worker.push(socket.try_clone()?);
            }
        }
    }
    Ok(workers)
}

/// The same sockets for each worker; sockets with one reader for the first worker alone.
fn copies(listeners: &[BoundListener], threads: usize) -> io::Result<Vec<Vec<BoundListener>>> {
    let of_worker = |worker| {
        let may_read =
            |listener: &&BoundListener| worker == 0 || !has_one_reader(listener.transport());
        listeners.iter().filter(may_read).map(BoundListener::try_clone).collect()
    };
    (0..threads).map(of_worker).collect()
}

/// Whether one worker alone may read a socket: a connection of QUIC lives with one worker, and all datagrams of the
/// connection must come there.
fn has_one_reader(transport: Transport) -> bool {
    transport == Transport::Quic
}

/// Binds the wanted listeners for so many workers. A configured address may be absent, but not taken, save for HTTP/3,
/// for which no one asked: a program with the port does not end the service. Of the default
/// addresses the daemon serves the family that can be bound, and a machine without IPv6 is served over IPv4. `shares`:
/// whether an address may be shared with a socket of the old generation.
///
/// # Errors
/// A configured address cannot be bound.
pub(super) fn bind_all(
    wanted: &[ListenerSpec],
    threads: usize,
    shares: impl Fn(SocketAddr) -> bool,
) -> io::Result<BoundAddresses> {
    let mut bound = BoundAddresses::default();
    for spec in AddressSpec::all_of(wanted) {
        let required = spec.is_required();
        let terms = Terms { absent: required, shared: shares(spec.address) };
        match bind_one(spec, threads, terms) {
            Ok(address) => bound.bound.push(address),
            Err(error) if required && is_absent(&error) => bound.absent.extend(spec.listeners),
            Err(error) if spec.is_http3_alone() => bound.missing.push(without_http3(&error)),
            Err(error) if required => return Err(error),
            Err(error) if spec.address.is_ipv6() && is_without(&error) => {}
            Err(error) => bound.missing.push(error),
        }
    }
    Ok(bound)
}

/// Clients over HTTPS still have HTTP/2.
fn without_http3(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("HTTP/3 at {error}; server.http3 = false leaves HTTP/3 out"),
    )
}

/// Whether the machine lacks the address, or the family of the address.
pub(super) fn is_without(error: &io::Error) -> bool {
    is_absent(error) || error.kind() == io::ErrorKind::Unsupported
}

/// Binds a port of this machine for one worker, 0 for any free port.
pub(super) fn bind_port(port: u16) -> io::Result<BoundAddresses> {
    with_free_port(port, || {
        let here = ListenerSpec::here(port);
        let first = AddressSpec::all_of(&here).next();
        let settled = first.map(|spec| settle(spec, Terms::default())).transpose()?;
        let port = settled.map_or(port, |address| address.port());
        bind_all(&ListenerSpec::here(port), 1, |_| false)?.or_error()
    })
}

/// Binds the listeners of an address for each worker.
fn bind_one(spec: AddressSpec<'_>, threads: usize, terms: Terms) -> io::Result<BoundAddress> {
    with_free_port(spec.address.port(), || {
        let address = settle(spec, terms)?;
        let listeners = match DISTRIBUTES_CLIENTS {
            true => bind_each(spec, address, threads, terms)?,
            false => bind_together(spec, address, threads, terms)?,
        };
        let wanted = Some(spec.listeners.to_vec());
        Ok(BoundAddress { wanted, addresses: vec![address], listeners })
    })
}

/// The same sockets for each worker, where of several sockets one would get all clients.
fn bind_together(
    spec: AddressSpec<'_>,
    address: SocketAddr,
    threads: usize,
    terms: Terms,
) -> io::Result<Vec<Vec<BoundListener>>> {
    copies(&bind_at(address, spec.listeners, terms)?, threads)
}

/// Sockets of its own for each worker.
fn bind_each(
    spec: AddressSpec<'_>,
    address: SocketAddr,
    threads: usize,
    terms: Terms,
) -> io::Result<Vec<Vec<BoundListener>>> {
    // A first bind without sharing: a shared address could be bound beside a second server of the same user, and each
    // of the two would get half of the clients.
    bind_at(address, spec.listeners, terms)?;
    let terms = Terms { shared: terms.shared || threads > 1, ..terms };
    (0..threads).map(|_| bind_at(address, spec.listeners, terms)).collect()
}

/// Binds again where any port will do (0) and another program took the free port between choice and bind.
fn with_free_port<T>(port: u16, mut bind: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut outcome = bind();
    for _ in 1..FREE_TRIES {
        match &outcome {
            Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => outcome = bind(),
            _ => break,
        }
    }
    outcome
}

/// Binds listeners at an address.
fn bind_at(
    address: SocketAddr,
    listeners: &[ListenerSpec],
    terms: Terms,
) -> io::Result<Vec<BoundListener>> {
    let bind = |listener: &ListenerSpec| {
        BoundListener::bind(listener.transport, address, terms)
            .map_err(|error| explained(address, &error))
    };
    listeners.iter().map(bind).collect()
}

/// Replaces port 0 by a port that is free for each transport.
fn settle(spec: AddressSpec<'_>, terms: Terms) -> io::Result<SocketAddr> {
    let AddressSpec { address, listeners } = spec;
    let Some((first, others)) = listeners.split_first().filter(|_| address.port() == 0) else {
        return Ok(address);
    };
    let mut outcome = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..FREE_TRIES {
        let first = BoundListener::bind(first.transport, address, terms)
            .map_err(|error| explained(address, &error))?;
        let free = first.address()?;
        match bind_at(free, others, terms) {
            Ok(_) => return Ok(free),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// Adds the address to an error, and the owner of the port or advice on the privilege.
fn explained(address: SocketAddr, error: &io::Error) -> io::Error {
    let more = match error.kind() {
        io::ErrorKind::AddrInUse => {
            ports::owner(address.port()).map(|owner| format!(" by {owner}"))
        }
        io::ErrorKind::PermissionDenied => Some(format!("; {PRIVILEGE}")),
        _ => None,
    };
    io::Error::new(error.kind(), format!("{address}: {error}{}", more.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn workers_read_one_socket_where_the_kernel_does_not_distribute_clients() {
        let listeners = ListenerSpec::here(0);
        let spec = AddressSpec::all_of(&listeners).next().unwrap();
        let address = settle(spec, Terms::default()).unwrap();
        let workers = bind_together(spec, address, 3, Terms::default()).unwrap();
        assert_eq!(workers.len(), 3);
        let client = UdpSocket::bind((address.ip(), 0)).unwrap();
        for worker in &workers {
            client.send_to(b"query", address).unwrap();
            let descriptor = worker[0].as_fd().try_clone_to_owned().unwrap();
            let socket = UdpSocket::from(descriptor);
            socket.set_nonblocking(false).unwrap();
            assert_eq!(socket.recv(&mut [0; 10]).unwrap(), 5, "whichever worker reads");
        }
        let other = bind_together(spec, address, 1, Terms { shared: true, ..Terms::default() });
        assert!(other.is_err(), "no second server shares the address");
    }

    #[test]
    fn one_worker_reads_a_socket_of_quic() {
        let listeners = Config::parse("[[listen]]\naddress = \"quic://127.0.0.1:0\"\n", "z");
        let mut listeners = listeners.unwrap().listeners();
        listeners.retain(|listener| listener.transport == Transport::Quic);
        let bind = || bind_at(listeners[0].address, &listeners, Terms::default()).unwrap();
        let [one, two] = [bind(), bind().into_iter().chain(bind()).collect()];
        let readers = |workers: io::Result<Vec<Vec<BoundListener>>>| {
            workers.unwrap().iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(readers(copies(&one, 3)), [1, 0, 0]);
        assert_eq!(readers(distribute(&one, 3)), [1, 0, 0]);
        assert_eq!(readers(distribute(&two, 3)), [1, 1, 0]);
        assert_eq!(readers(distribute(&two, 1)), [2]);
    }
}
