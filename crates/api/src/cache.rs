//! The cache: size, use, and the entries of a name.

use serde::{Deserialize, Serialize};

use crate::DnssecStatus;

/// Size of the cache, and answers to clients since the start of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheFill {
    /// Entries, expired ones included.
    pub entries: u64,
    /// Octets of the entries.
    pub used_bytes: u64,
    /// The limit of these octets (`cache.size`).
    pub limit_bytes: u64,
    /// Entries evicted to make room.
    pub evicted: u64,
    /// Queries of clients.
    pub queries: u64,
    /// Queries answered from the cache.
    pub cached: u64,
    /// Queries answered by recursion.
    pub recursed: u64,
    /// Queries answered with expired entries, since no server responded in time (serve-stale).
    pub stale: u64,
}

impl CacheFill {
    /// The share of answers out of the cache, 0 to 1; `None` before the first answer.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        let answered = self.cached + self.recursed + self.stale;
        (answered > 0).then(|| self.cached as f64 / answered as f64)
    }
}

/// The cache entries of exactly one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheEntry {
    /// `RRset`, `denial`, `delegation` or `unsigned`.
    pub kind: String,
    /// The records as lines in zone-file format.
    pub records: Vec<String>,
    /// The denied type, or `all` for the whole name; `None` where the entry is no denial.
    pub denies: Option<String>,
    /// Whether the entry is proven.
    pub dnssec: DnssecStatus,
    /// Seconds until the entry expires; negative after the expiry.
    pub left_s: i64,
}

/// A dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheDump {
    /// Octets in the file.
    pub written_bytes: u64,
}

/// An import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheLoad {
    /// Imported entries.
    pub imported: u64,
    /// Entries left out: expired, unreadable, or older than the entry in the cache.
    pub skipped: u64,
    /// Seconds since the file was written.
    pub age_s: u64,
}

/// A removal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheFlush {
    /// Entries removed here.
    pub removed: u64,
    /// Questions removed from the second level; `None` without a second level, or after an error.
    pub second_level: Option<u64>,
    /// The error of the second level, if nothing was removed there.
    pub second_level_error: Option<String>,
}
