//! The algorithm of an authoritative server (RFC 1034 section 4.3.2, RFC 6672 section 3.2, RFC 4592 section 3.3).

use zoners_dns::{Name, OptRcode, RRset, Records, Rtype, SortKey, name};

use crate::reply::{ReplyKind, ZoneReply};
use crate::zone::{AuthoritativeZone, ZoneNode, wildcard_key};

/// Aliases followed within a zone; a longer chain counts as a loop.
const MAX_ALIASES: usize = 16;

/// Where a name lies in a zone.
enum Located<'a> {
    /// At a zone cut, or below: the name belongs to the zone below.
    Cut(&'a ZoneNode),
    /// Below a DNAME.
    Redirected(&'a RRset),
    /// The name has records.
    Node(&'a ZoneNode),
    /// The name has no records, and names below (RFC 4592 section 2.2.2).
    EmptyNonTerminal,
    /// The name does not exist; the wildcard of the closest encloser does, perhaps as an empty non-terminal.
    Wildcard(Option<&'a ZoneNode>, Name),
    /// The name does not exist; the closest encloser.
    Missing(Name),
}

impl AuthoritativeZone {
    /// The reply to a question about a name within the zone. A question about DS belongs to the zone above, unless the
    /// name lies below the apex.
    #[must_use]
    pub fn reply(&self, asked: &Name, rtype: Rtype) -> ZoneReply {
        let (mut reply, mut at) = (ZoneReply::new(), asked.clone());
        while let Some(target) = self.answer(&at, rtype, &mut reply) {
            if !name::is_within(&target, self.apex()) {
                reply.kind = ReplyKind::Alias;
                break;
            }
            if reply.answer.len() >= MAX_ALIASES {
                break;
            }
            at = target;
        }
        reply
    }

    /// Adds the answer about one name; returns the target, if the name is an alias.
    fn answer(&self, at: &Name, rtype: Rtype, reply: &mut ZoneReply) -> Option<Name> {
        match self.locate(at, rtype) {
            Located::Cut(_) if !reply.answer.is_empty() => reply.kind = ReplyKind::Alias,
            Located::Cut(node) => self.refer(node, reply),
            Located::Redirected(dname) => {
                let target = redirect(at, dname, reply);
                // The synthesised CNAME is the answer to a question for CNAME (RFC 6672 section 3.2).
                return target.filter(|_| !matches!(rtype, Rtype::CNAME | Rtype::ANY));
            }
            Located::Node(node) => {
                if let Some(target) = add_records(node, at, rtype, reply) {
                    return target;
                }
                self.deny(OptRcode::NOERROR, self.prove_no_type(at), reply);
            }
            Located::EmptyNonTerminal => {
                self.deny(OptRcode::NOERROR, self.prove_no_type(at), reply);
            }
            Located::Wildcard(node, encloser) => {
                if let Some(target) = node.and_then(|node| add_records(node, at, rtype, reply)) {
                    reply.authority.extend(self.prove_expansion(at, &encloser));
                    return target;
                }
                let proof = self.prove_no_type_of_wildcard(at, &encloser);
                self.deny(OptRcode::NOERROR, proof, reply);
            }
            Located::Missing(encloser) => {
                self.deny(OptRcode::NXDOMAIN, self.prove_no_name(at, &encloser), reply);
            }
        }
        None
    }

    /// Walks from the apex down to a name.
    fn locate(&self, asked: &Name, rtype: Rtype) -> Located<'_> {
        let key = SortKey::of(asked.for_slice());
        let apex_at = asked.len() - self.apex().len();
        let within = key.with_ancestors().take_while(|(at, _)| *at <= apex_at);
        let mut encloser = apex_at;
        for (at, key) in within.collect::<Vec<_>>().into_iter().rev() {
            let (is_apex, is_asked) = (at == apex_at, at == 0);
            match self.first_from(key) {
                Some((found, node)) if found == key => {
                    let is_cut = !is_apex && node.get(Rtype::NS).is_some();
                    if is_cut && !(is_asked && rtype == Rtype::DS) {
                        return Located::Cut(node);
                    }
                    if is_asked {
                        return Located::Node(node);
                    }
                    if let Some(dname) = node.get(Rtype::DNAME) {
                        return Located::Redirected(dname);
                    }
                }
                Some((found, _)) if found.starts_with(key) => {
                    if is_asked {
                        return Located::EmptyNonTerminal;
                    }
                }
                _ => return self.locate_wildcard(asked, encloser),
            }
            encloser = at;
        }
        self.locate_wildcard(asked, encloser)
    }

    /// The wildcard of the closest encloser, which begins at octet `encloser` of the name.
    fn locate_wildcard(&self, asked: &Name, encloser: usize) -> Located<'_> {
        let encloser = name::from_offset(asked, encloser).unwrap_or_else(|| self.apex().clone());
        let key = wildcard_key(&encloser);
        match self.first_from(&key) {
            Some((found, node)) if found == key => Located::Wildcard(Some(node), encloser),
            Some((found, _)) if found.starts_with(&key) => Located::Wildcard(None, encloser),
            _ => Located::Missing(encloser),
        }
    }

    /// A denial: the SOA record and the proof.
    fn deny(&self, rcode: OptRcode, proof: Vec<RRset>, reply: &mut ZoneReply) {
        reply.rcode = rcode;
        reply.authority.extend(self.negative_soa());
        reply.authority.extend(proof);
    }

    /// A referral, with the DS records or the proof of their absence, and glue (RFC 9471).
    fn refer(&self, cut: &ZoneNode, reply: &mut ZoneReply) {
        reply.kind = ReplyKind::Referral;
        let Some(ns) = cut.get(Rtype::NS) else { return };
        reply.authority.push(ns.clone());
        match cut.get(Rtype::DS) {
            Some(ds) => reply.authority.push(ds.clone()),
            None => reply.authority.extend(self.prove_no_ds(&ns.owner)),
        }
        for server in ns.targets().filter(|server| name::is_within(server, self.apex())) {
            let key = SortKey::of(server.for_slice());
            let Some(node) = self.node(key.as_slice()) else { continue };
            let addresses = [Rtype::A, Rtype::AAAA].map(|rtype| node.get(rtype).cloned());
            reply.additional.extend(addresses.into_iter().flatten());
        }
    }
}

/// Adds the records of a name, or of a wildcard in its place. `None` without a record; else the target of an alias,
/// if the alias is to be followed.
fn add_records(
    node: &ZoneNode,
    at: &Name,
    rtype: Rtype,
    reply: &mut ZoneReply,
) -> Option<Option<Name>> {
    let own = |set: &RRset| RRset { owner: at.clone(), ..set.clone() };
    if rtype == Rtype::ANY {
        reply.answer.extend(node.sets.iter().map(own));
        return Some(None);
    }
    if rtype == Rtype::RRSIG {
        return signatures(node, at).map(|set| {
            reply.answer.push(set);
            None
        });
    }
    if let Some(set) = node.get(rtype) {
        reply.answer.push(own(set));
        return Some(None);
    }
    let alias = node.get(Rtype::CNAME)?;
    reply.answer.push(own(alias));
    Some(alias.target())
}

/// The signatures at a name as an RRset.
fn signatures(node: &ZoneNode, at: &Name) -> Option<RRset> {
    let alone = node.get(Rtype::RRSIG).into_iter().flat_map(|set| set.records.iter());
    let records: Records =
        node.sets.iter().flat_map(|set| set.signatures.iter()).chain(alone).collect();
    let ttl = node.sets.iter().map(|set| set.ttl).min()?;
    (!records.is_empty()).then(|| RRset::new(at.clone(), Rtype::RRSIG, ttl, records))
}

/// Adds a DNAME and the CNAME synthesised from the DNAME (RFC 6672 section 3.1); returns the target.
fn redirect(at: &Name, dname: &RRset, reply: &mut ZoneReply) -> Option<Name> {
    reply.answer.push(dname.clone());
    let target = dname.target()?;
    let Some(target) = name::substitute(at, &dname.owner, &target) else {
        reply.rcode = OptRcode::YXDOMAIN;
        return None;
    };
    reply.answer.push(RRset::naming(at.clone(), Rtype::CNAME, dname.ttl, &target));
    Some(target)
}

#[cfg(test)]
mod tests;
