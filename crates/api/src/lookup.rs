//! The end of a question, and the way there.

use serde::{Deserialize, Serialize};

/// The end of a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LookupReport {
    /// The name in the question.
    pub name: String,
    /// The record type in the question.
    pub r#type: String,
    /// The response code, such as `NOERROR`, `NXDOMAIN` or `SERVFAIL`.
    pub rcode: String,
    /// Records of the answer section, as lines in zone-file format.
    pub answer: Vec<String>,
    /// Records of the authority section, likewise.
    pub authority: Vec<String>,
    /// Signatures (RRSIG) over the answer and authority sections, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<String>,
    /// The reason of a missing or doubtful answer (RFC 8914).
    pub ede: Option<EdeReport>,
    /// Whether the answer is proven.
    pub dnssec: DnssecStatus,
    /// Where the answer comes from.
    pub source: AnswerSource,
    /// The server whose reply made the answer; none where no server was asked.
    #[serde(default)]
    pub server: Option<AnsweringServer>,
    /// Flags of the reply of a server that was asked directly, such as `aa` and `ad`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Milliseconds from the question to its end.
    pub took_ms: f64,
    /// The way, step by step; `None` unless asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<TraceStep>>,
}

/// The server whose reply made an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AnsweringServer {
    /// Its name; none where only its address is known.
    pub name: Option<String>,
    /// Its address, with the port if that is not 53.
    pub address: String,
    /// The transport: `udp`, `tcp`, `tls`, `https` or `quic`.
    pub transport: String,
}

/// An Extended DNS Error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EdeReport {
    /// The INFO-CODE.
    pub code: u16,
    /// The purpose of the code, in the words of the registry.
    pub meaning: String,
    /// The EXTRA-TEXT; empty if there is none.
    pub text: String,
}

/// Whether data are proven (RFC 4035 section 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DnssecStatus {
    /// A chain of signatures leads from a trust anchor to the data.
    Secure,
    /// The data lie in a zone proven to be unsigned.
    Insecure,
    /// The data should be proven and cannot be.
    Bogus,
    /// The data were not validated.
    #[default]
    Unchecked,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AnswerSource {
    /// The cache; no server was asked.
    Cache,
    /// An expired cache entry, since no server responded in time (RFC 8767).
    Stale,
    /// Servers were asked.
    Network,
    /// Local data: the configuration, a hosts file, or a special-use name (RFC 6761).
    Local,
    /// A resolver asked by DNS, whose source is unknown.
    Server,
}

/// Something on the way to an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceStep {
    /// Milliseconds from the question to the end of this step.
    pub at_ms: f64,
    /// How many look-ups of nameservers the step is nested in.
    pub depth: u8,
    /// The event.
    #[serde(flatten)]
    pub event: TraceEvent,
}

/// An event on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum TraceEvent {
    /// A server was asked.
    Query {
        /// The zone of the server.
        zone: String,
        /// Name, class and type of the question, which QNAME minimisation may have shortened.
        question: String,
        /// The server's name; `.` where only the address is known.
        server: String,
        /// Its address and port.
        address: String,
        /// The transport: `udp`, `tcp`, `tls`, `https` or `quic`.
        transport: String,
        /// Why this server, and why now.
        why: String,
        /// Milliseconds from the query to the end of this step.
        took_ms: f64,
        /// How useful the reply was.
        outcome: StepOutcome,
        /// The outcome in words.
        text: String,
    },
    /// The same question was under way already; this question waited for the result.
    Wait {
        /// The zone whose servers were asked.
        zone: String,
        /// Name, class and type of the question.
        question: String,
        /// Milliseconds of the wait.
        took_ms: f64,
    },
    /// Anything else.
    Note {
        /// In words.
        text: String,
    },
}

/// How useful a query was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// The reply answered, referred or denied.
    Useful,
    /// The reply was of no use, or there was none.
    Failed,
    /// Another server had replied first.
    Outpaced,
}
