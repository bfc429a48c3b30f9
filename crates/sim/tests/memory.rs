//! The memory of a pending recursion. A test program of its own, since the heap count covers the
//! whole process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "resolver/common/mod.rs"]
mod common;

use std::time::Duration;

use common::{Lab, question, settings};
use tokio::task::JoinSet;
use zoners_dns::{Delegation, QueryMode, Rtype, name, zonefile};
use zoners_sim::{Link, Manner, world};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Heap octets of each of a thousand recursions waiting for silent servers, and of as many clients
/// waiting for one of these recursions.
#[tokio::test(start_paused = true)]
async fn a_pending_recursion_costs_at_most_16_kib() {
    const PENDING: usize = 1000;
    const LIMIT: usize = 16 * 1024;
    const FOLLOWER: usize = 4 * 1024;
    let net = world::small(1);
    for address in ["203.0.114.1", "203.0.114.2"] {
        net.link(address, Link::of(20).with(Manner::Dead));
    }
    // Configured servers are not rate-limited, so the most recursions wait.
    let mut settings = settings();
    (settings.limits.questions_per_zone, settings.limits.queries_per_server) = (0, 0);
    let hints =
        zonefile::root_hints(". NS ns1.\n. NS ns2.\nns1. A 203.0.114.1\nns2. A 203.0.114.2\n");
    let servers = Delegation::from_hints(&hints.unwrap()).unwrap();
    let zone = name::parse("example.com").unwrap();
    settings.routes = vec![Delegation { zone, mode: QueryMode::Stub, ..servers }];
    let lab = Lab::with(net, settings);
    lab.resolve("missing.com", Rtype::A).await.unwrap();
    let _profiler = dhat::Profiler::builder().testing().build();
    lab.net.forget_sent();
    let before = dhat::HeapStats::get().curr_bytes;
    let mut clients = JoinSet::new();
    for number in 0..PENDING {
        let (worker, asked) =
            (lab.worker.clone(), question(&format!("n{number}.example.com"), Rtype::A));
        clients.spawn(async move { worker.resolve(&asked, None).await });
    }
    // By now each has several queries under way.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(lab.worker.pending(), PENDING);
    lab.net.forget_sent();
    let each = (dhat::HeapStats::get().curr_bytes - before) / PENDING;
    println!("{each} octets for a pending recursion");
    assert!(each <= LIMIT, "{each} octets");
    // Followers of a flight are bounded by `server.waiting`, and cost less.
    let before = dhat::HeapStats::get().curr_bytes;
    for _ in 0..PENDING {
        let (worker, asked) = (lab.worker.clone(), question("n0.example.com", Rtype::A));
        clients.spawn(async move { worker.resolve(&asked, None).await });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(lab.worker.pending(), PENDING, "all follow");
    let each = (dhat::HeapStats::get().curr_bytes - before) / PENDING;
    println!("{each} octets for a follower");
    assert!(each <= FOLLOWER, "{each} octets");
}
