//! `work WHAT COUNT`: does so much of one kind of work and nothing else, to be counted by
//! `callgrind` (see `benchmarks/instructions`) or looked at with a profiler.

#![allow(clippy::print_stderr, clippy::expect_used, clippy::panic, reason = "a bench")]

use zoners_benchmarks::{Bench, packet};
use zoners_dns::Counter;

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
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(work(what, count));
}

async fn work(what: &str, count: usize) {
    let signed = if what == "validation" { SIGNED } else { 0 };
    let bench = Bench::new(signed, 256 << 20);
    let plain = |number: usize| packet(&format!("h{number}-x.plain.com"), false);
    let wild = |number: usize| packet(&format!("h{number}-x.wild.example.com"), false);
    let own = |number: usize| packet(&format!("n{number}.example.com"), false);
    // Whatever is learned once.
    bench
        .ask([packet("warm.plain.com", false), packet("mail.example.com", true)].into_iter())
        .await;
    bench.ask([packet("a.wild.example.com", true)].into_iter()).await;
    match what {
        "hit" => {
            let packets: Vec<Vec<u8>> = (0..CACHED).map(plain).collect();
            for _ in 0..2 {
                bench.ask(packets.iter().cloned()).await;
            }
            let mut reply = Vec::with_capacity(1500);
            for packet in packets.iter().cycle().take(count) {
                assert!(bench.handle(packet, &mut reply).is_none() && reply[7] == 1);
            }
        }
        "miss" => bench.ask((0..count).map(plain)).await,
        "wildcard" => bench.ask((0..count).map(wild)).await,
        "validation" => bench.ask((0..count.min(SIGNED)).map(own)).await,
        _ => panic!("hit, miss, wildcard or validation"),
    }
    eprintln!("{} recursed", bench.count(Counter::ClientRecursed));
}
