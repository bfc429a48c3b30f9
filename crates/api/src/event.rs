//! Events in a running daemon, for a person or a program that watches.

use serde::{Deserialize, Serialize};

use crate::EdeReport;

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum AdminEvent {
    /// A client query ended.
    Query(FinishedQuery),
}

/// A client query that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedQuery {
    /// Seconds since 1970 (UTC) when the query was received.
    pub received_s: u64,
    /// The client's address.
    pub client: String,
    /// The transport of the query: `udp` or `tcp`.
    pub transport: String,
    /// The name in the question; `None` in a packet without a readable question.
    pub name: Option<String>,
    /// The record type in the question, likewise.
    pub r#type: Option<String>,
    /// How the query ended.
    pub outcome: FinishedOutcome,
    /// The response code; `None` without a response.
    pub rcode: Option<String>,
    /// The reason of a failure, a refusal or a stale answer.
    pub ede: Option<EdeReport>,
    /// Milliseconds from the query to the response.
    pub took_ms: f64,
}

/// How a client query ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinishedOutcome {
    /// Answered from local data.
    Local,
    /// Answered by the policy.
    Policy,
    /// Answered from the cache.
    Cached,
    /// Answered by recursion.
    Recursed,
    /// Answered with expired data (RFC 8767).
    Stale,
    /// Answered SERVFAIL.
    Failed,
    /// Answered with a refusal or an error.
    Refused,
    /// Told to come back with a cookie or over TCP.
    RateLimited,
    /// Answered too late to be sent.
    Late,
    /// Not answered: no query, or dropped by the policy.
    Dropped,
    /// Not answered: too many errors a second for this client or network.
    ErrorsLimited,
    /// Outcomes of later releases.
    #[serde(other)]
    Other,
}
