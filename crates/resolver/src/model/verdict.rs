//! What a server's reply, or the cache, says of a question.

use std::fmt;
use std::net::SocketAddr;

use zoners_cache::{Denial, ServerFault, TtlLimits};
use zoners_dns::{
    Delegation, DsStatus, MessageError, Name, NetworkError, OptRcode, RRset, Security,
};

use crate::model::budget::Exhausted;

/// A reply that gets us further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The question is answered, or as far as this zone can.
    Answer(Reply),
    /// Others are to be asked.
    Referral(Delegation),
}

impl Verdict {
    /// Whether the name that was asked for does not exist.
    #[must_use]
    pub(crate) fn denies_name(&self) -> bool {
        matches!(self, Verdict::Answer(Reply { finding: Finding::NxDomain(_), .. }))
    }

    /// The verdict of what the server at an address said.
    #[must_use]
    pub(crate) fn of(self, server: SocketAddr) -> Self {
        match self {
            Verdict::Answer(reply) => Verdict::Answer(Reply { from: Some(server), ..reply }),
            referral => referral,
        }
    }
}

/// What is known of a name: out of a reply or out of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The CNAME and DNAME RRsets that were followed, with the CNAME that a DNAME makes.
    pub aliases: Vec<RRset>,
    /// Where they led.
    pub finding: Finding,
    /// What the server said, with a proof, of the name that the aliases lead to. It counts once it is
    /// proven: servers deny what they have not looked for.
    pub beyond: Option<Box<Finding>>,
    /// NSEC and NSEC3 RRsets that came with records made from a wildcard.
    pub proof: Vec<RRset>,
    /// What is known of the authenticity of all of it.
    pub security: Security,
    /// Who said it; nobody, if it is out of the cache.
    pub from: Option<SocketAddr>,
    /// Whether the server called itself authoritative.
    pub authoritative: bool,
    /// Whether it is hearsay: the server, asked as an authority, answered as a resolver does. What
    /// signatures do not vouch for then counts for the one who asked, for a moment.
    pub hearsay: bool,
    /// The zone's NS RRset, where it came along and is wanted.
    pub authority: Vec<RRset>,
    /// Addresses of servers: of the NS records asked for, or of those in `authority`.
    pub additional: Vec<RRset>,
}

impl Reply {
    /// What the cache says: nothing beside the finding.
    pub(crate) fn of(finding: Finding) -> Self {
        Reply {
            aliases: Vec::new(),
            finding,
            beyond: None,
            proof: Vec::new(),
            security: Security::Unchecked,
            from: None,
            authoritative: false,
            hearsay: false,
            authority: Vec::new(),
            additional: Vec::new(),
        }
    }

    /// Whether nothing but hearsay speaks for it.
    pub(crate) fn is_mere_hearsay(&self) -> bool {
        self.hearsay && self.security != Security::Secure
    }

    /// Whether all that it says is that something does not exist.
    pub(crate) fn is_denial(&self) -> bool {
        self.aliases.is_empty() && matches!(self.finding, Finding::NoData(_) | Finding::NxDomain(_))
    }

    /// Seconds for which all of it holds.
    pub(crate) fn ttl(&self) -> u32 {
        let of_finding = match &self.finding {
            Finding::Records(sets) => sets.iter().map(|set| set.ttl).min(),
            Finding::NoData(denial) | Finding::NxDomain(denial) => Some(denial.ttl),
            Finding::Alias(_) | Finding::TooLong => None,
        };
        self.aliases.iter().map(|set| set.ttl).chain(of_finding).min().unwrap_or(0)
    }

    /// Notes that all of it is of a zone that is as good as unsigned.
    pub(crate) fn set_unsigned(&mut self) {
        self.security = Security::Insecure;
        if let Finding::NoData(denial) | Finding::NxDomain(denial) = &mut self.finding {
            denial.security = Security::Insecure;
        }
    }

    /// Bounds all TTLs, so that an answer shows the same whether or not it comes from the cache.
    pub(crate) fn clamp_ttls(&mut self, limits: &TtlLimits) {
        if let Some(Finding::NoData(denial) | Finding::NxDomain(denial)) =
            self.beyond.as_deref_mut()
        {
            denial.set_ttl(limits.negative(denial.ttl));
        }
        let records = match &mut self.finding {
            Finding::Records(sets) => sets.as_mut_slice(),
            Finding::NoData(denial) | Finding::NxDomain(denial) => {
                denial.set_ttl(limits.negative(denial.ttl));
                &mut []
            }
            _ => &mut [],
        };
        for set in records.iter_mut().chain(&mut self.aliases) {
            set.ttl = limits.positive(set.ttl);
        }
    }
}

/// How a chain of aliases, most often an empty one, ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The records asked for; several RRsets only for the type ANY.
    Records(Vec<RRset>),
    /// A name that is yet to be looked up.
    Alias(Name),
    /// The name exists without the type.
    NoData(Denial),
    /// The name does not exist.
    NxDomain(Denial),
    /// The name that a DNAME makes is too long (RFC 6672 section 2.2).
    TooLong,
}

/// Why a server's reply, or its silence, gets us nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It did not answer in time.
    Timeout,
    /// The network did not carry the query or the reply.
    Network(NetworkError),
    /// What it sent cannot be read.
    Malformed(MessageError),
    /// What it sent is no reply to the query: no reply at all, or one to another question.
    NoReply,
    /// So much came that is no reply that its port is given up.
    Flooded,
    /// It answered with a failure.
    Rcode(OptRcode),
    /// It does not serve the zone: refers elsewhere or upwards.
    Lame,
    /// It says nothing of the question: no answer, no denial, no referral.
    Empty,
    /// It says NXDOMAIN and nothing else: no AA, no SOA.
    BareDenial,
    /// It says nothing of the question, but refers to the zone that it was asked as a server of.
    Sideways,
    /// A limit of the client query stopped the exchange.
    Exhausted(Exhausted),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reply = match self {
            Verdict::Referral(child) => {
                let signing = match child.signing {
                    DsStatus::Signed(_) => ", signed",
                    DsStatus::Unsigned(_) => ", unsigned",
                    DsStatus::Unknown => "",
                };
                let zone = child.zone.fmt_with_dot();
                return write!(f, "referral to {zone} ({} servers{signing})", child.servers.len());
            }
            Verdict::Answer(reply) => reply,
        };
        let count = |count: usize, what: &str, many: &str| {
            format!("{count} {}", if count == 1 { what } else { many })
        };
        if !reply.aliases.is_empty() {
            write!(f, "{}, ", count(reply.aliases.len(), "alias", "aliases"))?;
        }
        match &reply.finding {
            Finding::Records(sets) => {
                let records = sets.iter().map(|set| set.records.len()).sum();
                f.write_str(&count(records, "record", "records"))?;
            }
            Finding::Alias(target) => write!(f, "alias to {}", target.fmt_with_dot())?,
            Finding::NoData(_) => f.write_str("no such type")?,
            Finding::NxDomain(_) => f.write_str("no such name")?,
            Finding::TooLong => f.write_str("alias too long")?,
        }
        if reply.hearsay { f.write_str(", by hearsay") } else { Ok(()) }
    }
}

impl Fault {
    /// Whether the server, or someone in its name, said something at all.
    #[must_use]
    pub fn is_answer(self) -> bool {
        self.says_nothing() || self.is_unreadable() || matches!(self, Fault::Rcode(_) | Fault::Lame)
    }

    /// Whether what the server sent is nothing that could be judged.
    #[must_use]
    pub fn is_unreadable(self) -> bool {
        matches!(self, Fault::Malformed(_) | Fault::NoReply)
    }

    /// Whether the reply was more than is read of one.
    #[must_use]
    pub fn is_too_much(self) -> bool {
        matches!(self, Fault::Malformed(malformed) if malformed.is_limit())
    }

    /// Whether the server took the question and said next to nothing of it, as servers do that have
    /// nothing to do with the zone. Only where all servers do, it counts.
    #[must_use]
    pub fn says_nothing(self) -> bool {
        matches!(self, Fault::Empty | Fault::BareDenial | Fault::Sideways)
    }

    /// What it says of the server beyond that it was asked in vain.
    #[must_use]
    pub fn trouble(self) -> Option<ServerFault> {
        match self {
            Fault::Timeout => Some(ServerFault::Timeout),
            Fault::Network(NetworkError::Refused | NetworkError::Closed) => {
                Some(ServerFault::Refused)
            }
            Fault::Network(NetworkError::Unreachable) => Some(ServerFault::Unreachable),
            // The fault is ours, or a stranger's.
            Fault::Network(NetworkError::NoSocket) | Fault::Exhausted(_) | Fault::Flooded => None,
            Fault::Malformed(_)
            | Fault::NoReply
            | Fault::Rcode(OptRcode::FORMERR | OptRcode::NOTIMP | OptRcode::BADVERS) => {
                Some(ServerFault::FormErr)
            }
            _ if self.is_lameness() => Some(ServerFault::Lame),
            Fault::Rcode(_) | Fault::Lame | Fault::Empty | Fault::BareDenial | Fault::Sideways => {
                Some(ServerFault::ServFail)
            }
        }
    }

    /// Whether it says that the server does not serve the zone.
    #[must_use]
    pub fn is_lameness(self) -> bool {
        matches!(
            self,
            Fault::Lame | Fault::Sideways | Fault::Rcode(OptRcode::REFUSED | OptRcode::NOTAUTH)
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Timeout => f.write_str("timeout"),
            Fault::Network(failure) => failure.fmt(f),
            Fault::Malformed(malformed) => write!(f, "malformed: {malformed}"),
            Fault::NoReply => f.write_str("what came is no reply to the query"),
            Fault::Flooded => f.write_str("too many messages that are no reply"),
            Fault::Rcode(rcode) => rcode.fmt(f),
            Fault::Lame => f.write_str("lame: does not serve the zone"),
            Fault::Empty => f.write_str("says nothing"),
            Fault::BareDenial => f.write_str("denies the name without AA or SOA"),
            Fault::Sideways => f.write_str("refers to the zone itself"),
            Fault::Exhausted(exhausted) => f.write_str(exhausted.0.name()),
        }
    }
}
