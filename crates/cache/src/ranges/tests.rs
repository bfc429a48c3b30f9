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
fn the_range_before_a_name_is_found() {
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
    let position = |name: &str| {
        let place = SortKey::of(parsed(name).for_slice());
        ranges.by_name(&zone, &place, NOW).map(|neighbour| neighbour.position)
    };
    let between = |encloser, below| Some(RangePosition::Between { encloser, below });
    assert_eq!(position("B.test"), Some(RangePosition::AtOwner));
    assert_eq!(position("d.test"), Some(RangePosition::EmptyNonTerminal));
    assert_eq!(position("c.test"), between(2, false));
    assert_eq!(position("y.x.b.test"), between(4, true));
    assert_eq!(position("a.d.test"), between(2, false), "below what is above the next");
    assert_eq!(position("z.test"), between(2, false), "behind the last");
    ranges.insert_name(&zone, &nsec("b.test"), &parsed("c.test"), 60, NOW);
    assert_eq!(position("c.test"), Some(RangePosition::Beyond), "it exists");
    assert_eq!(position("ca.test"), Some(RangePosition::Beyond));
    assert_eq!(zone_of(&ranges, &parsed("x.y.test")), Some(zone));
    assert_eq!(zone_of(&ranges, &parsed("other")), None);
}

#[test]
fn hashes_form_a_circle_of_one_chain() {
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
fn the_largest_zone_is_evicted() {
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
fn many_small_zones_are_charged_for_their_memory() {
    let ranges = Ranges::new(1 << 20);
    for number in 0..10_000 {
        let zone = parsed(&format!("n{number}"));
        ranges.insert_name(&zone, &nsec(&format!("n{number}")), &zone, 60, NOW);
    }
    let zones = ranges.zones.lock();
    assert!(zones.octets <= 1 << 20);
    // Most of the cost is the first node of a map, with eleven slots of 24 octets.
    assert!((900..(1 << 20) / 500).contains(&zones.of.len()), "{}", zones.of.len());
    assert_eq!(zones.octets, zones.of.values().map(|zone| zone.octets).sum::<usize>());
}

#[test]
fn a_range_does_not_keep_its_message_in_memory() {
    let message = Bytes::from(vec![0; 60_000]);
    let records = Records::from_bytes(message.slice(..3));
    let range = ProvenRange::new(&RRset { records, ..nsec("a.test") }, &[], NOW).unwrap();
    assert!(message.is_unique(), "the message is let go of");
    assert_eq!(range.set.records.as_bytes().len(), 3);
}

#[test]
fn a_replaced_range_is_charged_anew() {
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
