//! What is proven not to exist, as ranges between names that do: the NSEC and NSEC3 records of
//! signed zones (RFC 8198). One record answers for every name that it covers.
//!
//! Kept apart from the table, since they are looked for by order and not by name, and under a
//! limit of their own: the zone that takes the most gives way.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use parking_lot::Mutex;
use zoners_dns::{Moment, Name, RRset, Records, SortKey, name};

pub(crate) use portable::RangeProgress;

mod portable;

/// Octets of a place in a map, whose nodes are half empty, and of what the octets of a range are counted by.
const NODE: usize = 64 + 48;
/// Octets of the first node of a zone's map, which may stay the only one.
const FIRST_NODE: usize = 384;

/// A hash of NSEC3.
type Hash = [u8; 20];

/// The ranges of all zones.
#[derive(Debug)]
pub struct Ranges {
    zones: Mutex<Zones>,
    limit: usize,
}

/// A name's place in canonical order, to be compared octet by octet.
type Place = Box<[u8]>;

#[derive(Debug, Default)]
struct Zones {
    of: BTreeMap<Place, Box<Zone>>,
    octets: usize,
}

#[derive(Debug)]
struct Zone {
    apex: Name,
    /// Boxed, since the nodes of a map have eleven places, and most zones few ranges.
    names: BTreeMap<Place, Box<Range>>,
    hashes: BTreeMap<Hash, Box<Range>>,
    /// Iterations and salt of the hashes: those of one chain.
    parameters: (u16, Vec<u8>),
    octets: usize,
}

#[derive(Clone, Debug)]
struct Range {
    set: RRset,
    expires: Moment,
    /// The place of the next name; nothing of a hash.
    next: Place,
}

/// A name that exists, and how another lies to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its NSEC RRset.
    pub set: RRset,
    /// Where the other name lies.
    pub lies: Lies,
}

/// How a name lies to the range that begins at or before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lies {
    /// It is the one where the range begins.
    AtOwner,
    /// It is above the one where the range ends: it exists without records.
    AboveNext,
    /// It is between the two.
    Between {
        /// Where its closest encloser, an ancestor of one of the two, begins in it.
        encloser: usize,
        /// Whether it is below the one where the range begins.
        below: bool,
    },
    /// Behind the end.
    Beyond,
}

impl Lies {
    fn of(name: &SortKey, owner: &[u8], next: &[u8]) -> Self {
        let place = name.as_slice();
        if place == owner {
            return Lies::AtOwner;
        }
        // Behind the last one lies the apex again.
        if place >= next && next > owner {
            return Lies::Beyond;
        }
        // A place is the beginning of the places of all below it.
        if next.starts_with(place) {
            return Lies::AboveNext;
        }
        let exists = |place: &[u8]| owner.starts_with(place) || next.starts_with(place);
        let encloser = name.with_ancestors().skip(1).find(|(_, place)| exists(place));
        let encloser = encloser.map_or(0, |(at, _)| at);
        Lies::Between { encloser, below: place.starts_with(owner) }
    }
}

impl Zones {
    fn get(&self, zone: &Name) -> Option<&Zone> {
        self.of.get(SortKey::of(zone.for_slice()).as_slice()).map(|zone| &**zone)
    }

    /// Forgets the largest zones: more of them than must be, so that it need not be done each time.
    fn make_room(&mut self, limit: usize) {
        let mut sizes: Vec<(usize, Place)> =
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

impl Range {
    fn new(set: &RRset, next: &[u8], expires: Moment) -> Option<Box<Self>> {
        Some(Box::new(Range { set: compact(set)?, expires, next: next.into() }))
    }

    /// Octets of memory that it takes, with the place under which it lies.
    fn cost(&self) -> usize {
        let place = self.set.owner.len();
        let octets =
            place + self.set.records.as_bytes().len() + self.set.signatures.as_bytes().len();
        let boxes = [size_of::<Range>(), octets, self.next.len(), place];
        NODE + boxes.map(allocated).iter().sum::<usize>()
    }

    /// The record, its TTL what is left of it.
    fn at(&self, now: Moment) -> Option<RRset> {
        (self.expires > now)
            .then(|| RRset { ttl: now.seconds_until(self.expires), ..self.set.clone() })
    }
}

/// The same in one piece of memory of its own: what it was part of may be a whole message.
fn compact(set: &RRset) -> Option<RRset> {
    let (owner, records) = (set.owner.as_slice(), set.records.as_bytes());
    let octets = Bytes::from([owner, records, set.signatures.as_bytes()].concat());
    let (first, second) = (owner.len(), owner.len() + records.len());
    Some(RRset {
        owner: Name::from_octets(octets.slice(..first)).ok()?,
        records: Records::from_bytes(octets.slice(first..second)),
        signatures: Records::from_bytes(octets.slice(second..)),
        ..*set
    })
}

/// Octets that an allocator gives for so many: its sizes are an eighth apart.
fn allocated(octets: usize) -> usize {
    (octets + octets / 8).next_multiple_of(16)
}

impl Zone {
    fn new(apex: &Name) -> Option<Box<Self>> {
        let apex = Name::from_octets(Bytes::copy_from_slice(apex.as_slice())).ok()?;
        let boxes = [size_of::<Zone>(), apex.len(), apex.len()];
        let octets = NODE + FIRST_NODE + boxes.map(allocated).iter().sum::<usize>();
        let (names, hashes) = (BTreeMap::new(), BTreeMap::new());
        Some(Box::new(Zone { apex, names, hashes, parameters: (0, Vec::new()), octets }))
    }
}

impl Ranges {
    pub(crate) fn new(limit: usize) -> Self {
        Ranges { zones: Mutex::default(), limit }
    }

    /// Keeps a proven NSEC RRset of `zone`, which ends at `next`.
    pub fn insert_name(&self, zone: &Name, set: &RRset, next: &Name, ttl: u32, now: Moment) {
        let next = SortKey::of(next.for_slice());
        if let Some(range) = Range::new(set, next.as_slice(), now.after_seconds(ttl)) {
            self.insert_place(zone, range);
        }
    }

    fn insert_place(&self, zone: &Name, range: Box<Range>) {
        let place = SortKey::of(range.set.owner.for_slice()).as_slice().into();
        self.insert(zone, range, |zone, range| {
            zone.names.insert(place, range).map_or(0, |old| old.cost())
        });
    }

    /// Keeps a proven NSEC3 RRset of `zone`, whose owner is `hash`; a chain with other parameters
    /// replaces the one before.
    pub fn insert_hash(
        &self,
        zone: &Name,
        hash: Hash,
        parameters: (u16, &[u8]),
        set: &RRset,
        ttl: u32,
        now: Moment,
    ) {
        if let Some(range) = Range::new(set, &[], now.after_seconds(ttl)) {
            self.insert_place_of_hash(zone, hash, parameters, range);
        }
    }

    fn insert_place_of_hash(
        &self,
        zone: &Name,
        hash: Hash,
        (iterations, salt): (u16, &[u8]),
        range: Box<Range>,
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

    /// Charges the zone what the range costs, less what `put` says that it took away.
    fn insert(
        &self,
        zone: &Name,
        range: Box<Range>,
        put: impl FnOnce(&mut Zone, Box<Range>) -> usize,
    ) {
        let cost = range.cost();
        let place = SortKey::of(zone.for_slice());
        let mut zones = self.zones.lock();
        let zones = &mut *zones;
        if !zones.of.contains_key(place.as_slice()) {
            let Some(zone) = Zone::new(zone) else { return };
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

    /// The deepest zone at or above `name`, whose place is given, of which anything is known.
    #[must_use]
    pub fn zone_of(&self, name: &Name, place: &SortKey) -> Option<Name> {
        let zones = self.zones.lock();
        let (at, _) = place.with_ancestors().find(|(_, place)| zones.of.contains_key(*place))?;
        name::from_offset(name, at)
    }

    /// The name of `zone` that the one at `place` in it is or, if it exists, falls behind.
    #[must_use]
    pub fn by_name(&self, zone: &Name, place: &SortKey, now: Moment) -> Option<Neighbour> {
        let upto = (Bound::Unbounded, Bound::Included(place.as_slice()));
        let zones = self.zones.lock();
        let names = &zones.of.get(place.of_length(zone.len())?)?.names;
        let (owner, range) = names.range::<[u8], _>(upto).next_back()?;
        let lies = Lies::of(place, owner, &range.next);
        Some(Neighbour { set: range.at(now)?, lies })
    }

    /// The NSEC3 RRset of `zone` that `hash` owns or falls behind, in the circle.
    #[must_use]
    pub fn by_hash(&self, zone: &Name, hash: &Hash, now: Moment) -> Option<RRset> {
        let zones = self.zones.lock();
        let hashes = &zones.get(zone)?.hashes;
        let before = hashes.range(..=*hash).next_back().or_else(|| hashes.iter().next_back());
        before.and_then(|(_, range)| range.at(now))
    }

    /// Iterations and salt of the hashes of `zone`, if it has some.
    #[must_use]
    pub fn parameters(&self, zone: &Name) -> Option<(u16, Vec<u8>)> {
        let zones = self.zones.lock();
        let zone = zones.get(zone).filter(|zone| !zone.hashes.is_empty());
        zone.map(|zone| zone.parameters.clone())
    }

    /// Forgets what is known of zones that `matches`.
    pub(crate) fn remove(&self, matches: impl Fn(&Name) -> bool) {
        let mut zones = self.zones.lock();
        zones.of.retain(|_, zone| !matches(&zone.apex));
        zones.octets = zones.of.values().map(|zone| zone.octets).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{Records, Rtype, name};

    const NOW: Moment = Moment::from_millis(0);

    fn parsed(text: &str) -> Name {
        name::parse(text).unwrap()
    }

    fn zone_of(ranges: &Ranges, name: &Name) -> Option<Name> {
        ranges.zone_of(name, &SortKey::of(name.for_slice()))
    }

    fn nsec(owner: &str) -> RRset {
        RRset::new(parsed(owner), Rtype::NSEC, 60, Records::from_iter([b"\x00"]))
    }

    #[test]
    fn the_one_before_is_found() {
        let ranges = Ranges::new(1 << 20);
        let zone = parsed("test");
        for (owner, next) in [("test", "b.test"), ("b.test", "x.d.test"), ("x.d.test", "test")] {
            ranges.insert_name(&zone, &nsec(owner), &parsed(next), 60, NOW);
        }
        let before = |name: &str, at: u32| {
            let place = SortKey::of(parsed(name).for_slice());
            let found = ranges.by_name(&zone, &place, NOW.after_seconds(at));
            found.map(|neighbour| neighbour.set.owner)
        };
        assert_eq!(before("C.test", 0), Some(parsed("b.test")));
        assert_eq!(before("x.b.test", 59), Some(parsed("b.test")), "below sorts behind");
        assert_eq!(before("a.test", 0), Some(parsed("test")));
        assert_eq!(before("x.d.test", 60), None, "expired");
        let lies = |name: &str| {
            let place = SortKey::of(parsed(name).for_slice());
            ranges.by_name(&zone, &place, NOW).map(|neighbour| neighbour.lies)
        };
        let between = |encloser, below| Some(Lies::Between { encloser, below });
        assert_eq!(lies("B.test"), Some(Lies::AtOwner));
        assert_eq!(lies("d.test"), Some(Lies::AboveNext));
        assert_eq!(lies("c.test"), between(2, false));
        assert_eq!(lies("y.x.b.test"), between(4, true));
        assert_eq!(lies("a.d.test"), between(2, false), "below what is above the next");
        assert_eq!(lies("z.test"), between(2, false), "behind the last");
        ranges.insert_name(&zone, &nsec("b.test"), &parsed("c.test"), 60, NOW);
        assert_eq!(lies("c.test"), Some(Lies::Beyond), "it exists");
        assert_eq!(lies("ca.test"), Some(Lies::Beyond));
        assert_eq!(zone_of(&ranges, &parsed("x.y.test")), Some(zone));
        assert_eq!(zone_of(&ranges, &parsed("other")), None);
    }

    #[test]
    fn hashes_are_a_circle_of_one_chain() {
        let ranges = Ranges::new(1 << 20);
        let zone = parsed("test");
        let put = |octet: u8, iterations| {
            let owner = format!("h{octet}.test");
            ranges.insert_hash(&zone, [octet; 20], (iterations, b"s"), &nsec(&owner), 60, NOW);
        };
        put(3, 1);
        put(7, 1);
        let before = |octet: u8| ranges.by_hash(&zone, &[octet; 20], NOW).map(|set| set.owner);
        assert_eq!(before(5), Some(parsed("h3.test")));
        assert_eq!(before(1), Some(parsed("h7.test")), "behind the last lies the first");
        put(9, 2);
        assert_eq!((before(5), ranges.parameters(&zone)), (before(1), Some((2, b"s".to_vec()))));
    }

    #[test]
    fn the_largest_zone_gives_way() {
        const LIMIT: usize = 8 * 1024;
        let ranges = Ranges::new(LIMIT);
        let (small, large) = (parsed("small"), parsed("large"));
        ranges.insert_name(&small, &nsec("small"), &small, 60, NOW);
        for number in 0..100 {
            ranges.insert_name(&large, &nsec(&format!("n{number}.large")), &large, 60, NOW);
            assert!(ranges.zones.lock().octets <= LIMIT);
        }
        assert_eq!(zone_of(&ranges, &small), Some(small));
    }

    #[test]
    fn many_small_zones_are_charged_for_what_each_takes() {
        let ranges = Ranges::new(1 << 20);
        for number in 0..10_000 {
            let zone = parsed(&format!("n{number}"));
            ranges.insert_name(&zone, &nsec(&format!("n{number}")), &zone, 60, NOW);
        }
        let zones = ranges.zones.lock();
        assert!(zones.octets <= 1 << 20);
        // The first node of a map with eleven places of 24 octets is most of it.
        assert!((900..(1 << 20) / 500).contains(&zones.of.len()), "{}", zones.of.len());
        assert_eq!(zones.octets, zones.of.values().map(|zone| zone.octets).sum());
    }

    #[test]
    fn a_range_keeps_nothing_alive_but_itself() {
        let message = Bytes::from(vec![0; 60_000]);
        let records = Records::from_bytes(message.slice(..3));
        let range = Range::new(&RRset { records, ..nsec("a.test") }, &[], NOW).unwrap();
        assert!(message.is_unique(), "the message is let go of");
        assert_eq!(range.set.records.as_bytes().len(), 3);
    }

    #[test]
    fn what_is_replaced_is_charged_anew() {
        let ranges = Ranges::new(1 << 20);
        let (zone, octets) = (parsed("test"), |ranges: &Ranges| ranges.zones.lock().octets);
        let big = RRset { records: Records::from_iter([[0; 5000]]), ..nsec("test") };
        ranges.insert_name(&zone, &nsec("test"), &zone, 60, NOW);
        let small = octets(&ranges);
        ranges.insert_name(&zone, &big, &zone, 60, NOW);
        assert!(octets(&ranges) > small + 4000);
        ranges.insert_name(&zone, &nsec("test"), &zone, 60, NOW);
        assert_eq!(octets(&ranges), small);
        ranges.insert_hash(&zone, [1; 20], (1, b""), &nsec("test"), 60, NOW);
        let both = octets(&ranges);
        ranges.insert_hash(&zone, [1; 20], (1, b""), &big, 60, NOW);
        ranges.insert_hash(&zone, [2; 20], (2, b""), &nsec("test"), 60, NOW);
        assert_eq!(octets(&ranges), both, "a chain with other parameters takes its place");
    }
}
