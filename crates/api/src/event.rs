//! What happens in a running daemon, for those who watch.

use serde::{Deserialize, Serialize};

use crate::{AnswerSource, DnssecStatus, EdeReport};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum AdminEvent {
    /// A client's query came to its end.
    Query(FinishedQuery),
}

/// A client's query that came to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedQuery {
    /// Milliseconds since 1970 (UTC) at its end.
    pub at_ms: u64,
    /// The client's address.
    pub client: String,
    /// The name that was asked for.
    pub name: String,
    /// The record type that was asked for.
    pub r#type: String,
    /// The response code.
    pub rcode: String,
    /// Why there is no answer, or what is wrong with it.
    pub ede: Option<EdeReport>,
    /// Where the answer comes from.
    pub source: AnswerSource,
    /// Whether the answer is proven.
    pub dnssec: DnssecStatus,
    /// Milliseconds from the query to the response.
    pub took_ms: f64,
}
