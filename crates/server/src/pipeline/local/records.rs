//! Local records by name, with wildcards (RFC 4592).

mod builder;

use std::collections::{HashMap, HashSet};

use zoners_dns::{Name, NameSlice, OptRcode, RRset, Records as Rdata, Rtype, name};
use zoners_resolver::Answer;

use super::{answer_of, soa};
pub(super) use builder::Builder;

/// Aliases followed among local records; a longer chain is a loop, which gets SERVFAIL.
const MOST_ALIASES: usize = 8;

/// RRsets by name. A local name is authoritative: missing types are denied. So are names below the
/// parent of a wildcard without records of their own or of the wildcard.
#[derive(Debug, Default)]
pub(super) struct LocalRecords {
    names: HashMap<Name, Box<[Set]>>,
    /// Names with other names below, as far as needed: below the parents of wildcards and within
    /// special-use zones.
    above: HashSet<Name>,
    /// The wildcards, by their parents.
    wildcards: HashMap<Name, Name>,
}

/// The records of one name and type, with the owner name.
#[derive(Debug)]
struct Set {
    rtype: Rtype,
    ttl: u32,
    records: Rdata,
}

/// The local data of a name.
enum Found<'a> {
    /// The records; missing types are denied by a zone of this name.
    Sets(&'a [Set], Name),
    /// An empty non-terminal: a zone of this name denies each type.
    Empty(Name),
    /// The name does not exist in a zone of this name.
    Gone(Name),
}

impl LocalRecords {
    pub(super) fn answer(&self, asked: &NameSlice, rtype: Rtype) -> Option<Answer> {
        // Most names are not local and cost a single look-up.
        let is_ours = self.names.contains_key(asked);
        if !is_ours && self.wildcard_above(asked).is_none() {
            return None;
        }
        let mut chain: Vec<RRset> = Vec::new();
        let mut at = name::owned(asked);
        loop {
            let (sets, zone) = match self.find(&at) {
                Some(Found::Sets(sets, zone)) => (sets, zone),
                Some(Found::Empty(zone)) => {
                    return Some(answer_of(OptRcode::NOERROR, chain, soa(&zone)));
                }
                Some(Found::Gone(zone)) => {
                    return Some(answer_of(OptRcode::NXDOMAIN, chain, soa(&zone)));
                }
                // An alias may lead to a name that is not local; the client asks for it.
                None if chain.is_empty() => return None,
                None => return Some(answer_of(OptRcode::NOERROR, chain, vec![])),
            };
            let wanted = |rtype: Rtype| {
                let set = sets.iter().find(|set| set.rtype == rtype)?;
                Some(RRset::new(at.clone(), rtype, set.ttl, set.records.clone()))
            };
            if let Some(set) = wanted(rtype) {
                chain.push(set);
                return Some(answer_of(OptRcode::NOERROR, chain, vec![]));
            }
            match wanted(Rtype::CNAME) {
                Some(alias) if chain.len() < MOST_ALIASES => {
                    at = alias.target()?;
                    chain.push(alias);
                }
                Some(_) => return Some(answer_of(OptRcode::SERVFAIL, vec![], vec![])),
                None => return Some(answer_of(OptRcode::NOERROR, chain, soa(&zone))),
            }
        }
    }

    /// Whether there are records below `name`, which is within a special-use zone.
    pub(super) fn has_below(&self, name: &Name) -> bool {
        self.above.contains(name)
    }

    /// How many names have records.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    fn find(&self, asked: &Name) -> Option<Found<'_>> {
        if let Some(sets) = self.names.get(asked) {
            return Some(Found::Sets(sets, asked.clone()));
        }
        let zone = self.wildcard_above(asked.for_slice())?;
        if self.above.contains(asked) {
            return Some(Found::Empty(zone));
        }
        // The closest encloser is the longest existing ancestor; its wildcard alone counts (RFC
        // 4592 section 3.3.1). The zone's own name exists, as its wildcard lies below.
        let exists = |name: &Name| self.names.contains_key(name) || self.above.contains(name);
        let encloser = name::with_ancestors(asked).skip(1).find(exists)?;
        let wildcard = self.wildcards.get(&encloser).and_then(|wildcard| self.names.get(wildcard));
        Some(wildcard.map_or(Found::Gone(zone), |sets| Found::Sets(sets, encloser)))
    }

    /// The closest ancestor of `asked` that is the parent of a wildcard.
    fn wildcard_above(&self, asked: &NameSlice) -> Option<Name> {
        if self.wildcards.is_empty() {
            return None;
        }
        let mut above = asked.iter_suffixes().skip(1);
        let nearest = above.find(|name| self.wildcards.contains_key(name.for_slice()))?;
        Some(name::owned(nearest.for_slice()))
    }
}

#[cfg(test)]
mod tests;
