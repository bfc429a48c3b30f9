//! Packets that expire after some hops, to find the device that stops them.
//!
//! The router at which a packet expires says so by ICMP. Linux reports the message at the socket (`IP_RECVERR`) as
//! "host unreachable"; other systems keep the message for raw sockets, so that nothing is learned there.

use std::io;
use std::os::fd::AsFd;

use rustix::net::sockopt::{set_ip_ttl, set_ipv6_unicast_hops};

/// Lets packets of a socket expire at router number `hops`, and reports the end as an error of the socket, where the
/// system can.
///
/// # Errors
/// The system refuses the option.
pub fn expire_after(socket: impl AsFd, is_ipv4: bool, hops: u8) -> io::Result<()> {
    match is_ipv4 {
        true => set_ip_ttl(&socket, hops.into())?,
        false => set_ipv6_unicast_hops(&socket, Some(hops))?,
    }
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt};
        match is_ipv4 {
            true => setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?,
            false => setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::ip_ttl;

    use super::*;

    #[test]
    fn packets_of_the_socket_have_as_many_hops() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        expire_after(&socket, true, 2).unwrap();
        assert_eq!(ip_ttl(&socket).unwrap(), 2);
    }
}
