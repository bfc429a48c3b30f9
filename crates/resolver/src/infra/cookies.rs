//! Client cookies sent to servers (RFC 7873 section 4.1): a reply with the cookie proves that its
//! sender has seen the query.
//!
//! Each server gets a cookie of its own, so that no server learns the cookie of a different server.
//! Cookies change with the network, so that the machine cannot be tracked across addresses (RFC
//! 9018 section 3), and once a day (RFC 7873 section 7.2).

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher24;
use zoners_cache::CLIENT_COOKIE;
use zoners_dns::{Moment, Random};

/// The cookies change so often, in milliseconds.
const PERIOD: u64 = 86_400_000;

/// Makes client cookies; the workers share the secret.
pub(crate) struct ClientCookies {
    secret: SipHasher24,
    /// The number of networks since the start.
    networks: AtomicU64,
}

impl ClientCookies {
    /// With a new secret.
    pub(crate) fn new(random: &Random) -> Self {
        let secret = SipHasher24::new_with_keys(random.bits(), random.bits());
        ClientCookies { secret, networks: AtomicU64::new(0) }
    }

    /// The cookie for a server.
    pub(crate) fn of(&self, server: IpAddr, now: Moment) -> [u8; CLIENT_COOKIE] {
        let address = match server {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let mut hashed = [0; 32];
        hashed[..16].copy_from_slice(&address.octets());
        hashed[16..24].copy_from_slice(&self.networks.load(Ordering::Relaxed).to_be_bytes());
        hashed[24..].copy_from_slice(&(now.as_millis() / PERIOD).to_be_bytes());
        self.secret.hash(&hashed).to_be_bytes()
    }

    /// The machine has moved to a different network.
    pub(crate) fn change(&self) {
        self.networks.fetch_add(1, Ordering::Relaxed);
    }
}

/// Leaves the secret out.
impl std::fmt::Debug for ClientCookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookies(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_a_cookie_that_changes_with_network_and_day() {
        let cookies = ClientCookies::new(&Random::seeded(3));
        let at =
            |server: &str, millis| cookies.of(server.parse().unwrap(), Moment::from_millis(millis));
        let first = at("192.0.2.1", 5);
        assert_eq!(first, at("192.0.2.1", PERIOD - 1));
        assert_ne!(first, at("192.0.2.2", 5));
        assert_ne!(first, at("2001:db8::1", 5));
        assert_ne!(first, at("192.0.2.1", PERIOD));
        cookies.change();
        assert_ne!(first, at("192.0.2.1", 5));
        let another = ClientCookies::new(&Random::seeded(4));
        assert_ne!(first, another.of("192.0.2.1".parse().unwrap(), Moment::from_millis(5)));
    }
}
