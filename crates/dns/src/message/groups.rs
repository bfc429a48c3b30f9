//! The records of a section, grouped into RRsets in linear time.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use domain::base::iana::Rtype;
use domain::base::name::{ParsedName, ToName};

use crate::name::Name;
use crate::question::Question;
use crate::rrset::{RRset, Records};

/// So many groups, or records of a group, are compared one by one; most sections have fewer.
const FEW: usize = 8;

/// The RRsets of a section in the making.
#[derive(Default)]
pub(super) struct Groups {
    list: Vec<Group>,
    /// Where each is, once they are many.
    index: HashMap<(Question, Rtype), usize>,
}

/// One RRset in the making.
struct Group {
    owner: Name,
    rtype: Rtype,
    covered: Rtype,
    ttl: u32,
    records: Vec<Vec<u8>>,
}

impl Groups {
    /// Adds a record to the RRset of its owner and type; RRSIGs form an RRset for each covered
    /// type.
    pub(super) fn add(
        &mut self,
        owner: ParsedName<&Bytes>,
        rtype: Rtype,
        covered: Rtype,
        ttl: u32,
        rdata: Vec<u8>,
    ) {
        let ttl = effective_ttl(ttl);
        let group = self.of(owner, rtype, covered, ttl);
        group.ttl = group.ttl.min(ttl);
        group.records.push(rdata);
    }

    /// The RRsets in the order of first appearance, each RRSIG set hung on the RRset that it covers.
    /// Signatures whose RRset is absent stand alone; all do besides when they themselves were asked for
    /// (`raw`).
    pub(super) fn into_rrsets(self, raw: bool) -> Vec<RRset> {
        let (mut sets, mut signatures) = (Vec::new(), Vec::new());
        for group in self.list {
            let records = once_each(&group.records);
            let set = RRset::new(group.owner, group.rtype, group.ttl, records);
            if group.rtype == Rtype::RRSIG {
                signatures.push((group.covered, set));
            } else {
                sets.push(set);
            }
        }
        if signatures.is_empty() {
            return sets;
        }
        let of = |set: &RRset, rtype| Question::new(set.owner.clone(), rtype);
        let at: HashMap<Question, usize> =
            sets.iter().enumerate().map(|(at, set)| (of(set, set.rtype), at)).collect();
        for (covered, signature) in signatures {
            let covers = at.get(&of(&signature, covered)).and_then(|at| sets.get_mut(*at));
            let absent = covers.is_none();
            if let Some(set) = covers {
                set.signatures = signature.records.clone();
            }
            if raw || absent {
                sets.push(signature);
            }
        }
        sets
    }

    /// The group of this owner and type, a new one if it is the first that is seen of it.
    fn of(
        &mut self,
        owner: ParsedName<&Bytes>,
        rtype: Rtype,
        covered: Rtype,
        ttl: u32,
    ) -> &mut Group {
        let same = |group: &Group| {
            group.rtype == rtype && group.covered == covered && owner.name_eq(&group.owner)
        };
        let found = if self.index.is_empty() {
            self.list.iter().rposition(same)
        } else {
            let key = (Question::new(owner.to_name(), rtype), covered);
            self.index.get(&key).copied()
        };
        let at = found.unwrap_or_else(|| {
            let owner = owner.to_name();
            self.list.push(Group { owner, rtype, covered, ttl, records: Vec::new() });
            self.remember();
            self.list.len() - 1
        });
        &mut self.list[at]
    }

    /// Puts those into the index that are not there yet, if there are more than a few.
    fn remember(&mut self) {
        if self.list.len() > FEW {
            for (at, group) in self.list.iter().enumerate().skip(self.index.len()) {
                let question = Question::new(group.owner.clone(), group.rtype);
                self.index.insert((question, group.covered), at);
            }
        }
    }
}

/// A TTL with the top bit set counts as zero (RFC 2181 section 8).
fn effective_ttl(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}

/// The records without duplicates, which an RRset does not have (RFC 2181 section 5).
fn once_each(records: &[Vec<u8>]) -> Records {
    if records.len() <= FEW {
        let first = |(at, rdata): &(usize, &Vec<u8>)| !records[..*at].contains(rdata);
        return records.iter().enumerate().filter(first).map(|(_, rdata)| rdata).collect();
    }
    let mut seen = HashSet::with_capacity(records.len());
    records.iter().filter(|rdata| seen.insert(rdata.as_slice())).collect()
}
