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
    /// Moments since the start at which streams that are open die without a word.
    pub forgets: Vec<Duration>,
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
            forgets: vec![],
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
    LowerCases {
        /// It answers over TCP too.
        streams: bool,
    },
    /// Datagrams come that are no reply, or no good one.
    Beset(Beset),
    /// Knows of DNS cookies, or does not stand them.
    Cookies(CookieHabit),
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

/// Bad datagrams in the place of a reply, or before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beset {
    /// What comes.
    pub by: Bad,
    /// How often, each a microsecond after the one before.
    pub times: u32,
    /// Whether the good reply comes [`Beset::LATER`] after the first.
    pub good: bool,
    /// What the server does over TCP.
    pub streams: Streams,
}

impl Beset {
    /// How long after the first bad datagram the good one comes.
    pub const LATER: Duration = Duration::from_millis(50);

    /// One bad datagram, the good one later, and over TCP nothing amiss.
    #[must_use]
    pub const fn once(by: Bad) -> Self {
        Beset { by, times: 1, good: true, streams: Streams::Good }
    }
}

/// What is wrong with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Another ID, else a good reply.
    Id,
    /// An answer to another question.
    Question,
    /// QR=0: the query itself, sent back.
    Query,
    /// Another opcode.
    Opcode,
    /// No octets at all.
    Void,
    /// The right ID and no more.
    Short,
    /// The right ID and nonsense behind it.
    Garbage,
    /// The right ID and question, and a record whose RDATA is too short for its type.
    Record,
    /// TC and nothing else.
    Truncated,
    /// No datagram but word that the port is closed.
    PortClosed,
    /// No datagram but word that there is no way to the host.
    Unreachable,
}

impl Bad {
    /// All of them.
    pub const ALL: [Bad; 11] = [
        Bad::Id,
        Bad::Question,
        Bad::Query,
        Bad::Opcode,
        Bad::Void,
        Bad::Short,
        Bad::Garbage,
        Bad::Record,
        Bad::Truncated,
        Bad::PortClosed,
        Bad::Unreachable,
    ];
}

/// What a server does over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Answers.
    Good,
    /// The port is closed, and the host says so.
    Closed,
    /// Ends the stream without an answer.
    End,
    /// Never answers.
    Silent,
    /// The same as over UDP, where that can be over a stream; else nonsense.
    Bad,
}

impl Streams {
    /// All of them.
    pub const ALL: [Streams; 5] =
        [Streams::Good, Streams::Closed, Streams::End, Streams::Silent, Streams::Bad];
}

/// What a server makes of cookies (RFC 7873).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieHabit {
    /// Sends its own beside that of the query.
    Sends,
    /// The same, and says BADCOOKIE over UDP to those that do not show it theirs.
    Demands,
    /// Is never content: BADCOOKIE to whatever cookie there is.
    Never,
    /// FORMERR to a query with one.
    Chokes,
    /// Silent to a query with one.
    Drops,
    /// Sends back another than that of the query.
    Foreign,
    /// Sends them; before its replies over UDP come those of a forger, who has not seen the query but for its
    /// port and ID. Its streams are as these.
    Forged(Streams),
}
