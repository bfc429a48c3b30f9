//! The queries of the last day, by period.

use serde::{Deserialize, Serialize};

/// The queries of clients in the last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DayReport {
    /// The length of a period.
    pub period_s: u32,
    /// The periods, oldest first, without a gap; the last is not over. A daemon knows none before its start.
    pub periods: Vec<DayPeriod>,
}

/// The queries of a period. Queries that were refused or dropped are in `queries` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct DayPeriod {
    /// The begin, in seconds since 1970.
    pub begin_unix_s: u64,
    /// All queries.
    pub queries: u64,
    /// Answered from the cache or from local data.
    pub cached: u64,
    /// Answered by recursion.
    pub recursed: u64,
    /// Answered with expired records.
    pub stale: u64,
    /// Answered by the policy.
    pub policy: u64,
    /// Answered SERVFAIL.
    pub failed: u64,
}

impl DayReport {
    /// The sum over the periods; `begin_unix_s` is the begin of the first.
    #[must_use]
    pub fn total(&self) -> DayPeriod {
        let begin_unix_s = self.periods.first().map_or(0, |first| first.begin_unix_s);
        let start = DayPeriod { begin_unix_s, ..DayPeriod::default() };
        self.periods.iter().fold(start, |sum, period| DayPeriod {
            begin_unix_s,
            queries: sum.queries + period.queries,
            cached: sum.cached + period.cached,
            recursed: sum.recursed + period.recursed,
            stale: sum.stale + period.stale,
            policy: sum.policy + period.policy,
            failed: sum.failed + period.failed,
        })
    }
}
