//! Sockets that are bound for clients, and not yet served.

use std::io;
use std::net::SocketAddr;

use zoners_files::ServiceUser;
use zoners_net::listen;

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
    pub(super) fn again(&self) -> io::Result<Self> {
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
pub(super) struct BoundAddress {
    /// As it was asked for: its port may be 0. None where a service manager gave the sockets.
    pub(super) wanted: Option<SocketAddr>,
    /// Where it listens; several where a service manager gave the sockets.
    pub(super) addresses: Vec<SocketAddr>,
    /// Those of each worker.
    pub(super) listeners: Vec<Listeners>,
}

/// What came of binding.
#[derive(Debug, Default)]
pub(super) struct BoundAddresses {
    /// Those that are bound.
    pub(super) bound: Vec<BoundAddress>,
    /// Those that are not there yet.
    pub(super) absent: Vec<SocketAddr>,
    /// Why others are not bound, where that is no reason to end.
    pub(super) missing: Vec<io::Error>,
}

impl BoundAddresses {
    /// Gives the sockets to the user that root becomes: only sockets of one user may share an address, as
    /// those before and after a reload may have to.
    pub(super) fn give_to(&self, heir: ServiceUser) {
        let own = self.bound.iter().filter(|address| address.wanted.is_some());
        for Listeners { udp, tcp } in own.flat_map(|address| &address.listeners) {
            // Where sockets have no owner, none is asked for.
            udp.iter().for_each(|socket| drop(heir.give(socket)));
            tcp.iter().for_each(|socket| drop(heir.give(socket)));
        }
    }

    /// Lets other sockets of this user be bound to the same addresses, or no longer.
    pub(super) fn share(&self, shared: bool) {
        for Listeners { udp, tcp } in self.bound.iter().flat_map(|address| &address.listeners) {
            udp.iter().for_each(|socket| listen::share(socket, shared));
            tcp.iter().for_each(|socket| listen::share(socket, shared));
        }
    }

    /// The addresses, or why there are none where there should be.
    pub(super) fn or_error(mut self) -> io::Result<Self> {
        match self.bound.is_empty() && !self.missing.is_empty() {
            true => Err(self.missing.swap_remove(0)),
            false => Ok(self),
        }
    }
}

/// Whether two addresses cannot be bound by different processes.
pub(super) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let either_is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip() == other.ip() || either_is_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_collide_if_one_is_the_other_or_any() {
        let collide =
            |one: &str, other: &str| collide(one.parse().unwrap(), other.parse().unwrap());
        assert!(collide("127.0.0.1:53", "127.0.0.1:53") && collide("0.0.0.0:53", "127.0.0.1:53"));
        assert!(collide("[::1]:53", "[::]:53"));
        assert!(!collide("127.0.0.1:53", "127.0.0.2:53") && !collide("0.0.0.0:53", "127.0.0.1:54"));
        assert!(!collide("0.0.0.0:53", "[::1]:53"));
    }
}
