//! Whether clients are heard.

use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};

use zoners_dns::Rtype;

use super::networks::ask;
use super::{localhost, send};

/// Binds an address as a foreign server would.
pub(crate) fn take(address: &str) -> (UdpSocket, TcpListener) {
    (UdpSocket::bind(address).unwrap(), TcpListener::bind(address).unwrap())
}

/// Whether a name is resolved at `to`, asked from `from` over UDP.
pub(crate) fn is_served(from: &str, to: &str) -> bool {
    let reply = ask(from, to.parse().unwrap(), &localhost(1, Rtype::A));
    reply.is_some_and(|reply| reply[3] & 0x0F == 0)
}

/// The same over TCP.
pub(crate) fn is_served_over_tcp(to: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(to) else { return false };
    let mut length = [0; 2];
    let asked = send(&mut stream, &localhost(2, Rtype::A));
    asked.and_then(|()| stream.read_exact(&mut length)).is_ok()
}
