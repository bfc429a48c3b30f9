//! How a question ends.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use zoners_dns::{Ede, EdeCode, OptRcode, Question, RRset, Security};

/// An answer, positive or negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// NOERROR, NXDOMAIN or YXDOMAIN.
    pub rcode: OptRcode,
    /// The aliases in the order of the chain, then the records of the question.
    pub answer: Vec<RRset>,
    /// The SOA and the proof of a denial; the zone's servers where full answers are wanted.
    pub authority: Vec<RRset>,
    /// Addresses of servers in the answer or authority section.
    pub additional: Vec<RRset>,
    /// The DNSSEC status of the answer and authority sections.
    pub security: Security,
    /// Whether part of the answer has expired and is given because no server responds (RFC 8767).
    pub stale: bool,
    /// Whether part of the answer is unproven hearsay, which is given to this client and not
    /// cached.
    pub hearsay: bool,
}

impl Answer {
    /// Limits each TTL to `most` seconds.
    pub(crate) fn limit_ttl(&mut self, most: u32) {
        let sections = [&mut self.answer, &mut self.authority, &mut self.additional];
        sections.into_iter().flatten().for_each(|set| set.ttl = set.ttl.min(most));
    }

    /// The least TTL of the answer, in seconds.
    #[must_use]
    pub fn ttl(&self) -> u32 {
        self.answer.iter().chain(&self.authority).map(|set| set.ttl).min().unwrap_or(0)
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No server of the zone sent anything, or the network carried nothing there.
    Silent,
    /// Servers replied, but no reply was useful.
    Unusable,
    /// The zone has no server with an address that may be asked.
    NoAddress,
    /// The question failed a moment ago and is not retried yet (RFC 9520).
    Remembered,
    /// A limit of the client query was reached.
    Budget,
    /// Time ran out.
    Deadline,
    /// The leader of the flight went away.
    Cancelled,
    /// The question would wait for itself.
    Cycle,
    /// Nameserver look-ups nested too deep.
    Depth,
    /// The chain of aliases is too long or loops.
    Aliases,
    /// Too many recursions are pending.
    Overloaded,
    /// The records are not signed as the zone must sign them.
    Bogus,
    /// The keys of a zone above are not vouched for by its parent.
    BogusZone,
    /// A root key sentinel name, which must fail (RFC 8509).
    Sentinel,
}

impl Cause {
    /// Whether the failure concerns the name rather than the client query: only then is the failure
    /// cached and shared with followers.
    #[must_use]
    pub fn is_about_the_name(self) -> bool {
        match self {
            Cause::Silent
            | Cause::Unusable
            | Cause::NoAddress
            | Cause::Aliases
            | Cause::Bogus
            | Cause::BogusZone => true,
            Cause::Remembered
            | Cause::Budget
            | Cause::Deadline
            | Cause::Cancelled
            | Cause::Cycle
            | Cause::Depth
            | Cause::Overloaded
            | Cause::Sentinel => false,
        }
    }
}

/// A question without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The kind of failure.
    pub cause: Cause,
    /// The EDE for the client.
    pub ede: Ede,
}

impl Unresolved {
    /// A failure, with a sentence for the person at the client.
    #[must_use]
    pub fn new(cause: Cause, text: impl Into<String>) -> Self {
        let code = match cause {
            Cause::Silent | Cause::NoAddress | Cause::Deadline => EdeCode::NO_REACHABLE_AUTHORITY,
            Cause::Unusable => EdeCode::INVALID_DATA,
            Cause::Remembered => EdeCode::CACHED_ERROR,
            Cause::Bogus | Cause::BogusZone => EdeCode::BOGUS,
            Cause::Budget
            | Cause::Cancelled
            | Cause::Cycle
            | Cause::Depth
            | Cause::Aliases
            | Cause::Overloaded
            | Cause::Sentinel => EdeCode::OTHER,
        };
        Unresolved { cause, ede: Ede::new(code, text) }
    }

    /// The same with a more exact code.
    #[must_use]
    pub fn with_code(mut self, code: EdeCode) -> Self {
        self.ede.code = code;
        self
    }

    /// The failure of a zone whose keys are wrong: no server of the zone can give a better answer.
    pub(crate) fn of_zone(self) -> Self {
        let bogus = self.cause == Cause::Bogus;
        Unresolved { cause: if bogus { Cause::BogusZone } else { self.cause }, ..self }
    }

    /// No room among the recursions under way.
    pub(crate) fn overloaded(text: &str) -> Self {
        Unresolved::new(Cause::Overloaded, text)
    }

    /// Time ran out on `question`.
    #[must_use]
    pub fn deadline(question: &Question) -> Self {
        Unresolved::new(Cause::Deadline, format!("no answer for {question} in time"))
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ede)
    }
}

/// How a client's question ended.
pub type Resolution = Result<Arc<Answer>, Unresolved>;
