//! Events in a running daemon, for a person or a program that watches.

use std::future::Future;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EdeReport;

/// The events that a watch shows. A field that is `None` or false admits every event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct WatchFilter {
    /// Queries of clients in this prefix alone; an address is a prefix of one address.
    pub client: Option<String>,
    /// Queries for this name and the names below alone.
    pub name: Option<String>,
    /// Failed queries alone ([`FinishedQuery::failed`]).
    pub failed: bool,
    /// The approximate limit of events a second, for a reader that shows a few; further events count as lost. `None` for
    /// all events.
    pub most_a_second: Option<u64>,
}

/// A watch has begun: events follow the reply, a line each, until the caller leaves or sends anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WatchStarted {
    /// Watches under way, with this one.
    pub watches: u64,
    /// The most watches under way at a time.
    pub max_watches: u64,
}

/// The events of a watch, which ends when this is dropped.
pub trait EventStream: Send {
    /// Waits for the next events: one or more, in the order of time. Safe to cancel and call again.
    fn next_events(&mut self) -> impl Future<Output = Vec<AdminEvent>> + Send;
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum AdminEvent {
    /// A client query ended.
    Query(FinishedQuery),
    /// Events were lost, because this watch took them too slowly.
    Lost(LostEvents),
    /// Events of later releases.
    #[serde(other)]
    Other,
}

/// Events that a watch has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LostEvents {
    /// The number of events since the last report of a loss.
    pub count: u64,
}

/// A client query that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FinishedQuery {
    /// Seconds since 1970 (UTC) when the query was received.
    pub received_s: u64,
    /// The client's address.
    pub client: String,
    /// The transport of the query: `udp`, `tcp`, `tls`, `https` or `quic`.
    pub transport: String,
    /// The name in the question; `None` in a packet without a readable question.
    pub name: Option<String>,
    /// The record type in the question, likewise.
    pub r#type: Option<String>,
    /// How the query ended; `None` for an outcome of a later release.
    #[serde(deserialize_with = "if_known")]
    pub outcome: Option<QueryOutcome>,
    /// The response code, with its extension (RFC 6891 section 6.1.3); `None` without a response.
    pub rcode: Option<String>,
    /// The reason of a failure, a refusal or a stale answer.
    pub ede: Option<EdeReport>,
    /// Whether the query failed: the client got no answer, or the answer is SERVFAIL.
    pub failed: bool,
    /// Milliseconds from the query to the response.
    pub took_ms: f64,
}

/// The outcome of a client query. Each query has one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum QueryOutcome {
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
    /// Answered too late for the answer to be sent.
    Late,
    /// Not answered: no query, or dropped by the policy.
    Dropped,
    /// Not answered: too many errors a second for this client or network.
    ErrorsLimited,
}

impl QueryOutcome {
    /// Every outcome.
    pub const ALL: [QueryOutcome; 11] = [
        QueryOutcome::Local,
        QueryOutcome::Policy,
        QueryOutcome::Cached,
        QueryOutcome::Recursed,
        QueryOutcome::Stale,
        QueryOutcome::Failed,
        QueryOutcome::Refused,
        QueryOutcome::RateLimited,
        QueryOutcome::Late,
        QueryOutcome::Dropped,
        QueryOutcome::ErrorsLimited,
    ];

    /// Whether the client got an answer to its question.
    #[must_use]
    pub const fn is_answered(self) -> bool {
        match self {
            QueryOutcome::Local
            | QueryOutcome::Policy
            | QueryOutcome::Cached
            | QueryOutcome::Recursed
            | QueryOutcome::Stale => true,
            QueryOutcome::Failed
            | QueryOutcome::Refused
            | QueryOutcome::RateLimited
            | QueryOutcome::Late
            | QueryOutcome::Dropped
            | QueryOutcome::ErrorsLimited => false,
        }
    }

    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            QueryOutcome::Local => "local",
            QueryOutcome::Policy => "policy",
            QueryOutcome::Cached => "cached",
            QueryOutcome::Recursed => "recursed",
            QueryOutcome::Stale => "stale",
            QueryOutcome::Failed => "failed",
            QueryOutcome::Refused => "refused",
            QueryOutcome::RateLimited => "rate-limited",
            QueryOutcome::Late => "late",
            QueryOutcome::Dropped => "dropped",
            QueryOutcome::ErrorsLimited => "errors-limited",
        }
    }
}

/// Reads an outcome, if this release knows it.
pub(crate) fn if_known<'de, D: serde::Deserializer<'de>>(
    source: D,
) -> Result<Option<QueryOutcome>, D::Error> {
    Ok(QueryOutcome::deserialize(Value::deserialize(source)?).ok())
}
