//! `[cache]`: how much is cached, and for how long.

use serde::{Deserialize, Deserializer};

use super::RedisConfig;
use super::readers::{any_seconds, octets, seconds};

/// Octets of the smallest cache.
const MIN_SIZE: u64 = 1 << 20;

/// `[cache]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CacheConfig {
    /// The memory of the cache at most.
    pub size: Size,
    /// No TTL counts for less, in seconds.
    #[serde(deserialize_with = "any_seconds")]
    pub min_ttl: u32,
    /// No TTL counts for more, in seconds.
    #[serde(deserialize_with = "any_seconds")]
    pub max_ttl: u32,
    /// No denial counts for more, in seconds.
    #[serde(deserialize_with = "any_seconds")]
    pub max_negative_ttl: u32,
    /// Give an expired answer where no server responds (RFC 8767).
    pub serve_stale: bool,
    /// The time after its expiry for which an answer may be given.
    #[serde(deserialize_with = "any_seconds")]
    pub max_stale_ttl: u32,
    /// Refresh popular answers before they expire.
    pub prefetch: bool,
    /// Keep the cache over a restart, in the state folder.
    pub persist: bool,
    /// Seconds from one write of the cache file to the next, while clients ask; more for a large cache.
    #[serde(deserialize_with = "up_to_a_day")]
    pub persist_every: u32,
    /// The shared cache.
    pub redis: Option<RedisConfig>,
}

impl Default for CacheConfig {
    fn default() -> Self {
        let zoners_cache::TtlLimits { floor, cap, negative_cap, stale } = Default::default();
        CacheConfig {
            size: Size(128 << 20),
            min_ttl: floor,
            max_ttl: cap,
            max_negative_ttl: negative_cap,
            serve_stale: true,
            max_stale_ttl: stale,
            prefetch: true,
            persist: true,
            persist_every: 300,
            redis: None,
        }
    }
}

fn up_to_a_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    seconds(deserializer, 0..=86_400)
}

/// A number of octets, written as a bare number or as `"64MiB"` or `"64MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let size = octets(deserializer, MIN_SIZE..=usize::MAX as u64)?;
        Ok(Size(usize::try_from(size).unwrap_or(usize::MAX)))
    }
}
