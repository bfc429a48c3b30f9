//! Past queries, from the query log or from the history.

use serde::{Deserialize, Serialize};

use crate::{FinishedQuery, QueryOutcome};

/// The past queries that a caller wants to see. A field that is empty, `None` or false admits every query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PastQueryFilter {
    /// Queries whose name contains this text.
    pub name: Option<String>,
    /// Queries of clients in this prefix; an address is a prefix of one address.
    pub client: Option<String>,
    /// Queries that ended so.
    pub outcome: Option<QueryOutcome>,
    /// Failed queries alone ([`FinishedQuery::failed`]).
    pub failed: bool,
    /// Queries from this second on, since 1970 (UTC).
    pub since_s: Option<u64>,
    /// Queries up to this second, since 1970 (UTC).
    pub until_s: Option<u64>,
    /// The most queries in the reply, 1 to 1000; `None` for 200.
    pub limit: Option<u32>,
    /// The number of newest queries to leave out, at most 10,000: the pages before.
    pub skip: u32,
}

impl PastQueryFilter {
    /// The most queries that are left out: each is held during the search.
    pub const MAX_SKIP: u32 = 10_000;
}

/// Past queries, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PastQueries {
    /// Where the queries were found.
    pub source: PastQuerySource,
    /// The queries, the newest first.
    pub queries: Vec<FinishedQuery>,
    /// Whether older queries match, too.
    pub more: bool,
    /// Milliseconds of the search.
    pub took_ms: f64,
}

/// Where past queries are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PastQuerySource {
    /// In the query log on disk.
    Log,
    /// In the history in memory: each query that needed recursion, and one hit every ten seconds.
    History,
}
