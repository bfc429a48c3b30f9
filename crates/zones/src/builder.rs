//! Collects the records of a zone, in any order, within a limit of memory.

use std::collections::{BTreeMap, BTreeSet};

use zoners_dns::{Name, RRset, Records, Rtype, SortKey, ZoneRecord, name};

use crate::zone::{AuthoritativeZone, ZoneNode};

/// Octets of memory beside the octets of records: for a name, for an RRset and for a record.
const NODE_OCTETS: usize = 128;
const RRSET_OCTETS: usize = 160;
const RECORD_OCTETS: usize = 2;

/// The records of an unfinished zone.
#[derive(Clone, Debug)]
pub struct ZoneBuilder {
    apex: Name,
    nodes: BTreeMap<Box<[u8]>, BuilderNode>,
    octets: usize,
    max_octets: usize,
}

/// The RRsets of a name, by type; signatures by the covered type, too.
#[derive(Clone, Debug)]
struct BuilderNode {
    owner: Name,
    sets: BTreeMap<(u16, u16), BuilderSet>,
}

/// The records of an RRset in canonical order (RFC 4034 section 6.3), without duplicates.
#[derive(Clone, Debug)]
struct BuilderSet {
    ttl: u32,
    records: BTreeSet<Box<[u8]>>,
}

impl ZoneBuilder {
    /// A zone without records, which may take `max_octets` of memory.
    #[must_use]
    pub fn new(apex: Name, max_octets: usize) -> Self {
        ZoneBuilder { apex, nodes: BTreeMap::new(), octets: 0, max_octets }
    }

    /// The records of a finished zone, to be changed.
    #[must_use]
    pub fn of(zone: &AuthoritativeZone, max_octets: usize) -> Self {
        let mut builder = ZoneBuilder::new(zone.apex().clone(), usize::MAX);
        for record in zone.records() {
            // There is no limit, and the records lie within the zone.
            let _ = builder.add(record);
        }
        ZoneBuilder { max_octets, ..builder }
    }

    /// The apex of the zone.
    #[must_use]
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// Adds a record; a second copy changes nothing. The RRset gets the least TTL of its records (RFC 2181 section 5.2).
    ///
    /// # Errors
    /// The record lies outside the zone, or the zone takes too much memory.
    pub fn add(&mut self, record: ZoneRecord) -> Result<(), String> {
        let ZoneRecord { owner, rtype, ttl, rdata } = record;
        if !name::is_within(&owner, &self.apex) {
            let zone = self.apex.fmt_with_dot();
            return Err(format!("{} does not lie within the zone {zone}", owner.fmt_with_dot()));
        }
        let key = SortKey::of(owner.for_slice());
        let mut octets = rdata.len() + RECORD_OCTETS;
        let node = self.nodes.entry(key.as_slice().into()).or_insert_with(|| {
            octets += NODE_OCTETS + key.as_slice().len() + owner.len();
            BuilderNode { owner, sets: BTreeMap::new() }
        });
        let set = node.sets.entry(set_key(rtype, &rdata)).or_insert_with(|| {
            octets += RRSET_OCTETS;
            BuilderSet { ttl, records: BTreeSet::new() }
        });
        set.ttl = set.ttl.min(ttl);
        if set.records.insert(rdata) {
            self.octets += octets;
        }
        match self.octets > self.max_octets {
            true => Err(format!("the zone takes more than {} octets of memory", self.max_octets)),
            false => Ok(()),
        }
    }

    /// Removes a record; the TTL does not count. False if the zone lacks the record.
    pub fn remove(&mut self, record: &ZoneRecord) -> bool {
        let key = SortKey::of(record.owner.for_slice());
        let Some(node) = self.nodes.get_mut(key.as_slice()) else { return false };
        let set_key = set_key(record.rtype, &record.rdata);
        let Some(set) = node.sets.get_mut(&set_key) else { return false };
        let removed = set.records.remove(&record.rdata);
        if set.records.is_empty() {
            node.sets.remove(&set_key);
        }
        if node.sets.is_empty() {
            self.nodes.remove(key.as_slice());
        }
        removed
    }

    /// Why the zone may not have this record beside the records so far: an alias has no other records (RFC 1034 section
    /// 3.6.2), and a name has one alias and one DNAME at most.
    #[must_use]
    pub fn conflict(&self, record: &ZoneRecord) -> Option<String> {
        let key = SortKey::of(record.owner.for_slice());
        let node = self.nodes.get(key.as_slice())?;
        let has_other = |rtype: Rtype| {
            let set = node.sets.get(&(rtype.to_int(), 0));
            set.is_some_and(|set| !set.records.contains(&record.rdata))
        };
        let owner = record.owner.fmt_with_dot();
        let plain = |rtype: u16| !may_stand_beside_alias(Rtype::from_int(rtype));
        if matches!(record.rtype, Rtype::CNAME | Rtype::DNAME) && has_other(record.rtype) {
            return Some(format!("{owner} has a {} record already", record.rtype));
        }
        if record.rtype == Rtype::CNAME && node.sets.keys().any(|(rtype, _)| plain(*rtype)) {
            return Some(format!("{owner} has other records, so it may have no CNAME record"));
        }
        let is_alias = node.sets.contains_key(&(Rtype::CNAME.to_int(), 0));
        (is_alias && plain(record.rtype.to_int()))
            .then(|| format!("{owner} has a CNAME record, so it may have no other records"))
    }

    /// The finished zone.
    ///
    /// # Errors
    /// The zone has no SOA record at its apex, or several.
    pub fn build(self) -> Result<AuthoritativeZone, String> {
        let nodes = self.nodes.into_iter().map(|(key, node)| (key, node.finish())).collect();
        AuthoritativeZone::new(self.apex, nodes, self.octets)
    }
}

impl BuilderNode {
    /// The RRsets with their signatures; signatures without an RRset form an RRset by themselves.
    fn finish(mut self) -> ZoneNode {
        let mut sets: Vec<RRset> = Vec::with_capacity(self.sets.len());
        let signatures = self.sets.split_off(&(Rtype::RRSIG.to_int(), 0));
        let (signatures, others): (Vec<_>, Vec<_>) =
            signatures.into_iter().partition(|((rtype, _), _)| *rtype == Rtype::RRSIG.to_int());
        for ((rtype, _), set) in self.sets.into_iter().chain(others) {
            let records = set.records.iter().collect();
            sets.push(RRset::new(self.owner.clone(), Rtype::from_int(rtype), set.ttl, records));
        }
        let mut alone = BTreeSet::new();
        let mut ttl = u32::MAX;
        for ((_, covered), signatures) in signatures {
            let at = sets.binary_search_by_key(&covered, |set| set.rtype.to_int());
            match at.ok().and_then(|at| sets.get_mut(at)) {
                Some(set) => set.signatures = signatures.records.iter().collect(),
                None => {
                    ttl = ttl.min(signatures.ttl);
                    alone.extend(signatures.records);
                }
            }
        }
        if !alone.is_empty() {
            let records: Records = alone.iter().collect();
            sets.push(RRset::new(self.owner, Rtype::RRSIG, ttl, records));
        }
        ZoneNode { sets: sets.into() }
    }
}

/// The type, and the covered type of a signature.
fn set_key(rtype: Rtype, rdata: &[u8]) -> (u16, u16) {
    match (rtype, rdata.first_chunk::<2>()) {
        (Rtype::RRSIG, Some(covered)) => (rtype.to_int(), u16::from_be_bytes(*covered)),
        _ => (rtype.to_int(), 0),
    }
}

/// Types that a name with a CNAME record may have (RFC 4034 section 2.5 and 4, RFC 6840 section 5.1).
fn may_stand_beside_alias(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::CNAME | Rtype::RRSIG | Rtype::NSEC | Rtype::KEY)
}
