//! Popular answers are refreshed before they expire.

use std::time::Duration;

use crate::lab::{ServiceLab, lab};
use tokio::time::{Instant, sleep};
use zoners_dns::{Counter, Rtype, Transport};
use zoners_sim::{Link, Manner};

const SECOND: Duration = Duration::from_secs(1);
/// Of the names asked for here, in seconds.
const TTL: u64 = 300;

async fn ask(lab: &ServiceLab, name: &str, rtype: Rtype) -> Duration {
    let began = Instant::now();
    let reply = lab.ask(name, rtype, Transport::Udp).await;
    assert!(reply.answer.iter().all(|set| set.ttl <= TTL as u32), "{reply:?}");
    began.elapsed()
}

/// Asks every second, and counts the questions that had to wait.
async fn ask_for(lab: &ServiceLab, seconds: u64, rtypes: &[Rtype]) -> usize {
    let mut waited = 0;
    for _ in 0..seconds {
        for rtype in rtypes {
            waited += usize::from(ask(lab, "all.example.com", *rtype).await > Duration::ZERO);
        }
        sleep(SECOND).await;
    }
    waited
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_is_popular_and_it_costs_no_packets() {
    let lab = lab();
    assert_eq!(ask_for(&lab, 20 * TTL, &[Rtype::A]).await, 1, "the first");
    let refreshed = lab.count(Counter::CachePrefetches);
    assert!((20..=23).contains(&refreshed), "{refreshed}");
    assert_eq!(lab.count(Counter::CachePrefetchesUsed), refreshed);
    // One query for each, plus the cost of the way there, at first and now and then.
    let sent = lab.net.sent().len() as u64;
    assert!(sent <= refreshed + 12, "{sent}");
}

#[tokio::test(start_paused = true)]
async fn the_types_that_programs_ask_for_together_are_refreshed_together() {
    let lab = lab();
    let types = [Rtype::A, Rtype::AAAA, Rtype::HTTPS];
    assert_eq!(ask_for(&lab, 3, &types).await, 3);
    sleep(SECOND * (TTL as u32 * 9 / 10)).await;
    assert_eq!(lab.count(Counter::CachePrefetches), 0);
    ask(&lab, "all.example.com", Rtype::A).await;
    assert_eq!(lab.count(Counter::CachePrefetches), 3);
    assert_eq!(ask_for(&lab, TTL / 10, &types).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_machine_sends_nothing_and_what_is_seldom_asked_for_is_left_to_expire() {
    let lab = lab();
    ask_for(&lab, TTL / 2, &[Rtype::A]).await;
    let sent = lab.net.sent().len();
    sleep(SECOND * 86_400).await;
    assert_eq!(lab.net.sent().len(), sent);
    // A name asked the second time shortly before expiry is not popular.
    ask(&lab, "a.b.ent.example.com", Rtype::A).await;
    sleep(SECOND * 3_590).await;
    ask(&lab, "a.b.ent.example.com", Rtype::A).await;
    assert_eq!(lab.count(Counter::CachePrefetches), 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_refreshed_holds_until_it_expires() {
    let lab = lab();
    ask_for(&lab, TTL * 9 / 10 - 5, &[Rtype::A]).await;
    for server in ["203.0.114.1", "203.0.114.2"] {
        lab.net.link(server, Link::of(20).with(Manner::ServFail));
    }
    assert_eq!(ask_for(&lab, TTL / 10, &[Rtype::A]).await, 0);
    assert_eq!(lab.count(Counter::CachePrefetches), 1, "one try");
    assert_eq!((lab.count(Counter::ClientServfail), lab.count(Counter::ClientStale)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_wants_any_more_is_not_refreshed_for_long() {
    let lab = lab();
    // Each name is popular until its TTL ends, and then never asked again.
    let mut waste = 0;
    for round in 0..400u64 {
        let name = format!("n{round}.wild.example.com");
        for at in [0, 1, TTL - 10] {
            lab.clock.jump(SECOND * at as u32);
            ask(&lab, &name, Rtype::A).await;
        }
        waste = lab.count(Counter::CachePrefetches);
        sleep(SECOND * TTL as u32).await;
    }
    let (must, full) =
        (lab.count(Counter::ClientRecursed), lab.count(Counter::CachePrefetchesSkipped));
    assert_eq!((waste + full, must), (400, 400));
    let sent = lab.count(Counter::UpstreamQueries);
    assert!(waste <= 64 + sent / 8, "{waste}, beyond the first 64, of {sent}");
}
