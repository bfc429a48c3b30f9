//! `work WHAT COUNT`: does so much of one kind of work and nothing else, to be counted by
//! `callgrind` (see `benchmarks/instructions`) or looked at with a profiler.

#![allow(clippy::print_stderr, clippy::expect_used, clippy::panic, reason = "a bench")]

use tokio::runtime::Runtime;
use zoners_benchmarks::{BenchService, packet};
use zoners_dns::Counter;

#[cfg(not(feature = "system-allocator"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Names in turn of which are asked what is cached.
const CACHED: usize = 1000;

/// Names that are signed each by itself; no more can be asked for.
const SIGNED: usize = 500;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, count] = arguments.as_slice() else { panic!("work WHAT COUNT") };
    let count = count.parse().expect("a count");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let bench = runtime.block_on(set_up(what));
    let queries = match what.as_str() {
        "hit" | "watched" => (0..CACHED).map(plain).cycle().take(count).collect(),
        "miss" => (0..count).map(|number| plain(CACHED + number)).collect(),
        "wildcard" => (0..count).map(wild).collect(),
        "validation" => (0..count.min(SIGNED)).map(own).collect(),
        _ => panic!("hit, watched, miss, wildcard or validation"),
    };
    // The query log has room for every query, and the dashboard shows a few.
    let _readers = (what == "watched").then(|| [count, 1].map(|room| bench.watched(room)));
    measured(&runtime, &bench, queries);
    eprintln!("{} recursed", bench.count(Counter::ClientRecursed));
}

/// What is measured, and nothing else: callgrind knows it by its name.
#[inline(never)]
fn measured(runtime: &Runtime, bench: &BenchService, queries: Vec<Vec<u8>>) {
    runtime.block_on(bench.ask(queries.into_iter()));
}

/// A bench that has learned whatever is learned once.
async fn set_up(what: &str) -> BenchService {
    let bench = BenchService::new(if what == "validation" { SIGNED } else { 0 }, 256 << 20);
    let first = ["warm.plain.com", "mail.example.com", "a.wild.example.com"];
    bench.ask(first.into_iter().map(|text| packet(text, true))).await;
    for _ in 0..2 {
        bench.ask((0..CACHED).map(plain)).await;
    }
    bench
}

fn plain(number: usize) -> Vec<u8> {
    packet(&format!("h{number}-x.plain.com"), false)
}

fn wild(number: usize) -> Vec<u8> {
    packet(&format!("h{number}-x.wild.example.com"), false)
}

fn own(number: usize) -> Vec<u8> {
    packet(&format!("n{number}.example.com"), false)
}
