//! The sockets that clients reach.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel keeps until we accept them.
const BACKLOG: i32 = 1024;
/// Octets that the kernel keeps of queries we have not read yet: some 40,000 small ones on Linux,
/// which takes twice what it is told.
const RECEIVE_BUFFER: usize = 16 << 20;

/// Binds a UDP socket. With `shared`, several may be bound to one address and the kernel spreads
/// the clients over them.
///
/// # Errors
/// The address is taken, not ours, or not allowed.
pub fn udp(address: SocketAddr, shared: bool) -> io::Result<std::net::UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP, shared)?;
    receive_buffer(&socket);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Room for bursts. The kernel may grant less; that is no reason not to serve.
fn receive_buffer(socket: &Socket) {
    // Beyond what the administrator lets everyone have, as root may.
    #[cfg(target_os = "linux")]
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, RECEIVE_BUFFER).is_ok() {
        return;
    }
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
}

/// Binds a TCP socket and listens on it; see [`udp`].
///
/// # Errors
/// The address is taken, not ours, or not allowed.
pub fn tcp(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP, shared)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // The IPv4 side of a wildcard has a socket of its own.
        socket.set_only_v6(true)?;
    }
    #[cfg(unix)]
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
