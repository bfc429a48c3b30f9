//! The source addresses of queries.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use zoners_dns::Random;

/// The configured addresses; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    random: Random,
    v4: Arc<[IpAddr]>,
    v6: Arc<[IpAddr]>,
}

impl Sources {
    pub(crate) fn new(random: Random, addresses: Vec<IpAddr>) -> Self {
        let (v4, v6): (Vec<_>, Vec<_>) = addresses.into_iter().partition(IpAddr::is_ipv4);
        Sources { random, v4: v4.into(), v6: v6.into() }
    }

    /// The source of random ports.
    pub(crate) fn random(&self) -> &Random {
        &self.random
    }

    /// The source address of a query to `to`, drawn at random if there are several; the unspecified
    /// address if the system chooses.
    pub(crate) fn address(&self, to: SocketAddr) -> IpAddr {
        let (own, any): (_, IpAddr) = match to {
            SocketAddr::V4(_) => (&self.v4, Ipv4Addr::UNSPECIFIED.into()),
            SocketAddr::V6(_) => (&self.v6, Ipv6Addr::UNSPECIFIED.into()),
        };
        match own.len() {
            0 => any,
            count => own.get(self.random.below(count as u64) as usize).copied().unwrap_or(any),
        }
    }
}

/// The error of a query without a socket: a failure to use the source address is local, and not the
/// server's.
pub(crate) fn not_ours(error: &io::Error) -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_own() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        let own = ["192.0.2.1", "192.0.2.2"].map(parse);
        let sources = Sources::new(Random::seeded(1), own.to_vec());
        let (v4, v6) = ("198.51.100.1:53".parse().unwrap(), "[2001:db8::1]:53".parse().unwrap());
        let mut drawn: Vec<IpAddr> = (0..64).map(|_| sources.address(v4)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, own);
        assert_eq!(sources.address(v6), parse("::"));
    }
}
