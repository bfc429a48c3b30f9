use super::space::FREE_FRACTION;
use super::*;
use crate::arena::{BLOCK_OCTETS, NONE};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: Moment = Moment::from_millis(0);
/// Entries with this key or a greater key are kept after their expiry.
const FIRST_LASTING_KEY: u8 = 200;

/// A shard of one block, and a value of which `entries` fit into the block.
fn shard(entries: usize) -> (Shard, Vec<u8>) {
    let room = BLOCK_OCTETS - BLOCK_OCTETS / FREE_FRACTION;
    let shard = Shard::new(BLOCK_COST_OCTETS + 4096, Duration::from_millis(10));
    (shard, vec![7; room / entries - 64])
}

fn put(shard: &mut Shard, key: u8, value: &[u8], expires: Moment, now: Moment) {
    let found = shard.find(u64::from(key), &[key]);
    let keeps_stale = key >= FIRST_LASTING_KEY;
    let hash = u64::from(key);
    shard.insert(
        found,
        &NewEntry { hash, key: &[key], value, expires, keeps_stale, quarantine: 0 },
        now,
    );
}

fn has(shard: &Shard, key: u8) -> bool {
    shard.find(u64::from(key), &[key]).is_some()
}

/// Checks that the memory is within the limit, and that each entry is in the index and the order.
fn check(shard: &Shard) {
    assert!(shard.bytes() <= shard.limit.max(BLOCK_COST_OCTETS + 4096), "{}", shard.bytes());
    let live: usize = shard.entries().map(|(key, value, _)| size(key, value)).sum();
    assert_eq!(live, shard.arena.live());
    assert_eq!(shard.entries().count(), shard.len());
    let (mut at, mut before, mut count) = (shard.order.oldest, NONE, 0);
    while let Some(head) = shard.arena.head(at) {
        assert_eq!(head.older, before);
        assert_eq!(shard.find(head.hash, shard.arena.key(at)), Some(at));
        (before, at, count) = (at, head.newer, count + 1);
    }
    assert_eq!((before, count), (shard.order.newest, shard.len()));
    let hand = shard.order.hand;
    assert!(hand == NONE || shard.arena.entries().any(|at| at == hand));
}

#[test]
fn visited_entries_outlive_unvisited_ones() {
    let (mut shard, value) = shard(3);
    let insert = |shard: &mut Shard, key| put(shard, key, &value, Moment::NEVER, NOW);
    (1..=3).for_each(|key| insert(&mut shard, key));
    assert!(shard.get(1, &[1]).is_some());
    insert(&mut shard, 4);
    assert!(has(&shard, 1) && !has(&shard, 2) && has(&shard, 3) && has(&shard, 4));
    insert(&mut shard, 5);
    assert!(has(&shard, 1) && !has(&shard, 3), "the hand went on from where it stood");
}

#[test]
fn a_scan_does_not_evict_popular_entries() {
    let (mut shard, value) = shard(10);
    (0..5).for_each(|key| put(&mut shard, key, &value, Moment::NEVER, NOW));
    for scanned in 100..200 {
        (0..5).for_each(|key| assert!(shard.get(u64::from(key), &[key]).is_some()));
        put(&mut shard, scanned, &value, Moment::NEVER, NOW);
    }
    assert!((0..5).all(|key| has(&shard, key)));
    check(&shard);
}

#[test]
fn expired_entries_go_first_even_if_visited() {
    let (mut shard, value) = shard(2);
    put(&mut shard, 1, &value, Moment::from_millis(5), NOW);
    put(&mut shard, 2, &value, Moment::NEVER, NOW);
    assert!(shard.get(1, &[1]).is_some());
    put(&mut shard, 3, &value, Moment::NEVER, Moment::from_millis(5));
    assert!(!has(&shard, 1) && has(&shard, 2) && has(&shard, 3));
}

#[test]
fn lasting_entries_are_evicted_first_only_after_the_stale_time() {
    for (now, kept) in [(14, true), (15, false)] {
        let (mut shard, value) = shard(2);
        put(&mut shard, FIRST_LASTING_KEY, &value, Moment::from_millis(5), NOW);
        put(&mut shard, 2, &value, Moment::NEVER, NOW);
        assert!(shard.get(FIRST_LASTING_KEY.into(), &[FIRST_LASTING_KEY]).is_some());
        put(&mut shard, 3, &value, Moment::NEVER, Moment::from_millis(now));
        assert_eq!((has(&shard, FIRST_LASTING_KEY), has(&shard, 2)), (kept, !kept), "{now}");
    }
}

#[test]
fn an_entry_larger_than_the_shard_is_not_inserted() {
    let (mut shard, value) = shard(2);
    put(&mut shard, 1, &value, Moment::NEVER, NOW);
    put(&mut shard, 9, &vec![0; BLOCK_OCTETS], Moment::NEVER, NOW);
    assert!(!has(&shard, 9));
    check(&shard);
}

/// Inserts `count` entries of one size, and visits each `visited`-th.
fn fill(shard: &mut Shard, from: u64, count: u64, octets: usize, visited: u64) {
    for number in from..from + count {
        let key = number.to_be_bytes();
        let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let found = shard.find(hash, &key);
        let value = &vec![1; octets];
        let (expires, keeps_stale) = (Moment::NEVER, false);
        shard.insert(
            found,
            &NewEntry { hash, key: &key, value, expires, keeps_stale, quarantine: 0 },
            NOW,
        );
        if number % visited == 0 {
            shard.get(hash, &key);
        }
    }
}

#[test]
fn the_limit_holds_in_every_order_and_little_of_it_is_wasted() {
    const LIMIT: usize = 1 << 20;
    let sizes = [0, 200, 5000, crate::MAX_ENTRY_OCTETS];
    for (first, second) in sizes.iter().flat_map(|a| sizes.iter().map(move |b| (*a, *b))) {
        let mut shard = Shard::new(LIMIT, Duration::ZERO);
        fill(&mut shard, 0, 3 * (LIMIT / (first + 48)) as u64, first, 10);
        check(&shard);
        assert!(shard.bytes() <= LIMIT, "{first}");
        fill(&mut shard, 1 << 32, 3 * (LIMIT / (second + 48)) as u64, second, 7);
        check(&shard);
        assert!(shard.bytes() <= LIMIT, "{first}, then {second}");
        // One entry of the greatest size fills a block.
        let of_it = if second == crate::MAX_ENTRY_OCTETS { 60 } else { 70 };
        assert!(shard.arena.live() * 100 >= LIMIT * of_it, "{} of {second}", shard.arena.live());
    }
}

#[test]
fn removed_entries_release_their_memory() {
    let mut shard = Shard::new(2 << 20, Duration::ZERO);
    fill(&mut shard, 0, 100_000, 20, 3);
    shard.remove_matching(&|_| true);
    check(&shard);
    assert_eq!(shard.bytes(), shard.order.index.allocation_size());
    assert!(shard.bytes() < 1024, "{}", shard.bytes());
    fill(&mut shard, 0, 100, 20, 3);
    assert_eq!(shard.len(), 100);
}

#[test]
fn an_iteration_finds_all_entries_despite_compaction() {
    let mut shard = Shard::new(1 << 20, Duration::ZERO);
    fill(&mut shard, 0, 5000, 40, 1);
    let there: Vec<Vec<u8>> = shard.entries().map(|(key, _, _)| key.to_vec()).collect();
    let (mut cursor, mut seen) = (Cursor::default(), BTreeMap::new());
    for round in 0u64.. {
        let mut taken = 0;
        let next = shard.visit_from(cursor, |entry| {
            *seen.entry(entry.key.to_vec()).or_insert(0) += 1;
            taken += 1;
            taken < 100
        });
        let Some(next) = next else { break };
        cursor = next;
        // Removes entries that the iteration has seen, and compacts their block.
        let gone: Vec<u32> = shard.arena.entries().step_by(50 + round as usize % 7).collect();
        let gone = gone.into_iter().filter(|at| seen.contains_key(shard.arena.key(*at)));
        gone.collect::<Vec<_>>().iter().take(3).for_each(|at| shard.remove(*at));
        if round % 5 == 0 {
            shard.compact(cursor.block);
        }
        assert!(round < 10_000);
    }
    let missed = there.iter().filter(|key| !seen.contains_key(*key)).count();
    assert_eq!(missed, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_shard_behaves_like_a_map(
        steps in proptest::collection::vec((0u8..60, 0usize..20_000, 0u8..8), 1..400),
        blocks in 1usize..5,
    ) {
        let mut shard = Shard::new(blocks * BLOCK_COST_OCTETS + 2048, Duration::ZERO);
        let mut model: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for (key, length, what) in steps {
            match what {
                0 => {
                    prop_assert!(!shard.remove_key(key.into(), &[key]) || model.remove(&key).is_some());
                }
                1 => {
                    shard.get(key.into(), &[key]);
                }
                2 => {
                    shard.remove_matching(&|entry| entry.key == [key]);
                    model.remove(&key);
                }
                _ => {
                    let value = vec![key ^ length as u8; if what < 6 { length / 50 } else { length }];
                    put(&mut shard, key, &value, Moment::NEVER, NOW);
                    prop_assert!(has(&shard, key));
                    model.insert(key, value);
                }
            }
            check(&shard);
            // Evicted keys leave the model; the value of each remaining key must be the last
            // inserted.
            model.retain(|key, _| has(&shard, *key));
            prop_assert_eq!(model.len(), shard.len());
            for (key, value) in &model {
                prop_assert_eq!(shard.get((*key).into(), &[*key]).map(|(v, _)| v), Some(&value[..]));
            }
        }
    }
}
