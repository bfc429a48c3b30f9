//! A zone, and the answers of its authoritative servers (RFC 1034 section 4.3.2).

mod signed;

use std::collections::BTreeMap;

use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::{Name, OptRcode, Question, RRset, Rtype, name, zonefile};

use crate::sign::Denying;

/// CNAMEs that a server follows within its zone.
const MOST_ALIASES: usize = 16;

/// The data of a zone, glue included.
#[derive(Clone, Debug)]
pub struct Zone {
    /// The apex.
    pub origin: Name,
    /// RRsets by name (in lower case) and type.
    nodes: BTreeMap<Name, BTreeMap<u16, RRset>>,
    /// The domain of the reporting agent that the servers name (RFC 9567).
    pub agent: Option<Name>,
    /// The denial method of a signed zone.
    denying: Option<Denying>,
}

/// The answer of a server, before encoding.
#[derive(Clone, Debug)]
pub struct Said {
    /// The RCODE.
    pub rcode: OptRcode,
    /// AA.
    pub aa: bool,
    /// RA.
    pub ra: bool,
    /// Answer section.
    pub answer: Vec<RRset>,
    /// Authority section.
    pub authority: Vec<RRset>,
    /// Additional section.
    pub additional: Vec<RRset>,
    /// The domain of an agent for reports, in the OPT record.
    pub agent: Option<Name>,
}

impl Said {
    fn new(rcode: OptRcode, aa: bool) -> Self {
        let (answer, authority, additional) = Default::default();
        Said { rcode, aa, ra: false, answer, authority, additional, agent: None }
    }

    /// An empty answer of a resolver: RA, no AA.
    #[must_use]
    pub fn recursive(rcode: OptRcode) -> Self {
        Said { ra: true, ..Said::new(rcode, false) }
    }

    /// A failure without records.
    #[must_use]
    pub fn error(rcode: OptRcode) -> Self {
        Said::new(rcode, false)
    }

    /// NOERROR with AA and no records.
    #[must_use]
    pub fn authoritative() -> Self {
        Said::new(OptRcode::NOERROR, true)
    }

    /// A referral to the root, as given by servers that do not have the zone.
    #[must_use]
    pub fn upward() -> Self {
        let mut said = Said::new(OptRcode::NOERROR, false);
        let target = name::parse("a.root-servers.net").unwrap_or_else(|_| name::root());
        said.authority.push(RRset::naming(name::root(), Rtype::NS, 3600, &target));
        said
    }

    /// The message with ID 0 and without OPT.
    #[must_use]
    pub fn message(&self, question: &Question, dnssec_ok: bool) -> Vec<u8> {
        let proof = |set: &&RRset| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3);
        let authority: Vec<RRset> =
            self.authority.iter().filter(|set| dnssec_ok || !proof(set)).cloned().collect();
        compose(&Response {
            question,
            rcode: self.rcode,
            flags: ResponseFlags { aa: self.aa, ra: self.ra, ..ResponseFlags::default() },
            answer: &self.answer,
            authority: &authority,
            additional: &self.additional,
            signatures: dnssec_ok,
        })
    }
}

impl Zone {
    /// Parses a zone file. A zone without SOA gets an SOA with a MINIMUM of 60 s.
    ///
    /// # Errors
    /// The text breaks the syntax.
    pub fn parse(origin: &str, text: &str) -> Result<Self, String> {
        let origin = name::parse(origin)?;
        let mut zone = Zone { nodes: BTreeMap::new(), agent: None, denying: None, origin };
        let soa = "@ 3600 SOA ns. host. 1 3600 600 604800 60";
        for set in zonefile::parse(soa, &zone.origin)? {
            zone.add(set);
        }
        for set in zonefile::parse(text, &zone.origin)? {
            zone.add(set);
        }
        Ok(zone)
    }

    /// Adds an RRset, replacing an RRset of its name and type.
    pub fn add(&mut self, set: RRset) {
        let node = self.nodes.entry(name::lowercase(&set.owner)).or_default();
        node.insert(set.rtype.to_int(), set);
    }

    /// Takes an RRset away.
    pub fn remove(&mut self, owner: &Name, rtype: Rtype) {
        if let Some(node) = self.nodes.get_mut(&name::lowercase(owner)) {
            node.remove(&rtype.to_int());
        }
    }

    /// The answer of a server of the zone.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Said {
        if let Some(cut) = self.cut(&question.name, question.rtype) {
            return self.referral(&cut);
        }
        let mut said = Said::new(OptRcode::NOERROR, true);
        let mut at = question.name.clone();
        for _ in 0..MOST_ALIASES {
            if let Some(dname) = self.dname(&at) {
                said.answer.push(dname.clone());
                let target = dname.target().unwrap_or_else(name::root);
                let Some(made) = name::substitute(&at, &dname.owner, &target) else {
                    said.rcode = OptRcode::YXDOMAIN;
                    return said;
                };
                said.answer.push(RRset::naming(at.clone(), Rtype::CNAME, dname.ttl, &made));
                at = made;
            } else {
                match self.records(&at, question.rtype) {
                    Node::Records(sets) => {
                        if !self.exists(&at) {
                            said.authority.extend(self.proof(&at));
                        }
                        said.additional.extend(sets.iter().flat_map(|set| self.addresses(set)));
                        said.answer.extend(sets);
                        return said;
                    }
                    Node::Alias(cname) => {
                        if !self.exists(&at) {
                            said.authority.extend(self.proof(&at));
                        }
                        at = cname.target().unwrap_or_else(name::root);
                        said.answer.push(cname);
                    }
                    Node::NoData => {
                        said.authority.extend(self.soa());
                        said.authority.extend(self.proof(&at));
                        return said;
                    }
                    Node::NoName => {
                        if self.denying != Some(Denying::Compact { restores: false }) {
                            said.rcode = OptRcode::NXDOMAIN;
                        }
                        said.authority.extend(self.soa());
                        said.authority.extend(self.proof(&at));
                        return said;
                    }
                }
            }
            if !name::is_within(&at, &self.origin) || self.cut(&at, question.rtype).is_some() {
                return said;
            }
        }
        said
    }

    /// The names with records, without NSEC3 owners.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let own =
            |node: &BTreeMap<u16, RRset>| node.keys().any(|rtype| *rtype != Rtype::NSEC3.to_int());
        self.nodes.iter().filter(move |(_, node)| own(node)).map(|(name, _)| name)
    }

    /// Every RRset.
    pub fn rrsets(&self) -> impl Iterator<Item = &RRset> {
        self.nodes.values().flat_map(BTreeMap::values)
    }

    fn get(&self, owner: &Name, rtype: Rtype) -> Option<&RRset> {
        self.nodes.get(&name::lowercase(owner))?.get(&rtype.to_int())
    }

    fn soa(&self) -> Option<RRset> {
        self.get(&self.origin, Rtype::SOA).cloned()
    }

    /// The topmost zone cut at or above the name, for which DS is still answered here.
    fn cut(&self, name: &Name, rtype: Rtype) -> Option<Name> {
        let depth = name::depth(&self.origin);
        let mut below = (depth + 1..=name::depth(name)).map(|labels| name::ancestor(name, labels));
        let cut = below.find(|ancestor| self.get(ancestor, Rtype::NS).is_some())?;
        (rtype != Rtype::DS || cut != *name).then_some(cut)
    }

    fn referral(&self, cut: &Name) -> Said {
        let mut said = Said::new(OptRcode::NOERROR, false);
        let Some(ns) = self.get(cut, Rtype::NS) else { return said };
        said.authority.push(ns.clone());
        match self.get(cut, Rtype::DS) {
            Some(ds) => said.authority.push(ds.clone()),
            None => said.authority.extend(self.proof(cut)),
        }
        said.additional = self.addresses(ns);
        said
    }

    /// The glue of an NS RRset, as far as the zone has addresses.
    fn addresses(&self, ns: &RRset) -> Vec<RRset> {
        let targets = ns.targets().filter(|_| ns.rtype == Rtype::NS);
        let both = |server| [Rtype::A, Rtype::AAAA].map(|rtype| self.get(&server, rtype).cloned());
        targets.flat_map(both).flatten().collect()
    }

    fn dname(&self, name: &Name) -> Option<&RRset> {
        let above = name::with_ancestors(name).skip(1);
        let within = above.take_while(|ancestor| name::is_within(ancestor, &self.origin));
        within.into_iter().find_map(|ancestor| self.get(&ancestor, Rtype::DNAME))
    }

    fn records(&self, at: &Name, rtype: Rtype) -> Node {
        let mut source = at.clone();
        if !self.exists(at) {
            // The wildcard of the closest encloser (RFC 4592 section 3.3.1).
            let encloser = name::with_ancestors(at).skip(1).find(|ancestor| self.exists(ancestor));
            let wildcard = encloser.and_then(|encloser| name::parse(&format!("*.{encloser}")).ok());
            // The wildcard may be an empty non-terminal (RFC 4592 section 2.2.2).
            match wildcard.filter(|wildcard| self.exists(wildcard)) {
                Some(wildcard) => source = wildcard,
                None => return Node::NoName,
            }
        }
        let own = |set: &RRset| RRset { owner: at.clone(), ..set.clone() };
        if rtype == Rtype::ANY {
            let node = self.nodes.get(&name::lowercase(&source));
            let sets: Vec<RRset> =
                node.into_iter().flat_map(|node| node.values().map(own)).collect();
            return if sets.is_empty() { Node::NoData } else { Node::Records(sets) };
        }
        match (self.get(&source, rtype), self.get(&source, Rtype::CNAME)) {
            (Some(set), _) => Node::Records(vec![own(set)]),
            (None, Some(cname)) => Node::Alias(own(cname)),
            (None, None) => Node::NoData,
        }
    }

    /// Whether the name, or a name below, has records: empty non-terminals exist (RFC 8020).
    fn exists(&self, name: &Name) -> bool {
        // The hashed owners of NSEC3 records are no names of the zone.
        let own = self
            .nodes
            .iter()
            .filter(|(_, node)| node.keys().any(|rtype| *rtype != Rtype::NSEC3.to_int()));
        own.into_iter().any(|(node, _)| name::is_within(node, name))
    }
}

enum Node {
    Records(Vec<RRset>),
    Alias(RRset),
    NoData,
    NoName,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(asked: &str, rtype: Rtype) -> Said {
        let text = "@ NS ns\nns A 192.0.2.1\nwww CNAME host\nhost A 192.0.2.2\na.ent A 192.0.2.3\n\
                    *.wild TXT x\nsub NS ns.sub\nns.sub A 192.0.2.4\nsub DS 1 13 2 00\n\
                    old DNAME new\nx.new A 192.0.2.5\n";
        let zone = Zone::parse("example.test", text).unwrap();
        zone.answer(&Question::new(name::parse(asked).unwrap(), rtype))
    }

    #[test]
    fn it_answers_as_rfc_1034_says() {
        assert_eq!(say("www.example.test", Rtype::A).answer.len(), 2);
        assert_eq!(say("ent.example.test", Rtype::A).rcode, OptRcode::NOERROR);
        assert_eq!(say("no.example.test", Rtype::A).rcode, OptRcode::NXDOMAIN);
        assert_eq!(say("any.wild.example.test", Rtype::TXT).answer.len(), 1);
        assert_eq!(say("any.wild.example.test", Rtype::A).authority.len(), 1);
        assert_eq!(say("x.old.example.test", Rtype::A).answer.len(), 3);
        let referral = say("deep.sub.example.test", Rtype::A);
        assert!(!referral.aa && referral.authority.len() == 2 && referral.additional.len() == 1);
        assert!(say("sub.example.test", Rtype::DS).aa, "DS is the parent's");
    }
}
