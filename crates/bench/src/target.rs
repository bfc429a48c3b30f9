//! Who is asked.

use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zoners_dns::Question;

/// What a target says, once it does.
pub type Telling = Pin<Box<dyn Future<Output = Told> + Send>>;

/// Somebody who answers questions: a server somewhere, or a resolver in this process.
pub trait Target: Send + Sync {
    /// How a person calls it.
    fn label(&self) -> &str;

    /// Asks it; ends when it has answered or is given up.
    fn ask(&self, question: &Question) -> Telling;

    /// Lets it forget what it knows, so that what follows is asked as if for the first time. Says
    /// whether it could.
    fn forget(&self) -> bool {
        false
    }

    /// What it asked nameservers so far, where that can be seen.
    fn exchanges(&self) -> Vec<Exchange> {
        Vec::new()
    }
}

/// What came of one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How it ended.
    pub ending: Ending,
    /// What happened on the way, where that can be seen.
    pub hops: Vec<Hop>,
}

/// How a question ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With an answer that says something of the name: its records, or that there are none.
    Answered,
    /// With a failure: the RCODE, and the extended error if one came along.
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

impl Ending {
    /// Whether the one who asked got what it wanted.
    #[must_use]
    pub fn is_good(&self) -> bool {
        *self == Ending::Answered
    }
}

/// A step on the way to an answer: a server was asked, or a wait shared with another question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// What it was for.
    pub part: Part,
    /// The zone whose servers were asked.
    pub zone: String,
    /// The server's name; empty of a shared wait.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// Its address; likewise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// When it ended, in microseconds since the question was asked.
    pub until_us: u64,
    /// How long it had taken then, in microseconds.
    pub took_us: u64,
    /// What came of it.
    pub came: Came,
}

/// What came of a [`Hop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// A useful answer.
    Answer,
    /// What somebody else had asked the same for.
    Shared,
    /// An answer of no use.
    Nonsense,
    /// Nothing in time.
    Silence,
    /// Nothing before another server answered.
    Outpaced,
}

/// A part of the way to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Root servers, asked for a top-level domain.
    Root,
    /// Servers of a top-level domain, asked for a zone below it.
    TopLevel,
    /// Servers of the zone itself, or of one on the way to it.
    Provider,
    /// The address of a nameserver.
    Address,
    /// Keys and their fingerprints, for proofs.
    Keys,
    /// Servers that did not help: waiting for them until another was asked.
    Retries,
    /// The resolver itself.
    Resolver,
}

impl Part {
    /// All of them, in the order in which they are told.
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

/// One query to a nameserver, as the network saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The server's address.
    pub address: String,
    /// From sending to the reply, or to the end of waiting.
    pub took: Duration,
    /// How it ended.
    pub end: ExchangeEnd,
}

/// How an [`Exchange`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeEnd {
    /// With a datagram from the server.
    Reply,
    /// With one over a stream, whose time is more than a round trip.
    StreamReply,
    /// Nothing came, for as long as anybody waits.
    Lost,
    /// The network refused.
    Refused,
    /// Nobody waited any longer.
    Left,
}
