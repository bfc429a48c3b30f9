//! Counters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every counter since the daemon started, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CounterStats {
    /// Seconds since the daemon started.
    pub uptime_s: u64,
    /// The counters. `zoners stats --all` explains each counter.
    pub counters: BTreeMap<String, u64>,
}
