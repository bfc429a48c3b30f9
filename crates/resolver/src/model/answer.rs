//! How a question ends.

use std::fmt;

use zoners_dns::{Ede, EdeCode, OptRcode, Question, RRset, Security};

/// An answer, positive or negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// NOERROR, NXDOMAIN or YXDOMAIN.
    pub rcode: OptRcode,
    /// The aliases in the order in which they were followed, then the records asked for.
    pub answer: Vec<RRset>,
    /// The SOA and the proof of a denial; the zone's servers where full answers are wanted.
    pub authority: Vec<RRset>,
    /// Addresses of these servers.
    pub additional: Vec<RRset>,
    /// What is known of the authenticity of the answer and authority sections.
    pub security: Security,
    /// Whether some of it has expired, and was given since nobody answered (RFC 8767).
    pub stale: bool,
    /// Whether some of it is hearsay that nothing proves: it is for those who asked, and kept by none.
    pub hearsay: bool,
}

impl Answer {
    /// Lets nothing in it count for longer than `most` seconds.
    pub(crate) fn limit_ttl(&mut self, most: u32) {
        let sections = [&mut self.answer, &mut self.authority, &mut self.additional];
        sections.into_iter().flatten().for_each(|set| set.ttl = set.ttl.min(most));
    }

    /// Seconds for which all of it holds: the least TTL in it.
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
    /// Servers answered, none of them usefully.
    Unusable,
    /// The zone names no server with an address that may be asked.
    NoAddress,
    /// It failed a moment ago and is not yet to be tried again (RFC 9520).
    Remembered,
    /// A limit on the work for one client query was met.
    Budget,
    /// Time ran out.
    Deadline,
    /// The one who worked on it went away.
    Cancelled,
    /// It would have to wait for itself.
    Cycle,
    /// Nameserver look-ups nested too deep.
    Depth,
    /// The chain of aliases is too long or loops.
    Aliases,
    /// Too many recursions are pending.
    Overloaded,
    /// What the servers say is not signed as its zone must sign it.
    Bogus,
    /// A zone above has no keys that its parent vouches for.
    BogusZone,
    /// A name that asks whether a key is trusted, and so must fail (RFC 8509).
    Sentinel,
}

impl Cause {
    /// Whether the failure says something about the name, rather than about the one who asked:
    /// only then it is remembered, and shared with those who waited.
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

/// A question that found no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// What kind of failure it is.
    pub cause: Cause,
    /// What the client is told.
    pub ede: Ede,
}

impl Unresolved {
    /// A failure, with a sentence for the person who asked.
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

    /// The same, where it is a zone's keys that are wrong: no other answer of the zone's servers
    /// will do better.
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
