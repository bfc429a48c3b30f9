//! What a reply means for the question that was asked.

use std::fmt;

use zoners_cache::{Denial, TtlLimits};
use zoners_dns::{
    Delegation, Failure, Malformed, Message, Moment, Name, OptRcode, Question, RRset, Rtype,
    Security, Signing, Way, name,
};

use crate::settings::{Glue, Settings};

/// A reply that gets us further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The question is answered, or as far as this zone can.
    Answer(Reply),
    /// Others are to be asked.
    Referral(Delegation),
}

/// What is known of a name: out of a reply or out of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The CNAME and DNAME RRsets that were followed, with the CNAME that a DNAME makes.
    pub aliases: Vec<RRset>,
    /// Where they led.
    pub finding: Finding,
    /// Whether the server called itself authoritative.
    pub authoritative: bool,
    /// The zone's NS RRset, where it came along and is wanted.
    pub authority: Vec<RRset>,
    /// Addresses of servers: of the NS records asked for, or of those in `authority`.
    pub additional: Vec<RRset>,
}

impl Reply {
    /// Bounds all TTLs, so that an answer shows the same whether or not it comes from the cache.
    pub(crate) fn clamp_ttls(&mut self, limits: &TtlLimits) {
        let records = match &mut self.finding {
            Finding::Records(sets, _) => sets.as_mut_slice(),
            Finding::NoData(Some(denial)) | Finding::NxDomain(Some(denial)) => {
                let ttl = limits.negative(denial.ttl());
                denial.soa.ttl = ttl;
                denial.proof.iter_mut().for_each(|set| set.ttl = set.ttl.min(ttl));
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
    Records(Vec<RRset>, Security),
    /// A name that is yet to be looked up.
    Alias(Name),
    /// The name exists without the type.
    NoData(Option<Denial>),
    /// The name does not exist.
    NxDomain(Option<Denial>),
    /// The name that a DNAME makes is too long (RFC 6672 section 2.2).
    TooLong,
}

/// Why a server's reply, or its silence, gets us nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It did not answer in time.
    Timeout,
    /// The network did not carry the query or the reply.
    Network(Failure),
    /// What it sent cannot be read.
    Malformed(Malformed),
    /// It answered with a failure.
    Rcode(OptRcode),
    /// It does not serve the zone: refers elsewhere or upwards.
    Lame,
    /// It says nothing: no answer, no denial, no referral.
    Empty,
    /// A limit of the client query stopped the exchange.
    Exhausted(crate::budget::Exhausted),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reply = match self {
            Verdict::Referral(child) => {
                let signing = match child.signing {
                    Signing::Signed(_) => ", signed",
                    Signing::Unsigned(_) => ", unsigned",
                    Signing::Unknown => "",
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
            Finding::Records(sets, _) => {
                let records = sets.iter().map(|set| set.records.len()).sum();
                f.write_str(&count(records, "record", "records"))
            }
            Finding::Alias(target) => write!(f, "alias to {}", target.fmt_with_dot()),
            Finding::NoData(_) => f.write_str("no such type"),
            Finding::NxDomain(_) => f.write_str("no such name"),
            Finding::TooLong => f.write_str("alias too long"),
        }
    }
}

impl Fault {
    /// Whether the server, or someone in its name, said something at all.
    #[must_use]
    pub fn is_answer(self) -> bool {
        matches!(self, Fault::Malformed(_) | Fault::Rcode(_) | Fault::Lame | Fault::Empty)
    }

    /// Whether it says that the server does not serve the zone.
    #[must_use]
    pub fn is_lameness(self) -> bool {
        matches!(self, Fault::Lame | Fault::Rcode(OptRcode::REFUSED | OptRcode::NOTAUTH))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Timeout => f.write_str("timeout"),
            Fault::Network(failure) => failure.fmt(f),
            Fault::Malformed(malformed) => write!(f, "malformed: {malformed}"),
            Fault::Rcode(rcode) => rcode.fmt(f),
            Fault::Lame => f.write_str("lame: does not serve the zone"),
            Fault::Empty => f.write_str("says nothing"),
            Fault::Exhausted(exhausted) => f.write_str(exhausted.0.name()),
        }
    }
}

/// Says what a scrubbed reply of a server of `cut` means; `refers_away` came of the scrubbing.
///
/// # Errors
/// The reply is of no use; another server may do better.
pub fn judge(
    cut: &Delegation,
    question: &Question,
    message: &Message,
    refers_away: bool,
    settings: &Settings,
    now: Moment,
) -> Result<Verdict, Fault> {
    match message.rcode {
        OptRcode::NOERROR | OptRcode::NXDOMAIN | OptRcode::YXDOMAIN => {}
        failure => return Err(Fault::Rcode(failure)),
    }
    let mut chain = Chain::new(cut, question, message, settings.limits.aliases);
    let finding = match chain.follow() {
        Some(finding) => finding,
        None => match chain.ending(cut, refers_away)? {
            Ending::Finding(finding) => finding,
            Ending::Referral(ns) => {
                return Ok(Verdict::Referral(referral(cut, ns, message, settings, now)));
            }
        },
    };
    let (authority, additional) = sections(question, &finding, message, settings);
    Ok(Verdict::Answer(Reply {
        aliases: chain.aliases,
        finding,
        authoritative: message.header.aa(),
        authority,
        additional,
    }))
}

/// The aliases of an answer section, followed.
struct Chain<'a> {
    zone: &'a Name,
    question: &'a Question,
    message: &'a Message,
    limit: usize,
    name: Name,
    aliases: Vec<RRset>,
}

enum Ending<'a> {
    Finding(Finding),
    Referral(&'a RRset),
}

impl<'a> Chain<'a> {
    fn new(
        cut: &'a Delegation,
        question: &'a Question,
        message: &'a Message,
        limit: usize,
    ) -> Self {
        let name = question.name.clone();
        Chain { zone: &cut.zone, question, message, limit, name, aliases: Vec::new() }
    }

    /// Follows aliases as far as the answer section leads within the zone.
    fn follow(&mut self) -> Option<Finding> {
        loop {
            let records = self.records();
            if !records.is_empty() {
                return Some(Finding::Records(records, Security::Unchecked));
            }
            let target = match (self.dname(), self.of_type(&self.name, Rtype::CNAME)) {
                (Some(dname), _) => {
                    self.aliases.push(dname.clone());
                    let target = dname.target()?;
                    let Some(made) = name::substitute(&self.name, &dname.owner, &target) else {
                        return Some(Finding::TooLong);
                    };
                    self.aliases.push(RRset::naming(
                        self.name.clone(),
                        Rtype::CNAME,
                        dname.ttl,
                        &made,
                    ));
                    made
                }
                (None, Some(cname)) => {
                    self.aliases.push(cname.clone());
                    cname.target()?
                }
                (None, None) => return None,
            };
            if !name::is_within(&target, self.zone) || self.aliases.len() > self.limit {
                return Some(Finding::Alias(target));
            }
            self.name = target;
        }
    }

    fn records(&self) -> Vec<RRset> {
        let at_name = self.message.answer.iter().filter(|set| set.owner == self.name);
        let wanted =
            |set: &&RRset| set.rtype == self.question.rtype || self.question.rtype == Rtype::ANY;
        at_name.filter(wanted).cloned().collect()
    }

    fn of_type(&self, name: &Name, rtype: Rtype) -> Option<&'a RRset> {
        self.message.answer.iter().find(|set| set.rtype == rtype && set.owner == *name)
    }

    /// The DNAME that the name lies below. Only strictly: a DNAME does not rename its own owner.
    fn dname(&self) -> Option<&'a RRset> {
        let mut sets = self.message.answer.iter().filter(|set| set.rtype == Rtype::DNAME);
        sets.find(|set| name::is_below(&self.name, &set.owner))
    }

    /// What it means that the answer section leads no further.
    fn ending(&self, cut: &Delegation, refers_away: bool) -> Result<Ending<'a>, Fault> {
        let followed = !self.aliases.is_empty();
        if self.message.rcode == OptRcode::YXDOMAIN {
            return Err(Fault::Rcode(OptRcode::YXDOMAIN));
        }
        let denial = self.denial();
        if self.message.rcode == OptRcode::NXDOMAIN {
            return Ok(Ending::Finding(Finding::NxDomain(denial)));
        }
        if denial.is_some() {
            return Ok(Ending::Finding(Finding::NoData(denial)));
        }
        if followed {
            return Ok(Ending::Finding(Finding::Alias(self.name.clone())));
        }
        if cut.way != Way::Forward
            && let Some(ns) = self.referral()
        {
            // DS lies above the cut: who refers to the name itself has no DS for it.
            if self.question.rtype == Rtype::DS && ns.owner == self.question.name {
                return Ok(Ending::Finding(Finding::NoData(None)));
            }
            return Ok(Ending::Referral(ns));
        }
        if cut.way == Way::Forward || (self.message.header.aa() && !refers_away) {
            return Ok(Ending::Finding(Finding::NoData(None)));
        }
        let names_servers = self.message.authority.iter().any(|set| set.rtype == Rtype::NS);
        Err(if refers_away || names_servers { Fault::Lame } else { Fault::Empty })
    }

    /// The SOA of a zone that the name lies in, with what came along as proof.
    fn denial(&self) -> Option<Denial> {
        let authority = &self.message.authority;
        let is_soa =
            |set: &&RRset| set.rtype == Rtype::SOA && name::is_within(&self.name, &set.owner);
        let soa = authority.iter().find(is_soa)?.clone();
        let proof = authority.iter().filter(|set| is_proof(set)).cloned().collect();
        Some(Denial { soa, proof, security: Security::Unchecked })
    }

    /// The NS RRset of a zone between the one asked and the name.
    fn referral(&self) -> Option<&'a RRset> {
        self.message.authority.iter().find(|set| {
            set.rtype == Rtype::NS
                && name::is_below(&set.owner, self.zone)
                && name::is_within(&self.question.name, &set.owner)
        })
    }
}

fn is_proof(set: &RRset) -> bool {
    matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3)
}

/// The delegation that a referral makes. It lives no longer than the one it came through, so that
/// a zone that lost its delegation takes all below it along.
fn referral(
    cut: &Delegation,
    ns: &RRset,
    message: &Message,
    settings: &Settings,
    now: Moment,
) -> Delegation {
    let limits = &settings.limits;
    let is_server = |set: &&RRset| ns.targets().any(|target| target == set.owner);
    let believed = |set: &&RRset| match settings.glue {
        Glue::InDomain => name::is_within(&set.owner, &ns.owner),
        Glue::Sibling => name::is_within(&set.owner, &cut.zone),
        Glue::Any => true,
    };
    let glue: Vec<RRset> =
        message.additional.iter().filter(is_server).filter(believed).cloned().collect();
    let expires = now.after_seconds(ns.ttl).min(cut.expires);
    let mut delegation = Delegation::from_ns(ns, &glue, expires);
    delegation.servers.truncate(limits.servers);
    for server in &mut delegation.servers {
        server.addresses.retain(|address| settings.may_ask(address.ip()));
        server.addresses.truncate(limits.addresses_per_server);
    }
    let ds = message.authority.iter().find(|set| set.rtype == Rtype::DS && set.owner == ns.owner);
    let proof = || message.authority.iter().filter(|set| is_proof(set)).cloned().collect();
    delegation.signing = match ds {
        Some(ds) => Signing::Signed(ds.clone()),
        None if message.authority.iter().any(is_proof) => Signing::Unsigned(proof()),
        None => Signing::Unknown,
    };
    delegation
}

/// What of the authority and additional sections is kept with an answer.
fn sections(
    question: &Question,
    finding: &Finding,
    message: &Message,
    settings: &Settings,
) -> (Vec<RRset>, Vec<RRset>) {
    let Finding::Records(records, _) = finding else { return Default::default() };
    let authority: Vec<RRset> = if settings.full_answers {
        let ns =
            |set: &&RRset| set.rtype == Rtype::NS && name::is_within(&question.name, &set.owner);
        message.authority.iter().filter(ns).cloned().collect()
    } else {
        Vec::new()
    };
    let named = |set: &&RRset| {
        let mut naming = authority.iter().chain(records).filter(|ns| ns.rtype == Rtype::NS);
        naming.any(|ns| ns.targets().any(|target| target == set.owner))
    };
    let wanted = settings.full_answers || question.rtype == Rtype::NS;
    let additional = message.additional.iter().filter(|_| wanted).filter(named).cloned().collect();
    (authority, additional)
}

#[cfg(test)]
mod tests;
