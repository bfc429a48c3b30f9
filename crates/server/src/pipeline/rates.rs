//! How fast a client may ask over UDP before it has shown that its address is its own.
//!
//! Whoever asks faster is not refused: it is told to come back with a cookie or over TCP, which
//! costs a real client a round trip and is of no use to one who forges a victim's address.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher13;
use zoners_dns::{Moment, Prefix};

use crate::client::stands_for;
use crate::config::Server;

/// Buckets: 128 KiB. Clients that share one share what it holds; which do, no outsider knows.
const BUCKETS: usize = 1 << 14;
/// What a query costs, in thousandths: a bucket gains a client's rate of them each millisecond.
const QUERY: u64 = 1000;

/// A token bucket a client, as many as there are, in memory that never grows.
pub(super) struct Rates {
    /// Queries a second; 0 for no limit.
    rate: u64,
    unlimited: Vec<Prefix>,
    hasher: SipHasher13,
    /// What is left, and since when: thousandths of a query in the upper 32 bits, the lower 32 of
    /// the time in milliseconds.
    buckets: Box<[AtomicU64]>,
}

impl Rates {
    /// What `server` allows; `hash_key` decides who shares a bucket.
    pub(super) fn new(server: &Server, hash_key: [u64; 2]) -> Self {
        let rate = u64::from(server.queries_per_second);
        let full = Rates::full(rate) << 32;
        let count = if rate == 0 { 0 } else { BUCKETS };
        Rates {
            rate,
            unlimited: server.unlimited.clone(),
            hasher: SipHasher13::new_with_keys(hash_key[0], hash_key[1]),
            buckets: (0..count).map(|_| AtomicU64::new(full)).collect(),
        }
    }

    /// Takes a query out of the client's bucket; false if it is empty.
    pub(super) fn allow(&self, address: IpAddr, now: Moment) -> bool {
        let Some(bucket) = self.bucket(address) else { return true };
        if self.unlimited.iter().any(|prefix| prefix.contains(address)) {
            return true;
        }
        let now = now.as_millis() as u32;
        let spend = |bucket: u64| {
            let (left, since) = (bucket >> 32, bucket as u32);
            let gained = u64::from(now.wrapping_sub(since)) * self.rate;
            let left = (left + gained).min(Rates::full(self.rate)).checked_sub(QUERY)?;
            Some(left << 32 | u64::from(now))
        };
        bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }

    /// A bucket holds what a second brings.
    fn full(rate: u64) -> u64 {
        (rate * QUERY).min(u64::from(u32::MAX))
    }

    fn bucket(&self, address: IpAddr) -> Option<&AtomicU64> {
        if self.buckets.is_empty() {
            return None;
        }
        let hash = match stands_for(address) {
            IpAddr::V4(ip) => self.hasher.hash(&ip.octets()),
            IpAddr::V6(ip) => self.hasher.hash(&ip.octets()),
        };
        self.buckets.get(hash as usize % self.buckets.len())
    }
}

/// Two numbers instead of all buckets.
impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates").field("rate", &self.rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(queries_per_second: u32) -> Rates {
        Rates::new(&Server { queries_per_second, ..Server::default() }, [1, 2])
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let rates = rates(10);
        let client = [198, 51, 100, 1].into();
        let allowed = |at: u64, tries: usize| {
            (0..tries).filter(|_| rates.allow(client, Moment::from_millis(at))).count()
        };
        assert_eq!(allowed(5000, 20), 10);
        assert_eq!(allowed(5100, 20), 1);
        assert_eq!(allowed(5150, 20), 0, "half a query is none");
        assert_eq!(allowed(5200, 20), 1);
        assert_eq!(allowed(900_000, 20), 10, "no more than a second's worth is saved");
        assert!(rates.allow([198, 51, 100, 2].into(), Moment::from_millis(900_000)), "another's");
    }

    #[test]
    fn those_nearby_and_those_without_a_limit_ask_as_they_like() {
        let now = Moment::from_millis(7);
        let all = |rates: Rates, client: IpAddr| (0..100).all(|_| rates.allow(client, now));
        assert!(all(rates(1), [192, 168, 1, 1].into()));
        assert!(all(rates(0), [198, 51, 100, 1].into()));
        assert!(!all(rates(1), [198, 51, 100, 1].into()));
    }
}
