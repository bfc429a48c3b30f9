//! Groups the records of a section into RRsets in linear time.

use std::collections::{HashMap, HashSet};

use domain::base::iana::Rtype;

use super::names::NameReader;
use super::owners::OwnerTable;
use super::record::RawRecord;
use crate::message::MessageError;
use crate::rrset::{RRset, Records};

/// RRsets of the answer and authority sections together, RRsets of signatures included. A message
/// with more is rejected; the number of records of an RRset is not limited.
pub const MAX_RRSETS: usize = 512;
/// RRSIG records kept of one RRset, since a zone has few keys. A question for RRSIG keeps all.
pub const MAX_SIGNATURES: usize = 16;

/// Up to this many groups, or records of a group, are compared one by one; most sections have
/// fewer.
const LINEAR_SEARCH_MAX: usize = 8;

/// The RRsets of a section, while its records are read.
pub(super) struct RRsetBuilder {
    list: Vec<RRsetGroup>,
    /// The position of each group in `list`, if there are more than a few.
    index: HashMap<GroupKey, usize>,
    /// The most RRsets.
    max_rrsets: usize,
    /// RRSIG records also form RRsets of their own, because the question asks for RRSIG.
    raw: bool,
    dropped_signatures: usize,
}

/// The number of the owner name, the type, and the covered type of an RRSIG (for other records the
/// type again).
type GroupKey = (usize, Rtype, Rtype);

/// One RRset, while its records are read.
struct RRsetGroup {
    key: GroupKey,
    ttl: u32,
    /// The number of records, and their RDATA in the format of [`Records`].
    count: usize,
    records: Vec<u8>,
    /// The position among the finished RRsets.
    position: usize,
}

impl RRsetBuilder {
    /// An empty builder for at most `max_rrsets` RRsets.
    pub(super) fn new(max_rrsets: usize, raw: bool) -> Self {
        RRsetBuilder {
            list: Vec::new(),
            index: HashMap::new(),
            max_rrsets,
            raw,
            dropped_signatures: 0,
        }
    }

    /// Adds a record to the RRset of its type and of the owner with number `owner`.
    ///
    /// # Errors
    /// The RDATA is malformed, in which case no record is added, or the RRset is one too many.
    pub(super) fn add(
        &mut self,
        owner: usize,
        record: &RawRecord<'_>,
        names: &mut NameReader<'_>,
    ) -> Result<(), MessageError> {
        let key = (owner, record.rtype, record.covered());
        let ttl = effective_ttl(record.ttl);
        let found = self.find(&key);
        if let Some(group) = found.and_then(|at| self.list.get_mut(at)) {
            if record.rtype == Rtype::RRSIG && group.count >= MAX_SIGNATURES && !self.raw {
                self.dropped_signatures += 1;
                return Ok(());
            }
            group.add(record, names)?;
            group.ttl = group.ttl.min(ttl);
            return Ok(());
        }
        if self.list.len() >= self.max_rrsets {
            return Err(MessageError::TooManyRRsets);
        }
        let mut group = RRsetGroup { key, ttl, count: 0, records: Vec::new(), position: 0 };
        group.add(record, names)?;
        self.list.push(group);
        self.remember();
        Ok(())
    }

    /// The number of RRsets.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The number of signatures that were discarded.
    pub(super) fn dropped_signatures(&self) -> usize {
        self.dropped_signatures
    }

    /// The RRsets in the order of first appearance, with signatures attached to the RRset that they
    /// cover. Signatures form an RRset of their own if the covered RRset is absent, or if the
    /// question asks for RRSIG.
    pub(super) fn into_rrsets(mut self, owners: &OwnerTable) -> Vec<RRset> {
        let mut sets = Vec::with_capacity(self.list.len());
        let mut signatures = Vec::new();
        for group in &mut self.list {
            let (owner, rtype, covered) = group.key;
            let Some(name) = owners.name(owner) else { continue };
            let set = RRset::new(name.clone(), rtype, group.ttl, group.records());
            group.position = sets.len();
            if rtype == Rtype::RRSIG {
                signatures.push(((owner, covered, covered), set));
            } else {
                sets.push(set);
            }
        }
        for (key, signature) in signatures {
            let covers = self.find(&key).and_then(|at| self.list.get(at));
            let covers = covers.filter(|group| group.key.1 != Rtype::RRSIG);
            let absent = covers.is_none();
            if let Some(set) = covers.and_then(|group| sets.get_mut(group.position)) {
                set.signatures = signature.records.clone();
            }
            if self.raw || absent {
                sets.push(signature);
            }
        }
        sets
    }

    fn find(&self, key: &GroupKey) -> Option<usize> {
        match self.index.is_empty() {
            true => self.list.iter().rposition(|group| group.key == *key),
            false => self.index.get(key).copied(),
        }
    }

    /// Adds new groups to the index, if there are more than a few.
    fn remember(&mut self) {
        if self.list.len() > LINEAR_SEARCH_MAX {
            for (at, group) in self.list.iter().enumerate().skip(self.index.len()) {
                self.index.insert(group.key, at);
            }
        }
    }
}

impl RRsetGroup {
    fn add(
        &mut self,
        record: &RawRecord<'_>,
        names: &mut NameReader<'_>,
    ) -> Result<(), MessageError> {
        let start = self.records.len();
        match self.count {
            0 => self.records.reserve_exact(2 + record.rdata.len()),
            _ => self.records.reserve(2 + record.rdata.len()),
        }
        self.records.extend_from_slice(&[0; 2]);
        let written = record.write_rdata(names, &mut self.records);
        let length = u16::try_from(self.records.len() - start - 2).map_err(|_| MessageError::Rdata);
        match written.and(length) {
            Ok(length) => {
                self.records[start..start + 2].copy_from_slice(&length.to_be_bytes());
                self.count += 1;
                Ok(())
            }
            Err(malformed) => {
                self.records.truncate(start);
                Err(malformed)
            }
        }
    }

    /// The records without duplicates (RFC 2181 section 5).
    fn records(&mut self) -> Records {
        let records = Records::from_bytes(std::mem::take(&mut self.records).into());
        if self.count < 2 || are_distinct(&records, self.count) {
            return records;
        }
        let mut seen = HashSet::with_capacity(self.count);
        records.slices().filter(|rdata| seen.insert(*rdata)).collect()
    }
}

fn are_distinct(records: &Records, count: usize) -> bool {
    if count <= LINEAR_SEARCH_MAX {
        let before = |at: usize, rdata| records.slices().take(at).any(|other| other == rdata);
        return !records.slices().enumerate().any(|(at, rdata)| before(at, rdata));
    }
    let mut seen = HashSet::with_capacity(count);
    records.slices().all(|rdata| seen.insert(rdata))
}

/// A TTL with the top bit set counts as 0 (RFC 2181 section 8).
fn effective_ttl(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}
