//! The cache: how full it is, and the entries of a name.

use serde::{Deserialize, Serialize};

use crate::DnssecStatus;

/// How full the cache is, and how clients' queries were answered since the daemon started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFill {
    /// Entries, expired ones included.
    pub entries: u64,
    /// Octets that the entries take.
    pub used_bytes: u64,
    /// Octets that the entries may take (`cache.size`).
    pub limit_bytes: u64,
    /// Entries that were evicted to make room.
    pub evicted: u64,
    /// Queries of clients.
    pub queries: u64,
    /// Of these, answered from the cache.
    pub cached: u64,
    /// Of these, answered by recursion.
    pub recursed: u64,
    /// Of these, answered with expired entries, since no server responded in time (serve-stale).
    pub stale: u64,
}

impl CacheFill {
    /// The share of answers that came out of the cache, 0 to 1; none before the first.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        let answered = self.cached + self.recursed + self.stale;
        (answered > 0).then(|| self.cached as f64 / answered as f64)
    }
}

/// The cache entries of exactly one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntries {
    /// The name.
    pub name: String,
    /// The entries, expired ones included.
    pub entries: Vec<CacheEntry>,
    /// How many more there are.
    pub more: u64,
}

/// An entry of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// `RRset`, `denial`, `delegation` or `unsigned`.
    pub kind: String,
    /// The records as lines in zone-file format.
    pub records: Vec<String>,
    /// The type that a denial denies, or `all`; none where the entry denies nothing.
    pub denies: Option<String>,
    /// Whether the entry is proven.
    pub dnssec: DnssecStatus,
    /// Seconds until it expires; negative ones since it did.
    pub left_s: i64,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheDump {
    /// Octets that were written to the file.
    pub written_bytes: u64,
}

/// What was imported from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheLoad {
    /// Entries that were imported.
    pub imported: u64,
    /// Entries that were not: expired, unreadable, or less fresh than what is there.
    pub skipped: u64,
    /// Seconds since the file was written.
    pub age_s: u64,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFlush {
    /// Entries that were removed here.
    pub removed: u64,
    /// Questions that were removed from the second level; none without one, or if that failed.
    pub second_level: Option<u64>,
    /// Why nothing was removed from the second level, if that failed.
    pub second_level_error: Option<String>,
}
