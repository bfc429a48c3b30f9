//! What was chosen, beside what could have been: the keyed hash of the cache, and the cache itself.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a bench")]

use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache as QuickCache, DefaultLifecycle};
use siphasher::sip::{SipHasher13, SipHasher24};
use zoners_benchmarks::packet;
use zoners_cache::{AnswerKey, Cache, TtlLimits};
use zoners_dns::{Checking, Moment, Name, Random, Rtype, Security, name};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NAMES: usize = 100_000;
const DRAWS: usize = 4_000_000;
/// Room for about a tenth of the names, in octets.
const TENTH: usize = 1_640_000;
const NOW: Moment = Moment::from_millis(1);

fn main() {
    let names: Vec<Name> = (0..NAMES)
        .map(|number| name::parse(&format!("n{number:06}.example.test")).expect("a name"))
        .collect();
    hashes(&names);
    let trace = zipf(&Random::seeded(1));
    for tenths in [1, 11] {
        println!("room for {tenths} tenths of the names:");
        ours(&names, &trace, tenths);
        theirs(&names, &trace, tenths);
    }
}

fn hashes(names: &[Name]) {
    let foldhash = foldhash::quality::RandomState::default();
    let (one_three, two_four) =
        (SipHasher13::new_with_keys(1, 2), SipHasher24::new_with_keys(1, 2));
    timed("SipHash-1-3", names, |octets| one_three.hash(octets));
    timed("SipHash-2-4", names, |octets| two_four.hash(octets));
    timed("foldhash", names, |octets| {
        let mut hasher = foldhash.build_hasher();
        hasher.write(octets);
        hasher.finish()
    });
}

fn timed(what: &str, names: &[Name], hash: impl Fn(&[u8]) -> u64) {
    const ROUNDS: usize = 100;
    let began = Instant::now();
    for _ in 0..ROUNDS {
        for name in names {
            black_box(hash(black_box(name.as_slice())));
        }
    }
    let each = began.elapsed().as_nanos() as f64 / (ROUNDS * names.len()) as f64;
    println!("{what}: {each:.1} ns for a name of 21 octets");
}

fn ours(names: &[Name], trace: &[u32], tenths: usize) {
    let cache = Cache::new(tenths * TENTH, TtlLimits::default(), [1, 2]);
    let message = packet("n000000.example.test", false);
    let key = AnswerKey {
        rtype: Rtype::A,
        dnssec_ok: false,
        compact_ok: false,
        checking: Checking::Enabled,
        group: 0,
    };
    let (began, mut hits) = (Instant::now(), 0);
    for number in trace {
        let name = names[*number as usize].for_slice();
        if cache
            .answer(name, key, 0, NOW, |found| black_box(found.message.last().copied()))
            .is_some()
        {
            hits += 1;
        } else {
            cache.insert_answer(name, key, 0, &message, Security::Insecure, 3600, NOW);
        }
    }
    told("zoners-cache", hits, cache.stats().entries, began);
}

fn theirs(names: &[Name], trace: &[u32], tenths: usize) {
    // As many entries as ours holds, each key and value a copy of its own as ours is.
    let room = tenths * NAMES / 10;
    let hasher = foldhash::fast::RandomState::default();
    let cache = QuickCache::<Vec<u8>, Bytes, _, _, _>::with(
        room,
        room as u64,
        UnitWeighter,
        hasher,
        DefaultLifecycle::default(),
    );
    let message = packet("n000000.example.test", false);
    let (began, mut hits) = (Instant::now(), 0);
    for number in trace {
        let name = names[*number as usize].as_slice();
        if cache.get(name).is_some_and(|found| black_box(found.last()).is_some()) {
            hits += 1;
        } else {
            cache.insert(name.to_vec(), Bytes::copy_from_slice(&message));
        }
    }
    told("quick_cache", hits, cache.len(), began);
}

fn told(what: &str, hits: usize, entries: usize, began: Instant) {
    let each = began.elapsed().as_nanos() as f64 / DRAWS as f64;
    let share = hits as f64 / DRAWS as f64 * 100.0;
    println!("{what}: {share:.1} % hits with {entries} entries, {each:.0} ns a question");
}

/// Numbers of names, the n-th in popularity drawn in proportion to 1/n.
fn zipf(random: &Random) -> Vec<u32> {
    let mut sum = 0.0;
    let cumulated: Vec<f64> = (1..=NAMES)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    let draw = || {
        let drawn = (random.bits() >> 11) as f64 / (1u64 << 53) as f64 * sum;
        cumulated.partition_point(|upto| *upto < drawn) as u32
    };
    (0..DRAWS).map(|_| draw()).collect()
}
