//! The meaning of a server's reply, or of cache entries, for a question.

use std::fmt;

use zoners_cache::{Denial, ServerFault, TtlLimits};
use zoners_dns::{
    Delegation, DsStatus, Endpoint, MessageError, Name, NetworkError, OptRcode, RRset, Security,
};

use crate::model::budget::Exhausted;

/// A useful reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The question is answered, or as far as this zone can.
    Answer(Reply),
    /// The servers of a zone below are to be asked.
    Referral(Delegation),
}

impl Verdict {
    /// Whether the QNAME does not exist.
    #[must_use]
    pub(crate) fn denies_name(&self) -> bool {
        matches!(self, Verdict::Answer(Reply { finding: Finding::NxDomain(_), .. }))
    }

    /// Notes the server that gave the reply.
    #[must_use]
    pub(crate) fn of(self, server: Endpoint) -> Self {
        match self {
            Verdict::Answer(reply) => Verdict::Answer(Reply { from: Some(server), ..reply }),
            referral => referral,
        }
    }
}

/// The data of a name, from a reply or from the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The CNAME and DNAME RRsets of the alias chain, with CNAMEs synthesised from DNAMEs.
    pub aliases: Vec<RRset>,
    /// The end of the alias chain.
    pub finding: Finding,
    /// The server's proven statement about the target of the aliases. The reply counts once validated,
    /// since servers deny names without a look-up.
    pub beyond: Option<Box<Finding>>,
    /// NSEC and NSEC3 RRsets that accompany wildcard expansions.
    pub proof: Vec<RRset>,
    /// The DNSSEC status of the whole.
    pub security: Security,
    /// The server, as it was asked; `None` for cache entries.
    pub from: Option<Endpoint>,
    /// Whether the server called itself authoritative. A cache entry keeps the fact, so that the proof of the entry later
    /// replaces the entry.
    pub authoritative: bool,
    /// Hearsay: the server was asked as an authority and answered as a resolver does. Unproven
    /// parts then count for this client alone, for a moment.
    pub hearsay: bool,
    /// The NS RRset of the zone, if present and wanted.
    pub authority: Vec<RRset>,
    /// Addresses of servers: of the NS records in the answer, or of those in `authority`.
    pub additional: Vec<RRset>,
}

impl Reply {
    /// The reply made of cache entries.
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

    /// Whether the reply is unproven hearsay.
    pub(crate) fn is_mere_hearsay(&self) -> bool {
        self.hearsay && self.security != Security::Secure
    }

    /// Whether the reply is a denial and nothing else.
    pub(crate) fn is_denial(&self) -> bool {
        self.aliases.is_empty() && matches!(self.finding, Finding::NoData(_) | Finding::NxDomain(_))
    }

    /// The least TTL, in seconds.
    pub(crate) fn ttl(&self) -> u32 {
        let of_finding = match &self.finding {
            Finding::Records(sets) => sets.iter().map(|set| set.ttl).min(),
            Finding::NoData(denial) | Finding::NxDomain(denial) => Some(denial.ttl),
            Finding::Alias(_) | Finding::TooLong => None,
        };
        self.aliases.iter().map(|set| set.ttl).chain(of_finding).min().unwrap_or(0)
    }

    /// Marks the whole as insecure: its zone counts as unsigned.
    pub(crate) fn set_unsigned(&mut self) {
        self.security = Security::Insecure;
        if let Finding::NoData(denial) | Finding::NxDomain(denial) = &mut self.finding {
            denial.security = Security::Insecure;
        }
    }

    /// Limits the TTLs, so that answers look the same with and without the cache.
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

/// The end of an alias chain, which is most often empty.
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
    /// The name synthesised from a DNAME is too long (RFC 6672 section 2.2).
    TooLong,
}

/// The reason why a reply, or silence, is not useful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No reply in time.
    Timeout,
    /// The network did not carry the query or the reply.
    Network(NetworkError),
    /// The reply cannot be parsed.
    Malformed(MessageError),
    /// The message is no reply to the query, or a reply to a different question.
    NoReply,
    /// So many messages were no reply that the port was given up.
    Flooded,
    /// The server replied with a failure.
    Rcode(OptRcode),
    /// The server does not serve the zone: it refers elsewhere or upwards.
    Lame,
    /// The reply has no answer, no denial and no referral.
    Empty,
    /// The reply is a bare NXDOMAIN: no AA, no SOA.
    BareDenial,
    /// The reply refers to the zone of the server itself.
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
    /// Whether the server, or a forger in the server's name, replied at all.
    #[must_use]
    pub fn is_answer(self) -> bool {
        self.says_nothing() || self.is_unreadable() || matches!(self, Fault::Rcode(_) | Fault::Lame)
    }

    /// Whether the reply could not be parsed.
    #[must_use]
    pub fn is_unreadable(self) -> bool {
        matches!(self, Fault::Malformed(_) | Fault::NoReply)
    }

    /// Whether the reply exceeded the message limits.
    #[must_use]
    pub fn is_too_much(self) -> bool {
        matches!(self, Fault::Malformed(malformed) if malformed.is_limit())
    }

    /// Whether the reply says next to nothing about the question, as replies of unrelated servers
    /// do. It counts only if each server of the zone replies so.
    #[must_use]
    pub fn says_nothing(self) -> bool {
        matches!(self, Fault::Empty | Fault::BareDenial | Fault::Sideways)
    }

    /// The fault of the server, if the reply proves one.
    #[must_use]
    pub fn trouble(self) -> Option<ServerFault> {
        match self {
            Fault::Timeout => Some(ServerFault::Timeout),
            Fault::Network(NetworkError::Refused | NetworkError::Closed) => {
                Some(ServerFault::Refused)
            }
            Fault::Network(NetworkError::Unreachable) => Some(ServerFault::Unreachable),
            Fault::Network(NetworkError::Untrusted(_)) => Some(ServerFault::Untrusted),
            Fault::Network(NetworkError::Handshake) => Some(ServerFault::Handshake),
            Fault::Network(NetworkError::Http(_)) => Some(ServerFault::Http),
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

    /// Whether the server does not serve the zone.
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
