//! The rate of queries over UDP from an address that is not proven.
//!
//! A client asking faster is not refused: the reply tells the client to come back with a cookie or
//! over TCP. A real client loses a round trip; a sender that forges a victim's address gains
//! nothing.

use std::net::IpAddr;

use zoners_dns::{Moment, Prefix};
use zoners_net::client_slots::stands_for;

use super::buckets::Buckets;
use crate::config::{Clients, ServerConfig};
use crate::nearby::Nearby;

/// Buckets of clients: 128 KiB.
const CLIENT_BUCKETS: usize = 1 << 14;

/// A token bucket for each client.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    unlimited: Vec<Prefix>,
    buckets: Buckets,
}

impl Rates {
    /// The rate of `[server]`; `hash_key` decides which clients share a bucket.
    pub(super) fn new(server: &ServerConfig, hash_key: [u64; 2]) -> Self {
        let rate = u64::from(server.queries_per_second);
        let count = if rate == 0 { 0 } else { CLIENT_BUCKETS };
        let unlimited = server.unlimited.prefixes(&Nearby::anywhere().prefixes);
        Rates { unlimited, buckets: Buckets::new(count, rate, hash_key) }
    }

    /// The same buckets with other prefixes of clients nearby.
    pub(super) fn near(&self, unlimited: &Clients, nearby: &[Prefix]) -> Self {
        Rates { unlimited: unlimited.prefixes(nearby), buckets: self.buckets.clone() }
    }

    /// Takes a query out of the client's bucket; false if the bucket is empty.
    pub(super) fn allow(&self, address: IpAddr, now: Moment) -> bool {
        self.has_no_limit(address) || self.buckets.take(stands_for(address), now)
    }

    /// Whether a client with this address has no limit.
    pub(super) fn has_no_limit(&self, address: IpAddr) -> bool {
        self.unlimited.iter().any(|prefix| prefix.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_nearby_and_clients_without_a_limit_are_not_limited() {
        let rates = |queries_per_second| {
            Rates::new(&ServerConfig { queries_per_second, ..ServerConfig::default() }, [1, 2])
        };
        let now = Moment::from_millis(7);
        let all = |rates: Rates, client: IpAddr| (0..100).all(|_| rates.allow(client, now));
        assert!(all(rates(1), [192, 168, 1, 1].into()));
        assert!(all(rates(0), [198, 51, 100, 1].into()));
        assert!(!all(rates(1), [198, 51, 100, 1].into()));
    }
}
