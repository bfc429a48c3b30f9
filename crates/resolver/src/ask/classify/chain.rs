//! Following the aliases of an answer section, and the meaning of their end.

use zoners_cache::Denial;
use zoners_dns::{Delegation, Message, Name, OptRcode, QueryMode, Question, RRset, Rtype, name};

use super::proof_of;
use crate::model::settings::Settings;
use crate::model::verdict::{Fault, Finding};

/// RRsets of one name that are taken from an answer to ANY; it is for the server to choose (RFC 8482).
const MAX_OF_NAME: usize = 32;

/// An answer section, as far as it was followed.
pub(super) struct Chain<'a> {
    cut: &'a Delegation,
    question: &'a Question,
    message: &'a Message,
    settings: &'a Settings,
    name: Name,
    pub(super) aliases: Vec<RRset>,
}

/// What follows where the answer section leads no further.
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

    /// Whether the servers of this zone are those to ask of `name`, to which an alias has led.
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

    /// Of the RRsets at a name, those that were asked for.
    fn records(&self, at_name: &[&RRset]) -> Vec<RRset> {
        let rtype = self.question.rtype;
        let wanted = |set: &&&RRset| set.rtype == rtype || rtype == Rtype::ANY;
        at_name.iter().filter(wanted).take(MAX_OF_NAME).map(|set| (*set).clone()).collect()
    }

    /// The DNAME that the name lies below. Only strictly: a DNAME does not rename its own owner.
    fn dname(&self) -> Option<&'a RRset> {
        let mut sets = self.message.answer.iter().filter(|set| set.rtype == Rtype::DNAME);
        sets.find(|set| name::is_below(&self.name, &set.owner))
    }

    /// The meaning of an answer section without records of the question.
    pub(super) fn ending(&self, refers_away: bool) -> Result<Ending<'a>, Fault> {
        if self.message.rcode == OptRcode::YXDOMAIN {
            return Err(Fault::Rcode(OptRcode::YXDOMAIN));
        }
        let (forwarded, followed) = (self.cut.mode == QueryMode::Forward, !self.aliases.is_empty());
        // A denial is of the name that was asked for. Some servers put a denial beside an alias
        // without following the alias; a forwarder follows aliases to their end.
        if followed && !forwarded {
            return Ok(Ending::Finding(Finding::Alias(self.name.clone())));
        }
        if self.speaks_from_below() {
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
            false => self.message.header.aa() && !refers_away,
        };
        if denied {
            return Ok(Ending::Finding(Finding::NoData(self.denial(None))));
        }
        Err(self.nothing_said(refers_away))
    }

    /// What is denied, by RCODE or by an SOA of a zone that the name lies in.
    fn denied(&self) -> Option<Finding> {
        let is_soa =
            |set: &&RRset| set.rtype == Rtype::SOA && name::is_within(&self.name, &set.owner);
        let soa = self.message.authority.iter().find(is_soa);
        match self.message.rcode {
            OptRcode::NXDOMAIN => Some(Finding::NxDomain(self.denial(soa))),
            _ => soa.map(|soa| Finding::NoData(self.denial(Some(soa)))),
        }
    }

    /// Whether nothing but the RCODE denies the name: a host says so of any name that it is no server
    /// of.
    fn is_bare(&self, denial: &Denial) -> bool {
        denial.soa.is_none() && denial.proof.is_empty() && !self.message.header.aa()
    }

    /// A denial, with the records that came along as its proof.
    fn denial(&self, soa: Option<&RRset>) -> Denial {
        Denial::new(soa.cloned(), proof_of(self.message))
    }

    /// Whether the server answers for DS records out of the zone below the cut: it serves both zones,
    /// and mixes them up.
    fn speaks_from_below(&self) -> bool {
        let from_below = |set: &RRset| set.rtype == Rtype::SOA && set.owner == self.question.name;
        self.question.rtype == Rtype::DS
            && !self.question.name.is_root()
            && self.message.authority.iter().any(from_below)
    }

    /// The NS RRset of a zone between the one asked and the name.
    fn referral(&self) -> Option<&'a RRset> {
        self.message.authority.iter().find(|set| {
            set.rtype == Rtype::NS
                && name::is_below(&set.owner, &self.cut.zone)
                && name::is_within(&self.question.name, &set.owner)
        })
    }

    /// What a referral by `ns` means. DS lies above the cut: a server that refers to the name itself
    /// has answered, with the DS records or with the proof that there are none.
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

    /// How a reply fails that has no answer, no denial and no referral.
    fn nothing_said(&self, refers_away: bool) -> Fault {
        if self.cut.mode == QueryMode::Forward {
            return Fault::Empty;
        }
        let own_ns = |set: &&RRset| set.rtype == Rtype::NS && set.owner == self.cut.zone;
        let mut authority = self.message.authority.iter();
        // An SOA of another name says at least that this is a denial.
        let strays = authority.clone().any(|set| set.rtype != Rtype::SOA && !own_ns(&set));
        if refers_away || strays {
            return Fault::Lame;
        }
        // NS records with addresses are the referral of a server that has the zone above alone; a
        // server with RA gives NS records out of a cache.
        let refers = self.message.header.ra() || self.message.additional.has_addresses();
        match authority.any(|set| own_ns(&set)) {
            true if refers => Fault::Lame,
            true => Fault::Sideways,
            false => Fault::Empty,
        }
    }

    /// What the authority section proves of the name at which `finding` leaves the answer section.
    pub(super) fn beyond(&self, finding: &Finding) -> Option<Box<Finding>> {
        let Finding::Alias(target) = finding else { return None };
        let signed = |set: &RRset| !set.signatures.is_empty();
        if *target != self.name || !proof_of(self.message).iter().any(signed) {
            return None;
        }
        self.denied().map(Box::new)
    }
}
