//! However clients end, an identical query is sent once, and the remaining clients are served.

use std::sync::Arc;
use std::time::Duration;

use crate::common::identical::check;
use crate::common::many::{ms, with_delegations};
use crate::common::signed::signed_net;
use crate::common::{Lab, question, settings};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zoners_dns::{Checking, Counter, Question, Random, Rtype};
use zoners_resolver::{Cause, Limits, Resolver, Settings};
use zoners_sim::sign::Signing;
use zoners_sim::world::COM_SERVERS;
use zoners_sim::{Bad, Beset, Link, Manner, SimNetwork};

const ADDRESS: &str = "203.0.114.70";
const FOLLOWERS: usize = 950;

/// `slow.com.` on one server with this link.
fn slow(link: Link) -> SimNetwork {
    let net = with_delegations("slow NS ns.slow\nns.slow A 203.0.114.70\n");
    let names: String = (0..1000).map(|number| format!("n{number} A 203.0.113.1\n")).collect();
    net.zone(
        "slow.com",
        &[ADDRESS],
        &format!("@ SOA ns root 1 2 3 4 300\nns A {ADDRESS}\n{names}"),
    );
    net.link(ADDRESS, link);
    net
}

/// A server whose first replies are late.
fn late(millis: u64) -> Link {
    Link { outages: vec![Duration::ZERO..ms(millis)], ..Link::of(20) }
}

/// A lab with changed limits, and workers beside it with their own limits, without optional
/// queries.
fn lab(net: SimNetwork, change: impl FnOnce(&mut Limits)) -> Lab {
    let mut settings = settings();
    (settings.limits.probe_budget, settings.probe_uplink) = (0, false);
    change(&mut settings.limits);
    Lab::with(net, settings)
}

fn beside(lab: &Lab, change: impl FnOnce(&mut Limits)) -> Resolver<SimNetwork> {
    beside_with(lab, false, change)
}

fn beside_with(
    lab: &Lab,
    probe_uplink: bool,
    change: impl FnOnce(&mut Limits),
) -> Resolver<SimNetwork> {
    let mut settings = Settings { probe_uplink, ..lab.worker.settings().clone() };
    change(&mut settings.limits);
    Resolver::new(lab.worker.shared().clone(), lab.net.clone(), settings.into(), Arc::default())
}

/// Asks as a client does; says whether there is an answer.
async fn ask(worker: &Resolver<SimNetwork>, asked: &Question, checking: Checking) -> bool {
    let now = worker.shared().now();
    let Err(lack) = worker.cached(asked, checking, now) else { return true };
    worker.failed(asked, checking, now).is_none()
        && worker.resolve_for(None, asked, checking, lack, None).await.is_ok()
}

/// Asks for names of `slow.com.`, each by a client of its own, `apart` from each other; returns the
/// number of answers.
async fn ask_names(workers: &[Resolver<SimNetwork>], apart: Duration) -> usize {
    let mut clients = JoinSet::new();
    for number in 0..FOLLOWERS {
        let worker = workers[number % workers.len()].clone();
        let asked = question(&format!("n{number}.slow.com"), Rtype::A);
        clients.spawn(async move {
            sleep(apart * number as u32).await;
            ask(&worker, &asked, Checking::Enabled).await
        });
    }
    clients.join_all().await.into_iter().filter(|answered| *answered).count()
}

/// The referral that every question waits for.
fn slow_parent() -> SimNetwork {
    let net = slow(Link::of(20));
    for address in COM_SERVERS {
        net.link(address, late(3000));
    }
    net
}

#[tokio::test(start_paused = true)]
async fn followers_of_leaders_whose_budget_ends() {
    let net = slow_parent();
    for address in COM_SERVERS {
        net.link(address, late(1000));
    }
    // The reply to the leader exceeds its byte budget.
    let lab = lab(net, |limits| limits.bytes = 0);
    let rich = beside(&lab, |limits| limits.bytes = Limits::default().bytes);
    rich.resolve(&question("com", Rtype::NS), None).await.ok();
    lab.net.forget_sent();
    let answered = ask_names(&[lab.worker.clone(), rich.clone()], ms(1)).await;
    assert!(answered >= FOLLOWERS / 2, "{answered}");
    assert!(
        lab.count(Counter::FlightTakenOver) + rich.counters().get(Counter::FlightTakenOver) > 0
    );
    let most = check(&lab.net, "budgets");
    assert!(most <= 3, "{most}");
}

#[tokio::test(start_paused = true)]
async fn followers_of_leaders_whose_time_ends() {
    let lab = lab(slow_parent(), |limits| limits.recursion = ms(400));
    let rich = beside(&lab, |limits| limits.recursion = ms(8000));
    let answered = ask_names(&[lab.worker.clone(), lab.worker.clone(), rich], ms(1)).await;
    assert!(answered >= FOLLOWERS / 3, "{answered}");
    assert!(lab.count(Counter::FlightTakenOver) > 0);
    let most = check(&lab.net, "deadlines");
    assert!(most <= 3, "{most}");
}

#[tokio::test(start_paused = true)]
async fn followers_of_leaders_whose_seat_is_taken() {
    let lab = lab(slow_parent(), |limits| limits.pending = 100);
    let answered = ask_names(std::slice::from_ref(&lab.worker), ms(3)).await;
    assert!(answered >= 100, "{answered}");
    assert!(lab.count(Counter::RecursionEvicted) > 0 && lab.count(Counter::FlightTakenOver) > 0);
    let most = check(&lab.net, "slots");
    assert!(most <= 3, "{most}");
}

#[tokio::test(start_paused = true)]
async fn followers_of_a_leader_whose_client_goes_away() {
    let lab = lab(slow(late(3000)), |_| {});
    let mut clients = JoinSet::new();
    for number in 0..FOLLOWERS {
        let (worker, asked) = (lab.worker.clone(), question("n1.slow.com", Rtype::A));
        clients.spawn(async move {
            let patience = if number % 3 == 0 { ms(8000) } else { ms(1 + 3 * number as u64) };
            timeout(patience, ask(&worker, &asked, Checking::of_cd(number % 2 == 0))).await
                == Ok(true)
        });
    }
    let answered = clients.join_all().await.into_iter().filter(|answered| *answered).count();
    assert!(answered >= FOLLOWERS / 3, "{answered}");
    let most = check(&lab.net, "clients");
    assert!(most <= 3, "{most}");
}

#[tokio::test(start_paused = true)]
async fn losers_of_a_race_are_joined_by_the_next() {
    // The question ends, its query goes on, and the next client causes a repetition.
    let lab = lab(slow(Link::of(20)), |limits| limits.recursion = ms(500));
    let rich = beside(&lab, |limits| limits.recursion = ms(8000));
    lab.resolve("n0.slow.com", Rtype::A).await.unwrap();
    lab.net.link(ADDRESS, late(700));
    let asked = question("n1.slow.com", Rtype::A);
    assert!(lab.worker.resolve(&asked, None).await.is_err());
    assert!(rich.resolve(&asked, None).await.is_ok());
    assert_eq!(check(&lab.net, "losers"), 1);
    assert!(rich.counters().get(Counter::UpstreamRetransmitted) > 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_one_who_asks_is_no_failure_of_the_name() {
    let lab = lab(slow(late(600)), |limits| limits.recursion = ms(500));
    let asked = question("n1.slow.com", Rtype::A);
    let ended = lab.worker.resolve(&asked, None).await.unwrap_err();
    assert_eq!(ended.cause, Cause::Deadline);
    let now = lab.worker.shared().now();
    assert_eq!(lab.worker.failed(&asked, Checking::Enabled, now), None);
    // A later client does not get the failure.
    sleep(ms(200)).await;
    assert!(lab.resolve("n1.slow.com", Rtype::A).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_one_who_asks_is_no_failure_of_the_name() {
    for lookups in [false, true] {
        let net = slow(Link::of(20));
        let host = "glueless NS ns.far.com.\nfar NS ns.far\nns.far A 203.0.114.71\n";
        let net = if lookups {
            let net = with_delegations(host);
            net.zone("far.com", &["203.0.114.71"], "ns A 203.0.114.71\n");
            net.zone("glueless.com", &["203.0.114.71"], "n1 A 203.0.113.1\n");
            net
        } else {
            net
        };
        let name = if lookups { "n1.glueless.com" } else { "n1.slow.com" };
        for queries in 0..8 {
            let poor = lab(net.clone(), |limits| (limits.queries, limits.hedges) = (queries, 0));
            let asked = question(name, Rtype::A);
            if let Err(ended) = poor.worker.resolve(&asked, None).await {
                assert_eq!(ended.cause, Cause::Budget, "{queries}: {ended}");
                let now = poor.worker.shared().now();
                assert_eq!(poor.worker.failed(&asked, Checking::Enabled, now), None, "{queries}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_with_more_to_prove_with_is_not_told_that_another_had_too_little() {
    let (net, mut settings) = signed_net(&Signing::default());
    settings.limits.probe_budget = 0;
    for number in 1..=2 {
        net.link(&format!("203.0.114.{number}"), Link::of(300));
    }
    let lab = Lab::with(net, settings);
    let poor = beside(&lab, |limits| limits.verifications = 3);
    let (asked, again) =
        (question("www.example.com", Rtype::A), question("mail.example.com", Rtype::A));
    let (first, second) =
        tokio::join!(poor.resolve(&asked, None), lab.worker.resolve(&again, None));
    assert!(first.is_err() && second.is_ok(), "{first:?} {second:?}");
    assert!(lab.worker.resolve(&asked, None).await.is_ok());
}

/// Random ways in which clients end, with random links.
async fn random_endings(seed: u64) {
    let random = Random::seeded(seed);
    let manner = [
        Manner::Good,
        Manner::Good,
        Manner::Good,
        Manner::Dead,
        Manner::Truncates,
        Manner::ServFail,
        Manner::Refuses,
        Manner::RefersUpward,
        Manner::DropsEdns,
        Manner::FormErrOnEdns,
        Manner::Garbage,
        Manner::Beset(Beset::once(Bad::Id)),
        Manner::TcpOnly,
    ];
    let link = || Link {
        jitter: ms(random.below(100)),
        late: 0.2,
        outages: vec![Duration::ZERO..ms(random.below(3000))],
        ..Link::of(5 + random.below(700))
            .losing(random.below(6) as f64 / 10.0)
            .with(manner[random.below(manner.len() as u64) as usize])
    };
    let net = slow(link());
    for address in COM_SERVERS {
        net.link(address, Link { manner: Manner::Good, ..link() });
    }
    let lab = lab(net, |_| {});
    let workers: Vec<_> = (0..6)
        .map(|_| {
            beside_with(&lab, true, |limits| {
                limits.queries = 1 + random.below(8) as u32;
                limits.hedges = random.below(4) as u32;
                limits.tcp = random.below(3) as u32;
                limits.recursion = ms(50 + random.below(4000));
                limits.pending = 2 + random.below(20) as usize;
                limits.bytes = 300 + random.below(2000);
                limits.stragglers = random.below(8) as usize;
                limits.exchange = ms(500 + random.below(2500));
            })
        })
        .collect();
    let mut clients = JoinSet::new();
    for _ in 0..120 {
        let worker = workers[random.below(workers.len() as u64) as usize].clone();
        let name = format!("n{}.slow.com", random.below(4));
        let rtype = [Rtype::A, Rtype::AAAA][random.below(2) as usize];
        let (asked, unchecked) = (question(&name, rtype), random.chance(0.3));
        let (begin, patience) = (ms(random.below(4000)), ms(random.below(6000)));
        clients.spawn(async move {
            sleep(begin).await;
            let _ = timeout(patience, ask(&worker, &asked, Checking::of_cd(unchecked))).await;
        });
    }
    clients.join_all().await;
    check(&lab.net, &format!("seed {seed}"));
    // No asker is left waiting, and nothing is left behind.
    sleep(Duration::from_secs(30)).await;
    assert!(workers.iter().all(|worker| worker.pending() == 0), "seed {seed}");
    assert_eq!(lab.worker.shared().in_flight(), 0, "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_whom_the_same_query_is_out_once() {
    for seed in 0..100 {
        random_endings(seed).await;
    }
}
