//! Hit rates of a cache that is too small for all names: counted, not timed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

use std::collections::{BTreeMap, HashMap};

use zoners_cache::{Cache, Rank, TtlLimits};
use zoners_dns::{Moment, Name, RRset, Random, Records, Rtype, Security, name};

const NOW: Moment = Moment::from_millis(1);

fn cache(bytes: usize) -> Cache {
    Cache::new(bytes, TtlLimits::default(), [1, 2])
}

fn named(kind: &str, number: usize) -> Name {
    name::parse(&format!("{kind}{number:07}.example.test")).unwrap()
}

/// Queries a name: a miss is resolved and cached. True for a hit.
fn ask(cache: &Cache, name: Name) -> bool {
    let known = cache.rrset(&name, Rtype::A, NOW).is_some();
    if !known {
        let set = RRset::new(name, Rtype::A, 3600, Records::from_iter([[192, 0, 2, 1]]));
        cache.insert_rrset(&set, &[], Rank::AuthoritativeAnswer, Security::Insecure, NOW);
    }
    known
}

/// Numbers below `count` with a Zipf distribution: the n-th number is drawn in proportion to 1/n.
fn zipf(count: usize, draws: usize, random: &Random) -> Vec<usize> {
    let mut sum = 0.0;
    let cumulated: Vec<f64> = (1..=count)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    let draw = || (random.bits() >> 11) as f64 / (1u64 << 53) as f64 * sum;
    let numbers = (0..draws).map(|_| {
        let drawn = draw();
        cumulated.partition_point(|upto| *upto < drawn)
    });
    numbers.collect()
}

/// Hits of a cache with LRU eviction.
fn lru_hits(trace: &[usize], room: usize) -> usize {
    let (mut last, mut order, mut hits) = (HashMap::new(), BTreeMap::new(), 0);
    for (at, number) in trace.iter().enumerate() {
        if let Some(before) = last.insert(*number, at) {
            order.remove(&before);
            hits += 1;
        }
        order.insert(at, *number);
        if order.len() > room {
            let (_, oldest) = order.pop_first().unwrap();
            last.remove(&oldest);
        }
    }
    hits
}

#[test]
fn sieve_hits_at_least_as_often_as_lru_with_room_for_a_tenth() {
    const NAMES: usize = 100_000;
    let filled = cache(1 << 20);
    (0..NAMES).for_each(|number| {
        ask(&filled, named("n", number));
    });
    let each = filled.stats().bytes / filled.stats().entries;
    for seed in 1..4 {
        let trace = zipf(NAMES, 400_000, &Random::seeded(seed));
        let cache = cache(NAMES / 10 * each * 16 / 15);
        let hits = trace.iter().filter(|number| ask(&cache, named("n", **number))).count();
        let room = cache.stats().entries;
        assert!((NAMES / 11..NAMES / 9).contains(&room), "{room}");
        let lru = lru_hits(&trace, room);
        println!("seed {seed}: {hits} hits, LRU {lru}, with room for {room}");
        assert!(hits >= lru, "seed {seed}: {hits} hits, LRU has {lru}");
    }
}

/// CacheFlush: a stream of names that are queried once.
#[test]
fn a_scan_of_one_time_names_does_not_evict_popular_names() {
    const POPULAR: usize = 10_000;
    let cache = cache(8 << 20);
    for _ in 0..2 {
        (0..POPULAR).for_each(|number| {
            ask(&cache, named("popular", number));
        });
    }
    // The scan has fifty times as many names as fit, and no popular name is queried meanwhile.
    (0..2_000_000).for_each(|number| {
        ask(&cache, named("scan", number));
    });
    let left = (0..POPULAR)
        .filter(|number| cache.rrset(&named("popular", *number), Rtype::A, NOW).is_some())
        .count();
    println!("{left} of {POPULAR} left, {:?}", cache.stats());
    assert!(left * 100 >= POPULAR * 95, "{left}");
}
