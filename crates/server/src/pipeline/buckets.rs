//! Token buckets in a fixed number.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher13;
use zoners_dns::Moment;

/// A token in thousandths: a bucket gains its rate in thousandths each millisecond.
const TOKEN_MILLIS: u64 = 1000;

/// Buckets of addresses. Addresses sharing a bucket share its tokens; no outsider knows which
/// addresses do. Clones have the same buckets.
#[derive(Clone)]
pub(super) struct Buckets {
    /// Tokens a second.
    rate: u64,
    hasher: SipHasher13,
    /// The tokens left in thousandths, in the upper 32 bits, and the time of that count: the lower 32 bits of the
    /// clock in milliseconds.
    buckets: Arc<[AtomicU64]>,
}

impl Buckets {
    /// `count` full buckets that gain `rate` tokens a second; `hash_key` decides which addresses share a bucket.
    pub(super) fn new(count: usize, rate: u64, hash_key: [u64; 2]) -> Self {
        let full = Buckets::full(rate) << 32;
        Buckets {
            rate,
            hasher: SipHasher13::new_with_keys(hash_key[0], hash_key[1]),
            buckets: (0..count).map(|_| AtomicU64::new(full)).collect(),
        }
    }

    /// Takes a token out of the bucket of an address; false if the bucket is empty. Without buckets there is no
    /// limit.
    pub(super) fn take(&self, address: IpAddr, now: Moment) -> bool {
        let Some(bucket) = self.bucket(address) else { return true };
        let now = now.as_millis() as u32;
        let spend = |bucket: u64| {
            let (left, since) = (bucket >> 32, bucket as u32);
            let gained = u64::from(now.wrapping_sub(since)) * self.rate;
            let left = (left + gained).min(Buckets::full(self.rate)).checked_sub(TOKEN_MILLIS)?;
            Some(left << 32 | u64::from(now))
        };
        bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }

    /// A full bucket: the tokens of one second.
    fn full(rate: u64) -> u64 {
        (rate * TOKEN_MILLIS).min(u64::from(u32::MAX))
    }

    fn bucket(&self, address: IpAddr) -> Option<&AtomicU64> {
        if self.buckets.is_empty() {
            return None;
        }
        let hash = match address {
            IpAddr::V4(ip) => self.hasher.hash(&ip.octets()),
            IpAddr::V6(ip) => self.hasher.hash(&ip.octets()),
        };
        self.buckets.get(hash as usize % self.buckets.len())
    }
}

/// The rate in place of the buckets.
impl std::fmt::Debug for Buckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buckets").field("rate", &self.rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let buckets = Buckets::new(1 << 14, 10, [1, 2]);
        let client = [198, 51, 100, 1].into();
        let taken = |at: u64, tries: usize| {
            (0..tries).filter(|_| buckets.take(client, Moment::from_millis(at))).count()
        };
        assert_eq!(taken(5000, 20), 10);
        assert_eq!(taken(5100, 20), 1);
        assert_eq!(taken(5150, 20), 0, "half a token");
        assert_eq!(taken(5200, 20), 1);
        assert_eq!(taken(900_000, 20), 10, "no more than a second's worth is saved");
        assert!(
            buckets.take([198, 51, 100, 2].into(), Moment::from_millis(900_000)),
            "another bucket"
        );
    }
}
