//! Datagrams without fragmentation (RFC 9715 section 3): fragments get lost, and forged fragments
//! can be combined with genuine ones.
//!
//! Datagrams leave with "don't fragment" set, and the reported path MTU is ignored: a forged ICMP
//! message must not prevent us from sending (IP_PMTUDISC_PROBE). Our datagrams fit into 1,280
//! octets, the MTU of every path of the Internet in practice. A system without the option decides by
//! default.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use rustix::io::Errno;

/// Has no datagram of the socket fragmented.
#[cfg(target_os = "linux")]
pub(crate) fn forbid(socket: &impl AsFd, address: SocketAddr) {
    use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
    discover(socket, address, Ipv4PathMtuDiscovery::PROBE, Ipv6PathMtuDiscovery::PROBE);
}

#[cfg(target_os = "macos")]
pub(crate) fn forbid(socket: &impl AsFd, address: SocketAddr) {
    use nix::sys::socket::{setsockopt, sockopt};
    let _ = match address {
        SocketAddr::V4(_) => setsockopt(socket, sockopt::IpDontFrag, &true),
        SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6DontFrag, &true),
    };
}

/// The library sets IP_DONTFRAG or IPV6_DONTFRAG where the system has the option.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(crate) fn forbid(socket: &impl AsFd, _: SocketAddr) {
    let _ = quinn_udp::UdpSocketState::new(quinn_udp::UdpSockRef::from(socket));
}

/// Allows fragments for datagrams too large for our own interface, and for no further ones. False
/// if the system cannot.
#[cfg(target_os = "linux")]
pub(crate) fn allow(socket: &impl AsFd, address: SocketAddr) -> bool {
    use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
    discover(socket, address, Ipv4PathMtuDiscovery::OMIT, Ipv6PathMtuDiscovery::OMIT)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn allow(_: &impl AsFd, _: SocketAddr) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn discover(
    socket: &impl AsFd,
    address: SocketAddr,
    v4: rustix::net::sockopt::Ipv4PathMtuDiscovery,
    v6: rustix::net::sockopt::Ipv6PathMtuDiscovery,
) -> bool {
    use rustix::net::sockopt::{set_ip_mtu_discover, set_ipv6_mtu_discover};
    match address {
        SocketAddr::V4(_) => set_ip_mtu_discover(socket, v4).is_ok(),
        SocketAddr::V6(_) => set_ipv6_mtu_discover(socket, v6).is_ok(),
    }
}

/// Whether a datagram was too large to be sent whole, or is said to have been (EMSGSIZE).
pub(crate) fn is_too_large(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::MSGSIZE)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::net::sockopt::{
        Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, ip_mtu_discover, ipv6_mtu_discover,
    };
    use std::net::UdpSocket;

    #[test]
    fn a_socket_sends_whole_datagrams_or_none() {
        let v4 = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = v4.local_addr().unwrap();
        forbid(&v4, address);
        assert_eq!(ip_mtu_discover(&v4).unwrap(), Ipv4PathMtuDiscovery::PROBE);
        assert!(allow(&v4, address));
        assert_eq!(ip_mtu_discover(&v4).unwrap(), Ipv4PathMtuDiscovery::OMIT);
        // Not every machine has IPv6.
        if let Ok(v6) = UdpSocket::bind("[::1]:0") {
            forbid(&v6, v6.local_addr().unwrap());
            assert_eq!(ipv6_mtu_discover(&v6).unwrap(), Ipv6PathMtuDiscovery::PROBE);
        }
    }

    #[test]
    fn too_large_is_told_from_other_errors() {
        assert!(is_too_large(&Errno::MSGSIZE.into()));
        assert!(!is_too_large(&Errno::CONNREFUSED.into()));
        assert!(!is_too_large(&io::ErrorKind::WouldBlock.into()));
    }
}
