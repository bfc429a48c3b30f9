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

/// One server that was asked on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// What it was asked for.
    pub part: Part,
    /// The zone that it serves.
    pub zone: String,
    /// Its name.
    pub server: String,
    /// Its address.
    pub address: String,
    /// From sending to the end of waiting.
    pub took: Duration,
    /// Whether it gave a useful answer.
    pub good: bool,
    /// Whether it said nothing at all.
    pub silent: bool,
}

/// A part of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A root server, asked for a top-level domain.
    Root,
    /// A server of a top-level domain, asked for a zone below it.
    TopLevel,
    /// A server of the zone itself, or of one on the way to it.
    Provider,
    /// Keys and their fingerprints, for proofs.
    Keys,
    /// The address of a nameserver.
    Address,
}
