//! Echo requests (ping) without privileges: ICMP datagram sockets of Linux and macOS.
//!
//! Linux lets groups of `net.ipv4.ping_group_range` send; systemd opens the range to every user. Other systems than
//! Linux and macOS have raw sockets alone, which are for root.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with};
use tokio::time::timeout;

/// Octets of an echo message: the header, and a mark of eight octets.
const ECHO_OCTETS: usize = 16;
/// Types of messages: request and reply, by ICMP and by ICMPv6 (RFC 792, RFC 4443).
const ICMP: (u8, u8) = (8, 0);
const ICMPV6: (u8, u8) = (128, 129);

/// A socket for echo requests to one address.
#[derive(Debug)]
pub struct EchoSocket {
    /// An ICMP socket under the type for UDP: tokio has no type for datagrams of any protocol.
    socket: tokio::net::UdpSocket,
    types: (u8, u8),
}

impl EchoSocket {
    /// A socket for requests to `address`; `scope` is the number of the interface of a link-local address. To be called
    /// on a tokio runtime.
    ///
    /// # Errors
    /// The system does not let this user send echo requests, or no route leads to the address.
    pub fn to(address: IpAddr, scope: u32) -> io::Result<Self> {
        let (family, protocol, types, own): (_, _, _, IpAddr) = match address {
            IpAddr::V4(_) => {
                (AddressFamily::INET, ipproto::ICMP, ICMP, Ipv4Addr::UNSPECIFIED.into())
            }
            IpAddr::V6(_) => {
                (AddressFamily::INET6, ipproto::ICMPV6, ICMPV6, Ipv6Addr::UNSPECIFIED.into())
            }
        };
        let socket: OwnedFd =
            socket_with(family, SocketType::DGRAM, SocketFlags::empty(), Some(protocol))?;
        let socket = std::net::UdpSocket::from(socket);
        socket.set_nonblocking(true)?;
        let to: SocketAddr = match address {
            IpAddr::V4(ip) => (ip, 0).into(),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, 0, 0, scope).into(),
        };
        rustix::net::bind(&socket, &SocketAddr::new(own, 0))?;
        rustix::net::connect(&socket, &to)?;
        Ok(EchoSocket { socket: tokio::net::UdpSocket::from_std(socket)?, types })
    }

    /// The round-trip time of one request; `None` without a reply within `limit`.
    pub async fn round_trip(&self, sequence: u16, limit: Duration) -> Option<Duration> {
        let began = Instant::now();
        let request = request(self.types.0, sequence);
        self.socket.send(&request).await.ok()?;
        let reply = async {
            let mut octets = [0; 128];
            loop {
                let length = self.socket.recv(&mut octets).await.ok()?;
                let message = octets.get(..length)?;
                if is_reply(message, self.types.1, &request) {
                    return Some(began.elapsed());
                }
            }
        };
        timeout(limit, reply).await.ok().flatten()
    }
}

/// A request; the mark repeats the sequence number, since the system draws the identifier.
fn request(kind: u8, sequence: u16) -> [u8; ECHO_OCTETS] {
    let mut message = [0; ECHO_OCTETS];
    message[0] = kind;
    message[6..8].copy_from_slice(&sequence.to_be_bytes());
    message[8..].copy_from_slice(b"zoners: ");
    // RFC 1071. The kernel computes the sum of ICMPv6, and of ICMP on Linux.
    let words =
        message.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xFFFF) + (sum >> 16);
    message[2..4].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    message
}

/// macOS delivers the IPv4 header too, so the end of the message counts.
fn is_reply(message: &[u8], kind: u8, request: &[u8; ECHO_OCTETS]) -> bool {
    let at = message.len().saturating_sub(ECHO_OCTETS);
    let Some(message) = message.get(at..).filter(|message| message.len() == ECHO_OCTETS) else {
        return false;
    };
    message[0] == kind && message[6..] == request[6..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_the_sequence_and_the_mark_of_its_request() {
        let sent = request(ICMP.0, 7);
        let mut reply = sent;
        (reply[0], reply[4]) = (ICMP.1, 99);
        assert!(is_reply(&reply, ICMP.1, &sent));
        assert!(is_reply(&[&[0x45; 20][..], &reply].concat(), ICMP.1, &sent));
        assert!(!is_reply(&reply, ICMP.1, &request(ICMP.0, 8)));
        assert!(!is_reply(&sent, ICMP.1, &sent) && !is_reply(&reply[1..], ICMP.1, &sent));
        // The sum over a message with its checksum is all ones (RFC 1071).
        let sum: u32 =
            sent.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        assert_eq!((sum & 0xFFFF) + (sum >> 16), 0xFFFF);
    }
}
