//! Records that are answered here, by name, with wildcards (RFC 4592).

mod builder;

use std::collections::{HashMap, HashSet};

use zoners_dns::{Name, NameSlice, OptRcode, RRset, Records as Rdata, Rtype, name};
use zoners_resolver::Answer;

use super::{answer_of, soa};
pub(super) use builder::Builder;

/// Aliases followed among our own records; further than that they loop.
const MOST_ALIASES: usize = 8;

/// RRsets by name. A name that has any has no others: types that it lacks are denied. So are names below the
/// parent of a wildcard that neither have records nor get any from a wildcard.
#[derive(Debug, Default)]
pub(super) struct Records {
    names: HashMap<Name, Box<[Set]>>,
    /// Names that have others below them: of those that one may need to know, which are the names below the
    /// parents of wildcards and within special-use zones.
    above: HashSet<Name>,
    /// The wildcards, by their parents.
    wildcards: HashMap<Name, Name>,
}

/// The records of one name and type; the name is where they lie.
#[derive(Debug)]
struct Set {
    rtype: Rtype,
    ttl: u32,
    records: Rdata,
}

/// What there is for a name.
enum Found<'a> {
    /// These records; what they lack is denied by a zone of this name.
    Sets(&'a [Set], Name),
    /// Nothing, but names below it: there, a zone of this name has no records.
    Empty(Name),
    /// Not even that.
    Gone(Name),
}

impl Records {
    pub(super) fn answer(&self, asked: &NameSlice, rtype: Rtype) -> Option<Answer> {
        // Most names are not ours; those cost a look and nothing else.
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
                // An alias may lead to a name that others have; the client asks on.
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
                _ => return Some(answer_of(OptRcode::NOERROR, chain, soa(&zone))),
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
        // The closest encloser is the longest name above that exists; its wildcard alone counts (RFC 4592
        // section 3.3.1). The zone's own name exists, as its wildcard lies below it.
        let exists = |name: &Name| self.names.contains_key(name) || self.above.contains(name);
        let encloser = name::with_ancestors(asked).skip(1).find(exists)?;
        let wildcard = self.wildcards.get(&encloser).and_then(|wildcard| self.names.get(wildcard));
        Some(wildcard.map_or(Found::Gone(zone), |sets| Found::Sets(sets, encloser)))
    }

    /// The nearest name above `asked` that is the parent of a wildcard.
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
