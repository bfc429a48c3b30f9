//! `workers ROUNDS`: hits a second of one worker and of two that share a cache, in turns; each a
//! thread of its own. What two do as often as one is the median of the rounds.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic, reason = "a bench")]

use std::sync::Barrier;
use std::time::{Duration, Instant};

use zoners_benchmarks::{BenchService, packet};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Names that are asked for in turn, by each worker from another on.
const NAMES: usize = 10_000;
const ROUND: Duration = Duration::from_secs(1);

fn main() {
    let rounds: usize = std::env::args().nth(1).map_or(5, |text| text.parse().expect("rounds"));
    let packets: Vec<Vec<u8>> =
        (0..NAMES).map(|number| packet(&format!("h{number}.plain.com"), false)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let one = runtime.expect("a runtime").block_on(async {
        let bench = BenchService::new(0, 256 << 20);
        for _ in 0..2 {
            bench.ask(packets.iter().cloned()).await;
        }
        bench
    });
    let two = one.another();
    let mut ratios: Vec<f64> = (0..rounds)
        .map(|_| {
            let (alone, together) = (hits(&[&one], &packets), hits(&[&one, &two], &packets));
            println!("{alone:.0} hits a second alone, {together:.0} together");
            together / alone
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!("two do {:.2} times the work of one", ratios[rounds / 2]);
}

/// Hits a second of all workers.
fn hits(workers: &[&BenchService], packets: &[Vec<u8>]) -> f64 {
    let start = Barrier::new(workers.len());
    let work = &|at: usize, bench: &BenchService| {
        start.wait();
        let (mut reply, began, mut count) = (Vec::with_capacity(1500), Instant::now(), 0usize);
        let mut turn = packets.iter().cycle().skip(at * NAMES / 2);
        while began.elapsed() < ROUND {
            for packet in turn.by_ref().take(64) {
                assert!(bench.handle(packet, &mut reply).is_none(), "a miss");
            }
            count += 64;
        }
        count as f64 / began.elapsed().as_secs_f64()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter()
            .enumerate()
            .map(|(at, bench)| scope.spawn(move || work(at, bench)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker")).sum()
    })
}
