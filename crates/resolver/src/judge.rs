//! What a reply means for the question that was asked.

use zoners_cache::Denial;
use zoners_dns::{
    Delegation, Message, Moment, Name, OptRcode, Question, RRset, Rtype, Security, Signing, Way,
    name,
};
use zoners_dnssec::rrsig::Rrsig;

use crate::settings::{Glue, Settings};
use crate::verdict::{Fault, Finding, Reply, Verdict};

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
    let proof = expansion_proof(&chain.aliases, &finding, message);
    Ok(Verdict::Answer(Reply {
        aliases: chain.aliases,
        finding,
        proof,
        security: Security::Unchecked,
        from: None,
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
                return Some(Finding::Records(records));
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
        let soa = self.soa();
        if self.message.rcode == OptRcode::NXDOMAIN {
            return Ok(Ending::Finding(Finding::NxDomain(self.denial(soa))));
        }
        if soa.is_some() {
            return Ok(Ending::Finding(Finding::NoData(self.denial(soa))));
        }
        if followed {
            return Ok(Ending::Finding(Finding::Alias(self.name.clone())));
        }
        if cut.way != Way::Forward
            && let Some(ns) = self.referral()
        {
            // DS lies above the cut: who refers to the name itself has no DS for it.
            if self.question.rtype == Rtype::DS && ns.owner == self.question.name {
                return Ok(Ending::Finding(Finding::NoData(self.denial(None))));
            }
            return Ok(Ending::Referral(ns));
        }
        if cut.way == Way::Forward || (self.message.header.aa() && !refers_away) {
            return Ok(Ending::Finding(Finding::NoData(self.denial(None))));
        }
        let names_servers = self.message.authority.iter().any(|set| set.rtype == Rtype::NS);
        Err(if refers_away || names_servers { Fault::Lame } else { Fault::Empty })
    }

    /// The SOA of a zone that the name lies in.
    fn soa(&self) -> Option<&'a RRset> {
        let is_soa =
            |set: &&RRset| set.rtype == Rtype::SOA && name::is_within(&self.name, &set.owner);
        self.message.authority.iter().find(is_soa)
    }

    /// A denial, with what came along as proof.
    fn denial(&self, soa: Option<&RRset>) -> Denial {
        let proof = self.message.authority.iter().filter(|set| is_proof(set)).cloned().collect();
        Denial::new(soa.cloned(), proof)
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

/// The proof that goes with what was made from a wildcard; nothing else in an answer needs one.
fn expansion_proof(aliases: &[RRset], finding: &Finding, message: &Message) -> Vec<RRset> {
    let records = if let Finding::Records(sets) = finding { sets.as_slice() } else { &[] };
    let expanded = |set: &RRset| {
        let mut signatures = set.signatures.iter().filter_map(|rdata| Rrsig::read(&rdata));
        signatures.any(|rrsig| rrsig.is_expanded(&set.owner))
    };
    if aliases.iter().chain(records).any(expanded) {
        message.authority.iter().filter(|set| is_proof(set)).cloned().collect()
    } else {
        Vec::new()
    }
}

/// What of the authority and additional sections is kept with an answer.
fn sections(
    question: &Question,
    finding: &Finding,
    message: &Message,
    settings: &Settings,
) -> (Vec<RRset>, Vec<RRset>) {
    let Finding::Records(records) = finding else { return Default::default() };
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
