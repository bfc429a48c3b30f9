//! Datagrams that are no reply: they only make the resolver try other ways sooner.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::{Lab, settings};
use tokio::time::Instant;
use zoners_dns::{Counter, EdeCode, Endpoint, Rtype, Transport};
use zoners_sim::{Bad, Beset, Link, Manner, Sent, SimNetwork, Streams, world};

const SERVERS: [&str; 2] = ["203.0.114.1", "203.0.114.2"];
const ALONE: &str = "203.0.114.9";
const NAMES: usize = 9;

/// Example.com on two servers and alone.com on one server, each with this manner.
fn net(manner: Manner) -> SimNetwork {
    let net = world::small(1);
    let mut names = String::from("@ NS ns\nns A 203.0.114.9\n");
    (0..NAMES).for_each(|number| names += &format!("n{number} A 203.0.113.{number}\n"));
    let com = "@ NS a.nic\na.nic A 192.5.6.1\nalone NS ns.alone\nns.alone A 203.0.114.9\n\
               example NS ns1.example\nexample NS ns2.example\nns1.example A 203.0.114.1\n\
               ns2.example A 203.0.114.2\n";
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], com);
    net.zone("alone.com", &[ALONE], &names);
    let example = names.replace("ns A 203.0.114.9", "ns A 203.0.114.1");
    net.zone("example.com", &SERVERS, &example);
    for address in SERVERS.iter().chain(&[ALONE]) {
        net.link(address, Link::of(20).with(manner));
    }
    net
}

/// The queries to these servers.
fn to_beset(lab: &Lab) -> Vec<Sent> {
    let beset = |sent: &Sent| {
        let address = sent.to.address.ip().to_string();
        address == ALONE || SERVERS.contains(&address.as_str())
    };
    lab.net.sent().into_iter().filter(beset).collect()
}

/// Queries over a transport; repeated queries count once.
fn waits(transport: Transport, sent: &[Sent]) -> usize {
    let over = sent.iter().filter(|sent| sent.to.transport == transport);
    over.map(|sent| sent.exchange).collect::<BTreeSet<_>>().len()
}

#[tokio::test(start_paused = true)]
async fn the_real_answer_is_waited_for_whatever_comes_before_it() {
    for by in Bad::ALL {
        for streams in Streams::ALL {
            for (times, zone) in [(1, "alone"), (50, "alone"), (50, "example")] {
                let beset = Beset { by, times, good: true, streams };
                let lab = Lab::frugal(net(Manner::Beset(beset)));
                for number in 0..NAMES {
                    lab.net.forget_sent();
                    let started = Instant::now();
                    let answer = lab.ask(&format!("n{number}.{zone}.com"), Rtype::A).await;
                    let took = started.elapsed();
                    assert!(
                        answer.contains(&format!("203.0.113.{number}")),
                        "{beset:?} {number}.{zone}: {answer}"
                    );
                    // Two referrals, then the good reply at the latest.
                    let latest = Duration::from_millis(3 * 20 + 50 + 1);
                    assert!(took <= latest, "{beset:?} {number}.{zone}: {took:?}");
                    let sent = to_beset(&lab);
                    let (waits, tcp) = (waits(Transport::Udp, &sent), waits(Transport::Tcp, &sent));
                    // Where TCP gave the answer twice, TCP is tried first.
                    assert!(tcp <= waits.max(1) && waits <= 2, "{beset:?} {zone}: {sent:#?}");
                    assert!(sent.len() <= 6, "{beset:?} {zone}: {sent:#?}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_held_against_a_server_that_others_speak_for() {
    for by in Bad::ALL {
        let beset = Beset { streams: Streams::Closed, ..Beset::once(by) };
        let lab = Lab::frugal(net(Manner::Beset(beset)));
        lab.resolve("n1.alone.com", Rtype::A).await.unwrap();
        let endpoint = Endpoint::udp(ALONE.parse().unwrap());
        let shared = lab.worker.shared();
        let info = shared.cache.server(endpoint, shared.now());
        assert_eq!((info.trouble, info.unanswered), (None, 0), "{by:?}");
        if by != Bad::Truncated {
            assert_eq!(info.srtt(), Some(Duration::from_millis(20 + 50)), "{by:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_server_is_asked_at_once() {
    for by in Bad::ALL {
        let lab = Lab::frugal(net(Manner::Good));
        let beset = Beset { times: 3, good: false, streams: Streams::Silent, by };
        lab.net.link(SERVERS[0], Link::of(20).with(Manner::Beset(beset)));
        for number in 0..NAMES {
            let started = Instant::now();
            let answer = lab.ask(&format!("n{number}.example.com"), Rtype::A).await;
            assert!(answer.contains("203.0.113."), "{by:?}: {answer}");
            let took = started.elapsed();
            assert!(took <= Duration::from_millis(4 * 20 + 1), "{by:?} {number}: {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_says_anything_better_is_not_waited_for_long() {
    for by in Bad::ALL {
        for streams in [Streams::Closed, Streams::End, Streams::Bad] {
            for zone in ["alone", "example"] {
                let beset = Beset { by, times: 1, good: false, streams };
                let lab = Lab::frugal(net(Manner::Beset(beset)));
                let started = Instant::now();
                let failed = lab.resolve(&format!("n1.{zone}.com"), Rtype::A).await;
                let unresolved = failed.expect_err("never NODATA");
                let codes = [
                    EdeCode::INVALID_DATA,
                    EdeCode::NETWORK_ERROR,
                    EdeCode::NO_REACHABLE_AUTHORITY,
                ];
                assert!(codes.contains(&unresolved.ede.code), "{beset:?} {unresolved}");
                let took = started.elapsed();
                assert!(took < Duration::from_millis(2500), "{beset:?} {zone}: {took:?}");
                let sent = to_beset(&lab).len();
                assert!(sent <= 18, "{beset:?} {zone}: {sent} packets");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_costs_its_port_and_not_the_question() {
    const FLOOD: u32 = 10_000;
    for by in Bad::ALL {
        let beset = Beset { by, times: FLOOD, good: true, streams: Streams::Good };
        let lab = Lab::frugal(net(Manner::Beset(beset)));
        let answer = lab.ask("n1.alone.com", Rtype::A).await;
        assert!(answer.contains("203.0.113.1"), "over TCP: {by:?}: {answer}");
        assert_eq!(lab.count(Counter::BudgetOctets), 0, "{by:?}");

        let closed = Beset { streams: Streams::Closed, ..beset };
        let mut floods = 0;
        for good in SERVERS {
            let lab = Lab::frugal(net(Manner::Beset(closed)));
            lab.net.link(good, Link::of(20));
            for number in 0..NAMES {
                let started = Instant::now();
                let answer = lab.ask(&format!("n{number}.example.com"), Rtype::A).await;
                assert!(answer.contains("203.0.113."), "{by:?}: {answer}");
                // After a truncated reply, TCP is waited for first.
                assert!(started.elapsed() <= Duration::from_millis(7 * 20 + 1), "{by:?}");
            }
            // The query sees each failure of a port as one event.
            let read = lab.count(Counter::UpstreamMismatched)
                + lab.count(Counter::UpstreamMalformed)
                + lab.count(Counter::UpstreamTruncated)
                + lab.count(Counter::UpstreamNetworkErrors);
            let waits = lab.count(Counter::LimitPortFlooded);
            assert!(read <= 101 * (waits + 1), "{by:?}: {read} read in {waits} waits");
            assert_eq!(lab.count(Counter::BudgetOctets), 0, "{by:?}");
            floods += waits;
        }
        assert!(floods > 0, "{by:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_beside_another_that_cannot_be_sent_does_not_end_the_wait() {
    // Root, com and one server: the budget has no room for a second server when the first is late.
    let mut poor = settings();
    (poor.limits.probe_budget, poor.limits.hedges, poor.limits.queries) = (0, 0, 4);
    let net = net(Manner::Good);
    net.link(SERVERS[0], Link::of(900)).link(SERVERS[1], Link::of(900));
    let lab = Lab::with(net, poor);
    let answer = lab.ask("n1.example.com", Rtype::A).await;
    assert!(lab.count(Counter::BudgetQueries) > 0, "a hedge was wanted");
    assert!(answer.contains("203.0.113.1"), "{answer}");
}
