//! Collects records at a constant cost for each, however many its name already has.

use std::collections::{HashMap, HashSet};

use zoners_dns::{Name, RRset, Records as Rdata, Rtype, name};

use super::{LocalRecords, Set};

/// Records that are not grouped into RRsets yet.
#[derive(Debug, Default)]
pub(in super::super) struct Builder {
    names: HashMap<Name, Vec<Set>>,
    left_out: usize,
}

impl Builder {
    /// Adds records to the RRset of a name and type.
    pub(in super::super) fn add(&mut self, owner: Name, rtype: Rtype, ttl: u32, records: Rdata) {
        // Most names have one RRset.
        let sets = self.names.entry(owner).or_insert_with(|| Vec::with_capacity(1));
        sets.push(Set { rtype, ttl, records });
    }

    /// Adds an RRset to the set of its name and type.
    pub(in super::super) fn add_set(&mut self, set: RRset) {
        self.add(set.owner, set.rtype, set.ttl, set.records);
    }

    /// Adds a record unless its name has `most` already; then counts it as left out.
    pub(in super::super) fn add_up_to(&mut self, most: usize, set: RRset) {
        match self.names.get(&set.owner).is_some_and(|sets| sets.len() >= most) {
            true => self.left_out += 1,
            false => self.add_set(set),
        }
    }

    /// How many were left out.
    pub(in super::super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// The records by name; `is_special` tells names within special-use zones.
    pub(in super::super) fn build(self, is_special: impl Fn(&Name) -> bool) -> LocalRecords {
        let sets = self.names.into_iter().map(|(owner, sets)| (owner, together(sets)));
        let names: HashMap<Name, Box<[Set]>> = sets.collect();
        let parent = |name: &Name| name.first().is_wildcard().then(|| name.parent()).flatten();
        let wildcards = names.keys().filter_map(|name| Some((parent(name)?, name.clone())));
        let wildcards: HashMap<Name, Name> = wildcards.collect();
        let counts = |owner: &&Name| {
            is_special(owner)
                || (!wildcards.is_empty()
                    && name::with_ancestors(owner).any(|name| wildcards.contains_key(&name)))
        };
        let mut above = HashSet::new();
        names.keys().filter(counts).for_each(|owner| {
            // If the name existed before, so did its ancestors.
            for name in name::with_ancestors(owner).skip(1) {
                if !above.insert(name) {
                    break;
                }
            }
        });
        LocalRecords { names, above, wildcards }
    }
}

/// One set for each type, without duplicate records (RFC 2181 section 5).
fn together(mut sets: Vec<Set>) -> Box<[Set]> {
    sets.sort_by_key(|set| set.rtype);
    let groups = sets.chunk_by(|one, other| one.rtype == other.rtype);
    groups.map(joined).collect()
}

fn joined(group: &[Set]) -> Set {
    let mut seen = HashSet::new();
    let ttl = group.iter().map(|set| set.ttl).min().unwrap_or_default();
    let rtype = group.first().map_or(Rtype::A, |set| set.rtype);
    let records = match group {
        [one] if one.records.len() == 1 => one.records.clone(),
        several => {
            let records = several.iter().flat_map(|set| set.records.slices());
            records.filter(|rdata| seen.insert(*rdata)).collect()
        }
    };
    Set { rtype, ttl, records }
}
