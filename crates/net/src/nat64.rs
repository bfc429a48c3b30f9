//! The way to IPv4 servers on a network without IPv4: through the NAT64 of the network (RFC 6052).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use zoners_dns::Nat64Prefix;
use zoners_host::network::source_addresses;

/// The NAT64 of the network, used while no route leads to the Internet over IPv4.
#[derive(Debug, Default)]
pub(crate) struct Nat64 {
    prefix: RwLock<Option<Nat64Prefix>>,
    /// Read for each query, without a lock.
    is_used: AtomicBool,
}

impl Nat64 {
    /// The network has this prefix from now on, or no NAT64.
    pub(crate) fn set(&self, prefix: Option<Nat64Prefix>) {
        *self.prefix.write() = prefix;
        self.look();
    }

    /// Looks again whether IPv4 leads to the Internet, after a change of the network.
    pub(crate) fn look(&self) {
        self.decide(source_addresses());
    }

    fn decide(&self, [ipv4, ipv6]: [Option<IpAddr>; 2]) {
        let is_needed = ipv4.is_none() && ipv6.is_some();
        self.is_used.store(is_needed && self.prefix.read().is_some(), Ordering::Relaxed);
    }

    /// The address by which a server is reached. A server nearby has no way through the NAT64.
    pub(crate) fn way_to(&self, server: SocketAddr) -> SocketAddr {
        match server.ip() {
            IpAddr::V4(ip) if self.is_used.load(Ordering::Relaxed) && !is_near(ip) => {
                let prefix = *self.prefix.read();
                prefix.map_or(server, |prefix| (prefix.embed(ip), server.port()).into())
            }
            _ => server,
        }
    }
}

/// Whether an address belongs to this machine or a local network.
fn is_near(ip: Ipv4Addr) -> bool {
    ip.is_loopback() || ip.is_private() || ip.is_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_ipv4_servers_are_reached_through_the_nat64_of_a_network_without_ipv4() {
        let nat64 = Nat64::default();
        nat64.set(Some(Nat64Prefix::WELL_KNOWN));
        let way = |text: &str| nat64.way_to(text.parse().unwrap()).to_string();
        let ip = |text: &str| text.parse().ok();
        nat64.decide([None, ip("2001:db8::2")]);
        assert_eq!(way("198.41.0.4:53"), "[64:ff9b::c629:4]:53");
        for as_before in ["127.0.0.1:53", "192.168.1.1:53", "[2001:db8::1]:53"] {
            assert_eq!(way(as_before), as_before);
        }
        nat64.decide([ip("192.0.2.2"), ip("2001:db8::2")]);
        assert_eq!(way("198.41.0.4:53"), "198.41.0.4:53");
        nat64.decide([None, None]);
        assert_eq!(way("198.41.0.4:53"), "198.41.0.4:53", "without any network there is no way");
    }
}
