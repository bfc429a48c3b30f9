//! The cache: bounded memory that all workers share.
//!
//! Most entries lie in one [`Table`] of byte strings under one hard limit of octets; each module
//! here defines one kind of entry. [`Ranges`] are searched in canonical order, so they have their
//! own structure and a fixed share of the limit. No function opens a socket or reads a clock: `now`
//! is an argument.
//!
//! ```
//! use zoners_cache::{Cache, Rank, TtlLimits};
//! use zoners_dns::{Moment, RRset, Records, Rtype, Security, name};
//!
//! // At most 16 MiB. The hash key is random in the daemon.
//! let cache = Cache::new(16 << 20, TtlLimits::default(), [7, 11]);
//! let now = Moment::from_millis(0);
//! let www = name::parse("www.example.com").unwrap();
//! let records = Records::from_iter([[192, 0, 2, 1]]);
//! let set = RRset::new(www.clone(), Rtype::A, 300, records);
//! cache.insert_rrset(&set, &[], Rank::AuthoritativeAnswer, Security::Insecure, now);
//!
//! let later = now.after_seconds(100);
//! let cached = cache.rrset(&www, Rtype::A, later).unwrap();
//! assert_eq!(cached.set.ttl, 200);
//!
//! // An expired RRset is found only by a read for serve-stale.
//! let expired = now.after_seconds(300);
//! assert_eq!(cache.rrset(&www, Rtype::A, expired), None);
//! assert!(cache.rrset(&www, Rtype::A, cache.stale_read_time(expired)).is_some());
//! ```

mod answers;
mod arena;
mod codec;
mod delegations;
mod denials;
mod discard;
mod failures;
mod insecure;
mod inspect;
mod key;
mod minimisation;
mod portable;
mod quarantine;
mod ranges;
mod rrsets;
mod servers;
mod shard;
mod sync;
mod table;
#[cfg(test)]
mod test_entries;
mod unprovable;

pub use answers::{AnswerKey, FinishedAnswer};
pub use arena::MAX_ENTRY_OCTETS;
pub use denials::{Denial, DenialKind};
pub use failures::CachedFailure;
pub use insecure::InsecureZone;
pub use inspect::InspectedEntry;
pub use portable::{ExportCursor, ImportStats, InvalidEntries};
pub use ranges::{Neighbour, RangePosition, Ranges};
pub use rrsets::{CachedRRset, Rank};
pub use servers::{
    CLIENT_COOKIE, CookieOption, EchoEvidence, EchoSupport, EncryptionState, EncryptionTrial,
    Evidence, ServerFault, ServerInfo, TrialEvent, TrialResult,
};
pub use table::{CacheStats, Table};

use std::sync::atomic::AtomicU8;
use std::time::Duration;

use zoners_dns::{Moment, Name, name};

/// Limits on TTLs, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TtlLimits {
    /// The least TTL; a shorter TTL is raised.
    pub floor: u32,
    /// The greatest TTL of data; a longer TTL is lowered.
    pub cap: u32,
    /// The greatest TTL of a denial.
    pub negative_cap: u32,
    /// How long an expired answer is kept for serve-stale; 0 turns serve-stale off.
    pub stale: u32,
}

impl Default for TtlLimits {
    fn default() -> Self {
        TtlLimits { floor: 0, cap: 86_400, negative_cap: 3_600, stale: 86_400 }
    }
}

impl TtlLimits {
    /// The TTL of data after the limits.
    #[must_use]
    pub fn positive(&self, ttl: u32) -> u32 {
        ttl.max(self.floor).min(self.cap)
    }

    /// The TTL of a denial after the limits.
    #[must_use]
    pub fn negative(&self, ttl: u32) -> u32 {
        ttl.max(self.floor).min(self.negative_cap)
    }
}

/// The share of the memory for ranges: one sixteenth.
const RANGES_FRACTION: usize = 16;

/// The cache of a process.
#[derive(Debug)]
pub struct Cache {
    table: Table,
    ranges: Ranges,
    limits: TtlLimits,
    /// The number of the last quarantine.
    quarantines: AtomicU8,
}

impl Cache {
    /// An empty cache of at most `bytes` octets. `hash_key` must be secret and random if clients
    /// choose the names, so that no client can produce hash collisions.
    #[must_use]
    pub fn new(bytes: usize, limits: TtlLimits, hash_key: [u64; 2]) -> Self {
        let ranges = bytes / RANGES_FRACTION;
        let stale = Duration::from_secs(limits.stale.into());
        let table = Table::new(bytes - ranges, stale, hash_key);
        Cache { table, ranges: Ranges::new(ranges), limits, quarantines: AtomicU8::new(0) }
    }

    /// Entries, octets and evictions.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.table.stats()
    }

    /// The most octets that the cache may use.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.table.limit() + self.ranges.limit()
    }

    /// Removes the entries of `name`, and with `subtree` of all names below. Returns the number of
    /// entries. The infra cache stays.
    pub fn flush(&self, name: &Name, subtree: bool) -> usize {
        let name = name::lowercase(name);
        // A range denies every name within, so the ranges of a zone are removed as a whole.
        self.ranges
            .remove(|zone| name::is_within(&name, zone) || subtree && name::is_within(zone, &name));
        self.table.remove_matching(|entry| key::is_of_name(entry.key, name.as_slice(), subtree))
    }

    /// The proven ranges, for aggressive NSEC.
    #[must_use]
    pub fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// The read time for serve-stale: `now` minus the stale window. A read at that time also finds
    /// entries which expired within the window, with the TTLs of that time.
    #[must_use]
    pub fn stale_read_time(&self, now: Moment) -> Moment {
        now.before(Duration::from_secs(self.limits.stale.into()))
    }

    /// The limits on TTLs.
    #[must_use]
    pub fn limits(&self) -> TtlLimits {
        self.limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{RRset, Records, Rtype, Security};

    #[test]
    fn a_name_or_a_subtree_is_flushed() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let now = Moment::default();
        for text in ["example.test", "a.example.test", "b.A.example.test", "other.test"] {
            let owner = name::parse(text).unwrap();
            let set = RRset::new(owner, Rtype::A, 60, Records::from_iter([[192, 0, 2, 1]]));
            cache.insert_rrset(&set, &[], Rank::Answer, Security::Unchecked, now);
        }
        let a = name::parse("A.example.test").unwrap();
        assert_eq!(cache.flush(&a, false), 1);
        assert_eq!(cache.flush(&a, true), 1);
        assert_eq!(cache.flush(&name::parse("example.test").unwrap(), true), 1);
        assert_eq!(cache.stats().entries, 1);
    }
}
