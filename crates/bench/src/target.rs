//! The targets of a measurement.

use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zoners_dns::Question;

/// The future answer of a target.
pub type Telling = Pin<Box<dyn Future<Output = TargetAnswer> + Send>>;

/// A server, or a resolver in this process.
pub trait Target: Send + Sync {
    /// The label for people.
    fn label(&self) -> &str;

    /// Asks a question; the future ends with an answer or a timeout.
    fn ask(&self, question: &Question) -> Telling;

    /// Flushes the cache of the target, so that the following questions count as first asks.
    /// Returns false if the target cannot.
    fn forget(&self) -> bool {
        false
    }

    /// The upstream queries of the target so far, where known.
    fn exchanges(&self) -> Vec<UpstreamExchange> {
        Vec::new()
    }
}

/// The result of one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetAnswer {
    /// The outcome.
    pub ending: QuestionOutcome,
    /// The hops to the answer, where the trace shows them.
    pub hops: Vec<AnswerHop>,
}

/// How a question ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionOutcome {
    /// An answer about the name: its records, or a denial.
    Answered,
    /// A failure: the RCODE, and the EDE if present.
    Failed {
        /// As `SERVFAIL`.
        rcode: String,
        /// The code (RFC 8914).
        ede: Option<u16>,
    },
    /// Nothing came in time.
    #[default]
    Silence,
    /// The system refused to send, or the connection broke.
    Broken(String),
}

impl QuestionOutcome {
    /// Whether the client got an answer.
    #[must_use]
    pub fn is_good(&self) -> bool {
        *self == QuestionOutcome::Answered
    }
}

/// A step towards the answer: an upstream query, or a wait shared with a different question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerHop {
    /// The purpose of the hop.
    pub part: Part,
    /// The zone whose servers were asked.
    pub zone: String,
    /// The server's name; empty of a shared wait.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// The address of the server; empty for a shared wait.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The end of the hop, in microseconds after the question.
    pub until_us: u64,
    /// The duration of the hop, in microseconds.
    pub took_us: u64,
    /// The result of the hop.
    pub came: Came,
}

/// The result of a [`AnswerHop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// A useful answer.
    Answer,
    /// The result of a flight that a different question led.
    Shared,
    /// An answer of no use.
    Nonsense,
    /// Nothing in time.
    Silence,
    /// No reply before a different server answered.
    Outpaced,
}

/// A part of the way to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Root servers, asked for a top-level domain.
    Root,
    /// Servers of a top-level domain, asked for a delegation.
    TopLevel,
    /// Servers of the zone of the name, or of a zone above.
    Provider,
    /// The address of a nameserver.
    Address,
    /// Keys and their fingerprints, for proofs.
    Keys,
    /// Servers without a useful reply, until a different server was asked.
    Retries,
    /// The resolver itself.
    Resolver,
}

impl Part {
    /// The parts, in the order of reports.
    pub const ALL: [Part; 7] = [
        Part::Root,
        Part::TopLevel,
        Part::Provider,
        Part::Address,
        Part::Keys,
        Part::Retries,
        Part::Resolver,
    ];

    /// A few words for a person.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Part::Root => "root servers",
            Part::TopLevel => "top-level domains",
            Part::Provider => "providers",
            Part::Address => "addresses of nameservers",
            Part::Keys => "keys for proofs",
            Part::Retries => "servers that did not help",
            Part::Resolver => "the resolver itself",
        }
    }
}

/// One upstream query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamExchange {
    /// The server's address.
    pub address: String,
    /// From sending to the reply, or to the end of waiting.
    pub took: Duration,
    /// The outcome.
    pub end: ExchangeEnd,
}

/// How an [`UpstreamExchange`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeEnd {
    /// With a datagram from the server.
    Reply,
    /// A reply over a stream, which takes more than a round trip.
    StreamReply,
    /// Nothing came, for as long as anybody waits.
    Lost,
    /// The network refused.
    Refused,
    /// The query was abandoned.
    Left,
}
