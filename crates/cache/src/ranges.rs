//! Proven ranges between names, from NSEC and NSEC3 records of signed zones (aggressive NSEC, RFC
//! 8198). One record denies every name within its range.
//!
//! Ranges are searched in canonical order, so they lie apart from the table. A limit of their own
//! applies: the zone with the most octets is evicted first.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use parking_lot::Mutex;
use zoners_dns::{Moment, Name, RRset, SortKey, name};

mod portable;
mod position;
mod range;

pub(crate) use portable::RangeProgress;
pub use position::RangePosition;
use range::{NODE_OCTETS, ProvenRange, allocated};

/// Octets of the first node of a zone's map, which may stay the only node.
const FIRST_NODE_OCTETS: usize = 384;

/// The NSEC3 hash of an owner name.
type OwnerHash = [u8; 20];

/// The proven ranges of all zones.
#[derive(Debug)]
pub struct Ranges {
    zones: Mutex<RangeZones>,
    limit: usize,
}

/// The octets of a sort key, which compare in canonical order.
type NameKey = Box<[u8]>;

#[derive(Debug, Default)]
struct RangeZones {
    of: BTreeMap<NameKey, Box<ZoneRanges>>,
    octets: usize,
}

#[derive(Debug)]
struct ZoneRanges {
    apex: Name,
    /// Ranges are boxed, because a map node has eleven slots and most zones have few ranges.
    names: BTreeMap<NameKey, Box<ProvenRange>>,
    hashes: BTreeMap<OwnerHash, Box<ProvenRange>>,
    /// Iterations and salt of the NSEC3 chain.
    parameters: (u16, Vec<u8>),
    octets: usize,
}

/// The NSEC RRset at or before a name, and the position of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The NSEC RRset.
    pub set: RRset,
    /// The position of the name relative to the range.
    pub position: RangePosition,
}

impl RangeZones {
    fn get(&self, zone: &Name) -> Option<&ZoneRanges> {
        self.of.get(SortKey::of(zone.for_slice()).as_slice()).map(|zone| &**zone)
    }

    /// Evicts the largest zones until an eighth of the limit is free, so that evictions are rare.
    fn make_room(&mut self, limit: usize) {
        let mut sizes: Vec<(usize, NameKey)> =
            self.of.iter().map(|(place, zone)| (zone.octets, place.clone())).collect();
        sizes.sort_unstable();
        while self.octets > limit - limit / 8
            && let Some((octets, place)) = sizes.pop()
        {
            self.of.remove(&place);
            self.octets -= octets;
        }
    }
}

impl ZoneRanges {
    fn new(apex: &Name) -> Option<Box<Self>> {
        let apex = Name::from_octets(Bytes::copy_from_slice(apex.as_slice())).ok()?;
        let boxes = [size_of::<ZoneRanges>(), apex.len(), apex.len()];
        let octets = NODE_OCTETS + FIRST_NODE_OCTETS + boxes.map(allocated).iter().sum::<usize>();
        let (names, hashes) = (BTreeMap::new(), BTreeMap::new());
        Some(Box::new(ZoneRanges { apex, names, hashes, parameters: (0, Vec::new()), octets }))
    }
}

impl Ranges {
    pub(crate) fn new(limit: usize) -> Self {
        Ranges { zones: Mutex::default(), limit }
    }

    /// Inserts a secure NSEC RRset of `zone` with `next` as the next name.
    pub fn insert_name(&self, zone: &Name, set: &RRset, next: &Name, ttl: u32, now: Moment) {
        let next = SortKey::of(next.for_slice());
        if let Some(range) = ProvenRange::new(set, next.as_slice(), now.after_seconds(ttl)) {
            self.insert_place(zone, range);
        }
    }

    fn insert_place(&self, zone: &Name, range: Box<ProvenRange>) {
        let place = SortKey::of(range.set.owner.for_slice()).as_slice().into();
        self.insert(zone, range, |zone, range| {
            zone.names.insert(place, range).map_or(0, |old| old.cost())
        });
    }

    /// Inserts a secure NSEC3 RRset of `zone` with the owner `hash`. A chain with other parameters
    /// replaces the previous chain.
    pub fn insert_hash(
        &self,
        zone: &Name,
        hash: OwnerHash,
        parameters: (u16, &[u8]),
        set: &RRset,
        ttl: u32,
        now: Moment,
    ) {
        if let Some(range) = ProvenRange::new(set, &[], now.after_seconds(ttl)) {
            self.insert_place_of_hash(zone, hash, parameters, range);
        }
    }

    fn insert_place_of_hash(
        &self,
        zone: &Name,
        hash: OwnerHash,
        (iterations, salt): (u16, &[u8]),
        range: Box<ProvenRange>,
    ) {
        self.insert(zone, range, |zone, range| {
            let mut freed = 0;
            if zone.parameters.0 != iterations || zone.parameters.1 != salt {
                freed = zone.hashes.values().map(|range| range.cost()).sum();
                zone.hashes.clear();
                zone.parameters = (iterations, salt.to_vec());
            }
            freed + zone.hashes.insert(hash, range).map_or(0, |old| old.cost())
        });
    }

    /// Charges the zone for a range, less the octets that `put` returns as freed.
    fn insert(
        &self,
        zone: &Name,
        range: Box<ProvenRange>,
        put: impl FnOnce(&mut ZoneRanges, Box<ProvenRange>) -> usize,
    ) {
        let cost = range.cost();
        let place = SortKey::of(zone.for_slice());
        let mut zones = self.zones.lock();
        let zones = &mut *zones;
        if !zones.of.contains_key(place.as_slice()) {
            let Some(zone) = ZoneRanges::new(zone) else { return };
            zones.octets += zone.octets;
            zones.of.insert(place.as_slice().into(), zone);
        }
        let Some(entry) = zones.of.get_mut(place.as_slice()) else { return };
        let freed = put(entry, range);
        entry.octets = entry.octets + cost - freed;
        zones.octets = zones.octets + cost - freed;
        if zones.octets > self.limit {
            zones.make_room(self.limit);
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The deepest zone with ranges at or above `name`, whose sort key is `place`.
    #[must_use]
    pub fn zone_of(&self, name: &Name, place: &SortKey) -> Option<Name> {
        let zones = self.zones.lock();
        let (at, _) = place.with_ancestors().find(|(_, place)| zones.of.contains_key(*place))?;
        name::from_offset(name, at)
    }

    /// The NSEC RRset of `zone` at or before the name with sort key `place`.
    #[must_use]
    pub fn by_name(&self, zone: &Name, place: &SortKey, now: Moment) -> Option<Neighbour> {
        let upto = (Bound::Unbounded, Bound::Included(place.as_slice()));
        let zones = self.zones.lock();
        let names = &zones.of.get(place.of_length(zone.len())?)?.names;
        let (owner, range) = names.range::<[u8], _>(upto).next_back()?;
        let position = RangePosition::of(place, owner, &range.next);
        Some(Neighbour { set: range.at(now)?, position })
    }

    /// The NSEC3 RRset of `zone` with the owner `hash`, or the RRset before `hash` in the circle of
    /// hashes.
    #[must_use]
    pub fn by_hash(&self, zone: &Name, hash: &OwnerHash, now: Moment) -> Option<RRset> {
        let zones = self.zones.lock();
        let hashes = &zones.get(zone)?.hashes;
        let before = hashes.range(..=*hash).next_back().or_else(|| hashes.iter().next_back());
        before.and_then(|(_, range)| range.at(now))
    }

    /// Iterations and salt of the NSEC3 chain of `zone`, if NSEC3 RRsets are cached.
    #[must_use]
    pub fn parameters(&self, zone: &Name) -> Option<(u16, Vec<u8>)> {
        let zones = self.zones.lock();
        let zone = zones.get(zone).filter(|zone| !zone.hashes.is_empty());
        zone.map(|zone| zone.parameters.clone())
    }

    /// Removes the ranges of zones for which `matches` is true.
    pub(crate) fn remove(&self, matches: impl Fn(&Name) -> bool) {
        let mut zones = self.zones.lock();
        zones.of.retain(|_, zone| !matches(&zone.apex));
        zones.octets = zones.of.values().map(|zone| zone.octets).sum();
    }
}

#[cfg(test)]
mod tests;
