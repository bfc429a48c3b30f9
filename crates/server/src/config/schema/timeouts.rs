//! `[timeouts]`: how long Zoners waits.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use zoners_resolver::Limits;

use super::super::values;

/// The allowed timeouts.
const ALLOWED: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);

/// `[timeouts]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Timeouts {
    /// The longest wait for the reply to one query.
    #[serde(deserialize_with = "timeout")]
    pub query: Duration,
    /// The longest time for the servers of one zone and one question.
    #[serde(deserialize_with = "timeout")]
    pub zone: Duration,
    /// The longest time for work on one client query.
    #[serde(deserialize_with = "timeout")]
    pub recursion: Duration,
    /// The longest wait of a client for its answer, or for SERVFAIL.
    #[serde(deserialize_with = "timeout")]
    pub client: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let Limits { exchange, race, recursion, client, .. } = Limits::default();
        Timeouts { query: exchange, zone: race, recursion, client }
    }
}

impl Timeouts {
    /// The limits of the resolver with these timeouts.
    pub(in crate::config) fn within(self, limits: Limits) -> Limits {
        let Timeouts { query, zone, recursion, client } = self;
        Limits { exchange: query, race: zone, recursion, client, ..limits }
    }
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Timeout)
}

struct Timeout;

impl Visitor<'_> for Timeout {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration from \"1ms\" to \"60s\", such as \"800ms\" or \"3s\"")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Duration, E> {
        let duration = u64::try_from(seconds).ok().map(Duration::from_secs);
        let allowed = duration.filter(|duration| ALLOWED.contains(duration));
        allowed.ok_or_else(|| E::invalid_value(Unexpected::Signed(seconds), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        let allowed = values::duration(text).filter(|duration| ALLOWED.contains(duration));
        allowed.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
