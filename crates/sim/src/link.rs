//! How an address behaves: the line to it, and the manners of who sits there.

use std::ops::Range;
use std::time::Duration;

/// The line to an address.
#[derive(Clone, Debug)]
pub struct Link {
    /// The round trip at its best.
    pub latency: Duration,
    /// Up to so much is added, evenly.
    pub jitter: Duration,
    /// The share of round trips that take up to three times as long again, evenly.
    pub late: f64,
    /// The share of datagrams lost, there and back together.
    pub loss: f64,
    /// Times since the start in which nothing comes back.
    pub outages: Vec<Range<Duration>>,
    /// What the server does.
    pub manner: Manner,
}

impl Default for Link {
    fn default() -> Self {
        Link {
            latency: Duration::from_millis(20),
            jitter: Duration::ZERO,
            late: 0.0,
            loss: 0.0,
            outages: vec![],
            manner: Manner::Good,
        }
    }
}

impl Link {
    /// A good server this far away.
    #[must_use]
    pub fn of(latency_ms: u64) -> Self {
        Link { latency: Duration::from_millis(latency_ms), ..Link::default() }
    }

    /// The same with other manners.
    #[must_use]
    pub fn with(self, manner: Manner) -> Self {
        Link { manner, ..self }
    }

    /// The same with loss.
    #[must_use]
    pub fn losing(self, loss: f64) -> Self {
        Link { loss, ..self }
    }
}

/// What a server does with queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Answers from its zones.
    #[default]
    Good,
    /// Never answers.
    Dead,
    /// The port is closed, and the host says so.
    Closed,
    /// Lame: REFUSED to everything.
    Refuses,
    /// Lame: refers everything to the root.
    RefersUpward,
    /// SERVFAIL to everything.
    ServFail,
    /// Never answers a query with an OPT record.
    DropsEdns,
    /// FORMERR to a query with an OPT record, without one itself.
    FormErrOnEdns,
    /// TC and nothing else over UDP; good over TCP.
    Truncates,
    /// TC over UDP, and over TCP the stream ends without an answer.
    ClosesStreams,
    /// Never answers over UDP; good over TCP.
    TcpOnly,
    /// Over TCP the port is closed, and the host says so; good over UDP.
    UdpOnly,
    /// Repeats the question in lower case.
    LowerCases,
    /// A datagram with a wrong ID first, the good one 50 ms later.
    WrongId,
    /// An answer to another question first, the good one 50 ms later.
    WrongQuestion,
    /// The right ID and nonsense behind it, always.
    Garbage,
    /// Answers with a record whose RDATA is too short for its type.
    BreaksRecords,
    /// Sets TC over every transport.
    AlwaysTruncates,
    /// NXDOMAIN to names that have nothing but names below them.
    DeniesEmptyNonTerminals,
    /// Knows nothing of DNSSEC: no signatures, no proofs.
    OmitsSignatures,
    /// Gives addresses of its own for all names.
    Forges,
    /// SERVFAIL to every question but for NS records.
    KnowsItsServers,
    /// SERVFAIL to every question but for names that it has records of.
    FailsShortened,
}
