//! The behaviour of an address: the link to the server, and the manner of the server.

use std::ops::Range;
use std::time::Duration;

/// The line to an address.
#[derive(Clone, Debug)]
pub struct Link {
    /// The minimum round trip.
    pub latency: Duration,
    /// Up to so much is added, evenly.
    pub jitter: Duration,
    /// The share of round trips that take up to three times longer, uniformly distributed.
    pub late: f64,
    /// The share of datagrams lost, there and back together.
    pub loss: f64,
    /// Times since the start in which nothing comes back.
    pub outages: Vec<Range<Duration>>,
    /// Moments since the start at which open streams die silently.
    pub forgets: Vec<Duration>,
    /// How long the server keeps a stream without a query.
    pub keeps_idle: Duration,
    /// The manner of the server.
    pub manner: Manner,
    /// The manner of the server over TLS.
    pub tls: TlsManner,
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
            keeps_idle: Duration::from_secs(10),
            manner: Manner::Good,
            tls: TlsManner::Closed,
        }
    }
}

impl Link {
    /// A good server this far away.
    #[must_use]
    pub fn of(latency_ms: u64) -> Self {
        Link { latency: Duration::from_millis(latency_ms), ..Link::default() }
    }

    /// Replaces the manner.
    #[must_use]
    pub fn with(self, manner: Manner) -> Self {
        Link { manner, ..self }
    }

    /// The same with TLS.
    #[must_use]
    pub fn speaking(self, tls: TlsManner) -> Self {
        Link { tls, ..self }
    }

    /// The same, where the server keeps streams without a query for this long.
    #[must_use]
    pub fn keeping_idle(self, keeps_idle: Duration) -> Self {
        Link { keeps_idle, ..self }
    }

    /// The same with loss.
    #[must_use]
    pub fn losing(self, loss: f64) -> Self {
        Link { loss, ..self }
    }
}

/// How a server treats queries over TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsManner {
    /// The port is closed, and the host says so.
    #[default]
    Closed,
    /// A firewall swallows all.
    Silent,
    /// As in clear, after the handshakes of TCP and TLS.
    Good,
    /// The connection opens, and is closed once a query comes.
    Resets,
    /// The certificate is for another name: no query is sent to a server that must prove its name.
    WrongCertificate,
    /// The port is open and speaks no TLS.
    NoTls,
    /// The server over HTTPS has no resource at the path.
    NotFound,
}

/// How a server treats queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// The server answers from its zones.
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
    /// FORMERR without an OPT record, to a query with an OPT record.
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
        /// Whether the server answers over TCP too.
        streams: bool,
    },
    /// Bad datagrams arrive, which are no reply or a bad reply.
    Beset(Beset),
    /// The server supports DNS cookies, or fails on queries with cookies.
    Cookies(CookieHabit),
    /// The right ID followed by garbage, always.
    Garbage,
    /// A record whose RDATA is too short for its type.
    BreaksRecords,
    /// Sets TC over every transport.
    AlwaysTruncates,
    /// NXDOMAIN to empty non-terminals.
    DeniesEmptyNonTerminals,
    /// Knows nothing of DNSSEC: no signatures, no proofs.
    OmitsSignatures,
    /// The server's own address for every name.
    Forges,
    /// SERVFAIL to every question but for NS records.
    KnowsItsServers,
    /// SERVFAIL to every question except for names with records.
    FailsShortened,
}

/// Bad datagrams in place of a reply, or before the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beset {
    /// The fault of the datagrams.
    pub by: Bad,
    /// Their number; each arrives a microsecond after the previous.
    pub times: u32,
    /// Whether the good reply comes [`Beset::LATER`] after the first.
    pub good: bool,
    /// The behaviour of the server over TCP.
    pub streams: Streams,
}

impl Beset {
    /// The delay of the good reply after the first bad datagram.
    pub const LATER: Duration = Duration::from_millis(50);

    /// A single bad datagram, followed by the good reply; TCP works.
    #[must_use]
    pub const fn once(by: Bad) -> Self {
        Beset { by, times: 1, good: true, streams: Streams::Good }
    }
}

/// The fault of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// A wrong ID in an otherwise good reply.
    Id,
    /// A reply to a different question.
    Question,
    /// QR=0: the query itself, sent back.
    Query,
    /// A wrong opcode.
    Opcode,
    /// An empty datagram.
    Void,
    /// The right ID and no more.
    Short,
    /// The right ID followed by garbage.
    Garbage,
    /// The right ID and question, and a record whose RDATA is too short for its type.
    Record,
    /// TC and nothing else.
    Truncated,
    /// No datagram, but ICMP port unreachable.
    PortClosed,
    /// No datagram, but ICMP host unreachable.
    Unreachable,
}

impl Bad {
    /// The list of faults.
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

/// The behaviour of a server over TCP.
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
    /// The same fault as over UDP, where a stream allows; else garbage.
    Bad,
}

impl Streams {
    /// The list of behaviours.
    pub const ALL: [Streams; 5] =
        [Streams::Good, Streams::Closed, Streams::End, Streams::Silent, Streams::Bad];
}

/// The behaviour of a server with cookies (RFC 7873).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieHabit {
    /// Sends a server cookie beside the client cookie.
    Sends,
    /// Sends a server cookie, and BADCOOKIE over UDP to queries without the server cookie.
    Demands,
    /// Is never content: BADCOOKIE to whatever cookie there is.
    Never,
    /// FORMERR to a query with a cookie.
    Chokes,
    /// Silence to a query with a cookie.
    Drops,
    /// Returns a wrong client cookie.
    Foreign,
    /// Sends server cookies. Before each UDP reply, a datagram of an off-path forger arrives, with
    /// the right port and ID. Over TCP the server behaves as given.
    Forged(Streams),
}
