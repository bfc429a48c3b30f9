//! What Zoners remembers, in bounded stores that all workers share.
//!
//! Nearly everything lies in one [`Table`] of flat byte strings under one hard byte limit; the
//! modules here say what each kind of entry holds. [`Ranges`], which are looked for by order, lie
//! apart and take a fixed part of the limit. No store opens a socket or reads a clock: `now` is an
//! argument.

mod answers;
mod arena;
mod codec;
mod delegations;
mod denials;
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
mod table;
mod unprovable;

pub use answers::{AnswerKey, FinishedAnswer};
pub use denials::{Denial, DenialKind};
pub use failures::CachedFailure;
pub use insecure::InsecureZone;
pub use inspect::InspectedEntry;
pub use portable::{ExportCursor, ImportStats, InvalidEntries};
pub use ranges::{Neighbour, RangePosition, Ranges};
pub use rrsets::{CachedRRset, Rank};
pub use servers::{
    CLIENT_COOKIE, CookieOption, EchoEvidence, EchoSupport, Evidence, ServerFault, ServerInfo,
};
pub use table::{CacheStats, MAX_ENTRY_OCTETS, Table};

use std::sync::atomic::AtomicU8;
use std::time::Duration;

use zoners_dns::{Moment, Name, name};

/// Bounds on how long things are kept, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TtlLimits {
    /// No TTL counts for less.
    pub floor: u32,
    /// No TTL counts for more.
    pub cap: u32,
    /// No denial counts for more.
    pub negative_cap: u32,
    /// For so long after it expired, an answer is kept for when there is no better; 0: it is not.
    pub stale: u32,
}

impl Default for TtlLimits {
    fn default() -> Self {
        TtlLimits { floor: 0, cap: 86_400, negative_cap: 3_600, stale: 86_400 }
    }
}

impl TtlLimits {
    /// The TTL that counts for data.
    #[must_use]
    pub fn positive(&self, ttl: u32) -> u32 {
        ttl.max(self.floor).min(self.cap)
    }

    /// The TTL that counts for a denial.
    #[must_use]
    pub fn negative(&self, ttl: u32) -> u32 {
        ttl.max(self.floor).min(self.negative_cap)
    }
}

/// The part of the memory that ranges may take: a sixteenth.
const RANGES: usize = 16;

/// All that is remembered.
#[derive(Debug)]
pub struct Cache {
    table: Table,
    ranges: Ranges,
    limits: TtlLimits,
    /// Doubts that there have been.
    quarantines: AtomicU8,
}

impl Cache {
    /// An empty cache of at most `bytes` octets. `hash_key` must be secret and random where
    /// outsiders choose the names: it keeps them from choosing collisions.
    #[must_use]
    pub fn new(bytes: usize, limits: TtlLimits, hash_key: [u64; 2]) -> Self {
        let ranges = bytes / RANGES;
        let stale = Duration::from_secs(limits.stale.into());
        let table = Table::new(bytes - ranges, stale, hash_key);
        Cache { table, ranges: Ranges::new(ranges), limits, quarantines: AtomicU8::new(0) }
    }

    /// How full it is.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.table.stats()
    }

    /// Octets that it may take in all.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.table.limit() + self.ranges.limit()
    }

    /// Forgets all that is known of `name`, and with `subtree` of all names below it; says how many
    /// entries that were. What is known of servers stays.
    pub fn flush(&self, name: &Name, subtree: bool) -> usize {
        let name = name::lowercase(name);
        // A range speaks of all names in it.
        self.ranges
            .remove(|zone| name::is_within(&name, zone) || subtree && name::is_within(zone, &name));
        self.table.remove_matching(|entry| key::is_of_name(entry.key, name.as_slice(), subtree))
    }

    /// What is proven not to exist.
    #[must_use]
    pub fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// The moment as of which to read in order to find, besides what holds, what expired not too long
    /// ago: TTLs are then what was left of them then.
    #[must_use]
    pub fn stale_read_time(&self, now: Moment) -> Moment {
        now.before(Duration::from_secs(self.limits.stale.into()))
    }

    /// The bounds on TTLs.
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
    fn a_name_or_a_subtree_is_forgotten() {
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
