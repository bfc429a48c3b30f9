//! The sockets for clients.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Connections in the queue of the kernel, before the server accepts the connections.
const BACKLOG: i32 = 1024;
/// Octets of unread queries that the kernel queues: some 40,000 small queries on Linux, which
/// doubles the number.
const RECEIVE_BUFFER: usize = 16 << 20;

/// The least receive buffer that is asked for.
const MIN_RECEIVE_BUFFER: usize = 64 << 10;

/// Whether the kernel distributes clients over several sockets of an address. Then each worker has a socket; else the
/// workers read the same socket. SO_REUSEPORT of macOS and OpenBSD gives every datagram to a single socket; FreeBSD
/// distributes datagrams by a separate option, SO_REUSEPORT_LB.
pub const DISTRIBUTES_CLIENTS: bool = cfg!(any(target_os = "linux", target_os = "freebsd"));
/// Whether UDP sockets get SO_REUSEADDR. On macOS and the BSDs an address is then bound beside the wildcard of another
/// program, as mDNSResponder's on macOS, and the same address not twice; on Linux two programs would share the address.
const BINDS_BESIDE_WILDCARD: bool = cfg!(not(target_os = "linux"));

/// How an address is bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// Several sockets may be bound to the address, and the kernel distributes the clients, where it can
    /// ([`DISTRIBUTES_CLIENTS`]).
    pub shared: bool,
    /// The machine may not have the address yet: it is bound nevertheless, where the system can.
    pub absent: bool,
}

/// Binds a UDP socket.
///
/// # Errors
/// The address is taken, not there (see [`is_absent`]), or not allowed.
pub fn udp(address: SocketAddr, terms: Terms) -> io::Result<std::net::UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP, terms)?;
    if BINDS_BESIDE_WILDCARD {
        socket.set_reuse_address(true)?;
    }
    receive_buffer(&socket);
    bind(&socket, address)?;
    Ok(socket.into())
}

/// Room for bursts. The kernel may grant less, which does not prevent service.
fn receive_buffer(socket: &Socket) {
    // Beyond the administrator's limit, as root may.
    #[cfg(target_os = "linux")]
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, RECEIVE_BUFFER).is_ok() {
        return;
    }
    let _ = largest_accepted(RECEIVE_BUFFER, |size| socket.set_recv_buffer_size(size).is_ok());
}

/// The largest accepted size, by halves of `wanted`: FreeBSD and NetBSD refuse a size beyond their limit
/// (`kern.ipc.maxsockbuf`), instead of granting less.
fn largest_accepted(wanted: usize, mut accepts: impl FnMut(usize) -> bool) -> Option<usize> {
    let halves = std::iter::successors(Some(wanted), |size| Some(size / 2));
    halves.take_while(|size| *size >= MIN_RECEIVE_BUFFER).find(|size| accepts(*size))
}

/// Binds a TCP socket and listens; see [`udp`].
///
/// # Errors
/// See [`udp`].
pub fn tcp(address: SocketAddr, terms: Terms) -> io::Result<std::net::TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP, terms)?;
    socket.set_reuse_address(true)?;
    bind(&socket, address)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Shares the address of a socket with sockets of the same user sharing it too, or stops sharing.
/// If the system refuses, further sockets find the address taken.
pub fn share(socket: &impl AsFd, shared: bool) {
    if let Err(error) = SockRef::from(socket).set_reuse_port(shared) {
        tracing::debug!(%error, "listen: an address is not shared");
    }
}

/// Whether an address could not be bound because the machine does not have it.
#[must_use]
pub fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
}

fn bind(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.bind(&address.into()).map_err(|error| match Errno::from_io_error(&error) {
        // The machine lacks the interface of the address.
        Some(Errno::NODEV) => io::Error::new(io::ErrorKind::AddrNotAvailable, error),
        _ => error,
    })
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol, terms: Terms) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // The IPv4 side of a wildcard has a socket of its own.
        socket.set_only_v6(true)?;
    }
    if terms.absent {
        // An older kernel may lack the option; then the address must exist.
        #[cfg(target_os = "linux")]
        let _ = match address {
            SocketAddr::V4(_) => socket.set_freebind_v4(true),
            SocketAddr::V6(_) => socket.set_freebind_v6(true),
        };
    }
    share_port(&socket, terms.shared)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(not(target_os = "freebsd"))]
fn share_port(socket: &Socket, shared: bool) -> io::Result<()> {
    socket.set_reuse_port(shared)
}

#[cfg(target_os = "freebsd")]
fn share_port(socket: &Socket, shared: bool) -> io::Result<()> {
    socket.set_reuse_port_lb(shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receive_buffer_is_halved_until_the_system_accepts_it() {
        let limit = |most: usize| largest_accepted(RECEIVE_BUFFER, |size| size <= most);
        assert_eq!(limit(usize::MAX), Some(RECEIVE_BUFFER));
        assert_eq!(limit(2 << 20), Some(2 << 20));
        assert_eq!(limit((2 << 20) - 1), Some(1 << 20));
        assert_eq!(limit(MIN_RECEIVE_BUFFER - 1), None);
    }

    #[test]
    fn an_address_that_is_not_there_is_told_or_bound_all_the_same() {
        // Addresses for documentation, which no machine has (RFC 5737, RFC 3849).
        for address in ["192.0.2.1:0", "[2001:db8::1]:0"] {
            let address = address.parse().unwrap();
            let bind = |absent| {
                let terms = Terms { absent, ..Terms::default() };
                udp(address, terms).map(drop).and(tcp(address, terms).map(drop))
            };
            let is_absent = |outcome: io::Result<()>| outcome.is_err_and(|error| is_absent(&error));
            if Socket::new(Domain::for_address(address), Type::DGRAM, None).is_ok() {
                assert!(is_absent(bind(false)), "{address}");
                assert_eq!(is_absent(bind(true)), !cfg!(target_os = "linux"), "{address}");
            }
        }
        let nowhere = "[fe80::1%4294967295]:0".parse().unwrap();
        let absent = Terms { absent: true, ..Terms::default() };
        let is_unknown = |error: &io::Error| error.kind() == io::ErrorKind::Unsupported;
        assert!(udp(nowhere, absent).is_err_and(|error| is_absent(&error) || is_unknown(&error)));
    }
}
