//! The records of a section, grouped into RRsets in linear time.

use std::collections::{HashMap, HashSet};

use domain::base::iana::Rtype;

use super::names::NameReader;
use super::owners::OwnerTable;
use super::record::RawRecord;
use crate::message::MessageError;
use crate::rrset::{RRset, Records};

/// RRsets that the answer and authority sections of a message may have together, those of signatures
/// included; a message with more is refused. An RRset may have as many records as fit into a message.
pub const MAX_RRSETS: usize = 512;
/// RRSIGs kept of one RRset, the first ones; a zone has but a few keys. Where signatures themselves were
/// asked for, all are kept.
pub const MAX_SIGNATURES: usize = 16;

/// So many groups, or records of a group, are compared one by one; most sections have fewer.
const FEW: usize = 8;

/// The RRsets of a section in the making.
pub(super) struct RRsetBuilder {
    list: Vec<RRsetGroup>,
    /// Where each is, once they are many.
    index: HashMap<GroupKey, usize>,
    /// RRsets that it may have.
    most: usize,
    /// RRSIGs stand alone besides, since they themselves were asked for.
    raw: bool,
    dropped_signatures: usize,
}

/// The number of an owner name, a type, and for RRSIGs the type that they cover, else the type again.
type GroupKey = (usize, Rtype, Rtype);

/// One RRset in the making.
struct RRsetGroup {
    key: GroupKey,
    ttl: u32,
    /// How many records there are, and their RDATA as [`Records`] have it.
    count: usize,
    records: Vec<u8>,
    /// Where it is among the finished RRsets.
    place: usize,
}

impl RRsetBuilder {
    /// No RRsets yet, of at most so many.
    pub(super) fn new(most: usize, raw: bool) -> Self {
        RRsetBuilder { list: Vec::new(), index: HashMap::new(), most, raw, dropped_signatures: 0 }
    }

    /// Adds a record to the RRset of its type and of the owner with this number.
    ///
    /// # Errors
    /// Its RDATA is broken, and nothing was added; or it is one RRset too many.
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
        if self.list.len() >= self.most {
            return Err(MessageError::TooManyRRsets);
        }
        let mut group = RRsetGroup { key, ttl, count: 0, records: Vec::new(), place: 0 };
        group.add(record, names)?;
        self.list.push(group);
        self.remember();
        Ok(())
    }

    /// How many RRsets there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// How many signatures were not kept.
    pub(super) fn dropped_signatures(&self) -> usize {
        self.dropped_signatures
    }

    /// The RRsets in the order of first appearance, each RRSIG set hung on the RRset that it covers.
    /// Signatures whose RRset is absent stand alone; all do besides when they themselves were asked for.
    pub(super) fn into_rrsets(mut self, owners: &OwnerTable) -> Vec<RRset> {
        let mut sets = Vec::with_capacity(self.list.len());
        let mut signatures = Vec::new();
        for group in &mut self.list {
            let (owner, rtype, covered) = group.key;
            let Some(name) = owners.name(owner) else { continue };
            let set = RRset::new(name.clone(), rtype, group.ttl, group.records());
            group.place = sets.len();
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
            if let Some(set) = covers.and_then(|group| sets.get_mut(group.place)) {
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

    /// Puts those into the index that are not there yet, if there are more than a few.
    fn remember(&mut self) {
        if self.list.len() > FEW {
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

    /// The records without duplicates, which an RRset does not have (RFC 2181 section 5).
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
    if count <= FEW {
        let before = |at: usize, rdata| records.slices().take(at).any(|other| other == rdata);
        return !records.slices().enumerate().any(|(at, rdata)| before(at, rdata));
    }
    let mut seen = HashSet::with_capacity(count);
    records.slices().all(|rdata| seen.insert(rdata))
}

/// A TTL with the top bit set counts as zero (RFC 2181 section 8).
fn effective_ttl(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}
