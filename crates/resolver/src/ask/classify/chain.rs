//! Following the aliases of an answer section, and the meaning of their end.

use zoners_cache::Denial;
use zoners_dns::{Delegation, Message, Name, OptRcode, QueryMode, Question, RRset, Rtype, name};

use super::proof_of;
use crate::ask::scrub::Scrubbed;
use crate::model::settings::Settings;
use crate::model::verdict::{Fault, Finding};

/// RRsets of one name taken from an answer to ANY; the server chooses them (RFC 8482).
const MAX_OF_NAME: usize = 32;

/// An answer section, followed along its aliases.
pub(super) struct Chain<'a> {
    cut: &'a Delegation,
    question: &'a Question,
    message: &'a Message,
    settings: &'a Settings,
    name: Name,
    pub(super) aliases: Vec<RRset>,
}

/// The end of the chain, where the answer section leads no further.
pub(super) enum Ending<'a> {
    Finding(Finding),
    Referral(&'a RRset),
}

impl<'a> Chain<'a> {
    pub(super) fn new(
        cut: &'a Delegation,
        question: &'a Question,
        message: &'a Message,
        settings: &'a Settings,
    ) -> Self {
        let name = question.name.clone();
        Chain { cut, question, message, settings, name, aliases: Vec::new() }
    }

    /// Follows aliases as far as the answer section leads within the zone.
    pub(super) fn follow(&mut self) -> Option<Finding> {
        loop {
            // Once for each name: an answer section may be large, and so may names.
            let at_name = self.message.answer.iter().filter(|set| set.owner == self.name);
            let at_name: Vec<&RRset> = at_name.collect();
            let records = self.records(&at_name);
            if !records.is_empty() {
                return Some(Finding::Records(records));
            }
            let cname = at_name.into_iter().find(|set| set.rtype == Rtype::CNAME);
            let target = match (self.dname(), cname) {
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
            if !self.answers_for(&target) || self.aliases.len() > self.settings.limits.aliases {
                return Some(Finding::Alias(target));
            }
            self.name = target;
        }
    }

    /// Whether `name`, the target of an alias, belongs to the servers of this zone.
    fn answers_for(&self, name: &Name) -> bool {
        // A stub or forwarder may be configured for a part of the zone.
        let routed = self.settings.route(name);
        if routed.is_some_and(|route| name::is_below(&route.zone, &self.cut.zone)) {
            return false;
        }
        // The DS records of the apex are the parent's (RFC 4035 section 2.4).
        let above = self.question.rtype == Rtype::DS && *name == self.cut.zone && !name.is_root();
        name::is_within(name, &self.cut.zone) && (!above || self.cut.mode == QueryMode::Forward)
    }

    /// The RRsets at a name that match the question.
    fn records(&self, at_name: &[&RRset]) -> Vec<RRset> {
        let rtype = self.question.rtype;
        let wanted = |set: &&&RRset| set.rtype == rtype || rtype == Rtype::ANY;
        at_name.iter().filter(wanted).take(MAX_OF_NAME).map(|set| (*set).clone()).collect()
    }

    /// The DNAME above the name. Strictly above: a DNAME does not rename its owner.
    fn dname(&self) -> Option<&'a RRset> {
        let mut sets = self.message.answer.iter().filter(|set| set.rtype == Rtype::DNAME);
        sets.find(|set| name::is_below(&self.name, &set.owner))
    }

    /// The meaning of an answer section without records of the question.
    pub(super) fn ending(&self, scrubbed: Scrubbed) -> Result<Ending<'a>, Fault> {
        if self.message.rcode == OptRcode::YXDOMAIN {
            return Err(Fault::Rcode(OptRcode::YXDOMAIN));
        }
        let (forwarded, followed) = (self.cut.mode == QueryMode::Forward, !self.aliases.is_empty());
        // A denial concerns the QNAME. Some servers put a denial beside an alias without following
        // it; a forwarder follows aliases to the end.
        if followed && !forwarded {
            return Ok(Ending::Finding(Finding::Alias(self.name.clone())));
        }
        if self.answers_from_child_zone() {
            return Err(Fault::Empty);
        }
        match self.denied() {
            Some(Finding::NxDomain(denial)) if !forwarded && self.is_bare(&denial) => {
                return Err(Fault::BareDenial);
            }
            Some(denied) => return Ok(Ending::Finding(denied)),
            None => {}
        }
        if followed {
            return Ok(Ending::Finding(Finding::Alias(self.name.clone())));
        }
        if !forwarded && let Some(ns) = self.referral() {
            return Ok(self.refer(ns));
        }
        let denied = match forwarded {
            true => !proof_of(self.message).is_empty(),
            false => self.message.header.aa() && !scrubbed.refers_away,
        };
        if denied {
            return Ok(Ending::Finding(Finding::NoData(self.denial(None))));
        }
        Err(self.fault_of_empty_reply(scrubbed))
    }

    /// The denial by RCODE, or by the SOA of a zone containing the name.
    fn denied(&self) -> Option<Finding> {
        let is_soa =
            |set: &&RRset| set.rtype == Rtype::SOA && name::is_within(&self.name, &set.owner);
        let soa = self.message.authority.iter().find(is_soa);
        match self.message.rcode {
            OptRcode::NXDOMAIN => Some(Finding::NxDomain(self.denial(soa))),
            _ => soa.map(|soa| Finding::NoData(self.denial(Some(soa)))),
        }
    }

    /// Whether only the RCODE denies the name, as hosts reply for names that they do not serve.
    fn is_bare(&self, denial: &Denial) -> bool {
        denial.soa.is_none() && denial.proof.is_empty() && !self.message.header.aa()
    }

    /// A denial, with the accompanying records as its proof.
    fn denial(&self, soa: Option<&RRset>) -> Denial {
        Denial::new(soa.cloned(), proof_of(self.message))
    }

    /// Whether the server answers for DS records from the zone below the cut: it serves both zones,
    /// and confuses them.
    fn answers_from_child_zone(&self) -> bool {
        let from_below = |set: &RRset| set.rtype == Rtype::SOA && set.owner == self.question.name;
        self.question.rtype == Rtype::DS
            && !self.question.name.is_root()
            && self.message.authority.iter().any(from_below)
    }

    /// The NS RRset of a zone between the asked zone and the name.
    fn referral(&self) -> Option<&'a RRset> {
        self.message.authority.iter().find(|set| {
            set.rtype == Rtype::NS
                && name::is_below(&set.owner, &self.cut.zone)
                && name::is_within(&self.question.name, &set.owner)
        })
    }

    /// The meaning of a referral by `ns`. DS records lie above the cut: a server referring to the
    /// name itself has answered, with the DS records or with the proof of their absence.
    fn refer(&self, ns: &'a RRset) -> Ending<'a> {
        if self.question.rtype != Rtype::DS || ns.owner != self.question.name {
            return Ending::Referral(ns);
        }
        let is_ds = |set: &&RRset| set.rtype == Rtype::DS && set.owner == ns.owner;
        Ending::Finding(match self.message.authority.iter().find(is_ds) {
            Some(ds) => Finding::Records(vec![ds.clone()]),
            None => Finding::NoData(self.denial(None)),
        })
    }

    /// The fault of a reply without answer, denial and referral.
    fn fault_of_empty_reply(&self, scrubbed: Scrubbed) -> Fault {
        if self.cut.mode == QueryMode::Forward {
            return Fault::Empty;
        }
        let own_ns = |set: &&RRset| set.rtype == Rtype::NS && set.owner == self.cut.zone;
        let mut authority = self.message.authority.iter();
        // An SOA of a different name still indicates a denial.
        let strays = authority.clone().any(|set| set.rtype != Rtype::SOA && !own_ns(&set));
        if scrubbed.refers_away || strays {
            return Fault::Lame;
        }
        // NS records with addresses are the referral of a server of the zone above; a server with
        // RA gives NS records from a cache.
        let refers = self.message.header.ra() || self.message.additional.has_addresses();
        match authority.any(|set| own_ns(&set)) {
            true if refers => Fault::Lame,
            true => Fault::Sideways,
            false => Fault::Empty,
        }
    }

    /// The proof in the authority section about the target where `finding` leaves the answer
    /// section.
    pub(super) fn beyond(&self, finding: &Finding) -> Option<Box<Finding>> {
        let Finding::Alias(target) = finding else { return None };
        let signed = |set: &RRset| !set.signatures.is_empty();
        if *target != self.name || !proof_of(self.message).iter().any(signed) {
            return None;
        }
        self.denied().map(Box::new)
    }
}
