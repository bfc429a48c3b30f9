//! How fast a client may ask over UDP before it has shown that its address is its own.
//!
//! A client that asks faster is not refused: it is told to come back with a cookie or over TCP, which
//! costs a real client a round trip and is of no use to one that forges a victim's address.

use std::net::IpAddr;

use zoners_dns::{Moment, Prefix};

use super::buckets::Buckets;
use crate::client::stands_for;
use crate::config::{Clients, Server};
use crate::nearby::Nearby;

/// Buckets: 128 KiB.
const BUCKETS: usize = 1 << 14;

/// A token bucket a client.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    unlimited: Vec<Prefix>,
    buckets: Buckets,
}

impl Rates {
    /// What `server` allows; `hash_key` decides which clients share a bucket.
    pub(super) fn new(server: &Server, hash_key: [u64; 2]) -> Self {
        let rate = u64::from(server.queries_per_second);
        let count = if rate == 0 { 0 } else { BUCKETS };
        let unlimited = server.unlimited.prefixes(&Nearby::anywhere().prefixes);
        Rates { unlimited, buckets: Buckets::new(count, rate, hash_key) }
    }

    /// The same buckets, where the clients nearby are these.
    pub(super) fn near(&self, unlimited: &Clients, nearby: &[Prefix]) -> Self {
        Rates { unlimited: unlimited.prefixes(nearby), buckets: self.buckets.clone() }
    }

    /// Takes a query out of the client's bucket; false if it is empty.
    pub(super) fn allow(&self, address: IpAddr, now: Moment) -> bool {
        self.has_no_limit(address) || self.buckets.take(stands_for(address), now)
    }

    /// Whether a client may ask as fast as it likes, by its address.
    pub(super) fn has_no_limit(&self, address: IpAddr) -> bool {
        self.unlimited.iter().any(|prefix| prefix.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_nearby_and_those_without_a_limit_ask_as_they_like() {
        let rates = |queries_per_second| {
            Rates::new(&Server { queries_per_second, ..Server::default() }, [1, 2])
        };
        let now = Moment::from_millis(7);
        let all = |rates: Rates, client: IpAddr| (0..100).all(|_| rates.allow(client, now));
        assert!(all(rates(1), [192, 168, 1, 1].into()));
        assert!(all(rates(0), [198, 51, 100, 1].into()));
        assert!(!all(rates(1), [198, 51, 100, 1].into()));
    }
}
