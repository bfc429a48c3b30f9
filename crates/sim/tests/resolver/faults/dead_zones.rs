//! A zone with silent servers costs few packets, for any client and any number of questions; and
//! the addresses that the zone names as servers are no amplification target.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::common::many::{ms, time, with_delegations};
use crate::common::{Lab, question};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zoners_dns::{Counter, EdeCode, Rtype, Transport};
use zoners_resolver::{Cause, Hop, Resolution, Trace};
use zoners_sim::world::COM_SERVERS;
use zoners_sim::{Bad, Beset, Link, Manner, SimNetwork, Streams};

/// The first question costs at most this, and each later question …
const FIRST: usize = 20;
/// … no more than this.
const LATER: usize = 3;

/// `dead.com.` with `servers` servers of `addresses` addresses each; the address with the number
/// `living`, counted server by server, answers.
fn dead(servers: usize, addresses: usize, living: Option<usize>) -> SimNetwork {
    let mut text = String::new();
    for server in 0..servers {
        text += &format!("dead NS n{server}.dead\n");
        for address in 0..addresses {
            text += &format!("n{server}.dead A 203.20.{server}.{address}\n");
        }
    }
    let net = with_delegations(&text);
    if let Some(living) = living {
        let address = format!("203.20.{}.{}", living / addresses, living % addresses);
        net.zone("dead.com", &[&address], "* A 203.0.113.1\n");
    }
    net
}

/// Packets to the servers of `dead.com.` since the last count; a stream that is not opened counts
/// three.
fn packets(net: &SimNetwork) -> usize {
    let sent = net.sent();
    net.forget_sent();
    let to_dead = sent.iter().filter(|sent| sent.to.address.to_string().starts_with("203.20."));
    to_dead.map(|sent| if sent.to.transport == Transport::Tcp { 3 } else { 1 }).sum()
}

/// Asks questions at the same time.
async fn together(lab: &Lab, asked: &[(String, Rtype)]) -> Vec<Resolution> {
    let mut asking = JoinSet::new();
    for (name, rtype) in asked {
        let (worker, question) = (lab.worker.clone(), question(name, *rtype));
        asking.spawn(async move { worker.resolve(&question, None).await });
    }
    asking.join_all().await
}

fn browser(name: &str) -> Vec<(String, Rtype)> {
    [Rtype::A, Rtype::AAAA, Rtype::HTTPS].map(|rtype| (name.to_owned(), rtype)).to_vec()
}

#[tokio::test(start_paused = true)]
async fn the_first_question_costs_little_and_the_next_less() {
    for (servers, addresses) in [(13, 6), (1, 1), (2, 1), (4, 2), (1, 6), (3, 1)] {
        let lab = Lab::new(dead(servers, addresses, None));
        for number in 0..12 {
            assert!(lab.resolve(&format!("n{number}.dead.com"), Rtype::A).await.is_err());
            // Work goes on after the answer.
            sleep(Duration::from_secs(4)).await;
            let (cost, most) = (packets(&lab.net), if number == 0 { FIRST } else { LATER });
            assert!(cost <= most, "{servers} servers of {addresses}, question {number}: {cost}");
        }
        assert_eq!(lab.count(Counter::InfraUnresponsiveZones), 1);
        assert!(lab.count(Counter::InfraUnresponsiveHeld) > 0 || servers * addresses < 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_browser_asks_at_once_and_shortened_questions_cost_no_more() {
    for name in ["www.dead.com", "a.b.www.dead.com"] {
        let lab = Lab::new(dead(13, 6, None));
        assert!(together(&lab, &browser(name)).await.iter().all(Result::is_err));
        sleep(Duration::from_secs(4)).await;
        let cost = packets(&lab.net);
        assert!(cost <= FIRST, "{name}: {cost}");
        for number in 0..6 {
            together(&lab, &browser(&format!("n{number}.{name}"))).await;
            sleep(Duration::from_secs(4)).await;
            let cost = packets(&lab.net);
            assert!(cost <= LATER, "{name} {number}: {cost}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn questions_at_the_same_time_share_what_is_learned() {
    let lab = Lab::new(dead(13, 6, None));
    let names = |from: usize| -> Vec<(String, Rtype)> {
        (from..from + 12).map(|number| (format!("n{number}.dead.com"), Rtype::A)).collect()
    };
    together(&lab, &names(0)).await;
    sleep(Duration::from_secs(4)).await;
    let cost = packets(&lab.net);
    assert!(cost <= FIRST + 11 * LATER, "{cost}");
    let failed = together(&lab, &names(12)).await;
    let cost = packets(&lab.net);
    assert!(cost <= LATER, "{cost}");
    assert_eq!(lab.count(Counter::InfraUnresponsiveShared), 11);
    for unresolved in failed.into_iter().map(Result::unwrap_err) {
        assert_eq!(unresolved.cause, Cause::Silent);
        assert_eq!(unresolved.ede.code, EdeCode::NO_REACHABLE_AUTHORITY);
    }
}

#[tokio::test(start_paused = true)]
async fn one_living_address_of_very_many_is_found_and_the_death_forgotten() {
    let sixty = [0, 5, 29, 59].map(|living| (12, 5, living, 20));
    let more = [0, 29, 59, 71].map(|living| (13, 6, living, 24));
    for (servers, addresses, living, most) in sixty.into_iter().chain(more) {
        let lab = Lab::new(dead(servers, addresses, Some(living)));
        let mut asked = 0;
        while lab.resolve(&format!("n{asked}.dead.com"), Rtype::A).await.is_err() {
            asked += 1;
            assert!(asked < most, "{servers} servers of {addresses}, address {living}");
        }
        assert!(lab.worker.shared().silent_zones(9).is_empty());
        for number in 100..110 {
            assert!(time(&lab, &format!("n{number}.dead.com")).await <= ms(30));
        }
    }
}

/// A client that gives up after a second and asks for the next name, so its questions overlap.
#[tokio::test(start_paused = true)]
async fn one_living_address_of_sixty_is_found_for_a_client_with_little_patience() {
    let lab = Lab::new(dead(12, 5, Some(59)));
    let mut asking = JoinSet::new();
    for number in 0..20 {
        let asked = question(&format!("n{number}.dead.com"), Rtype::A);
        let worker = lab.worker.clone();
        asking.spawn(async move { worker.resolve(&asked, None).await });
        sleep(ms(1200)).await;
    }
    let all = asking.join_all().await;
    assert!(all.iter().any(Result::is_ok), "{} packets", packets(&lab.net));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_does_not_make_the_silent_ones_cost_more() {
    let net = dead(13, 6, None);
    net.link("203.20.0.0", Link::of(20).with(Manner::Refuses));
    let lab = Lab::new(net);
    let mut total = 0;
    for number in 0..12 {
        assert!(lab.resolve(&format!("n{number}.dead.com"), Rtype::A).await.is_err());
        sleep(Duration::from_secs(4)).await;
        total += packets(&lab.net);
    }
    assert!(total <= FIRST + 11 * (LATER + 1), "{total}");
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_comes_back_is_used_with_the_next_question() {
    for (servers, rtt) in [(1, 20), (3, 400), (13, 1000)] {
        let net = dead(servers, 1, Some(0));
        let all: Vec<String> = (0..servers).map(|server| format!("203.20.{server}.0")).collect();
        let addresses: Vec<&str> = all.iter().map(String::as_str).collect();
        net.zone("dead.com", &addresses, "* A 203.0.113.1\n");
        addresses.iter().for_each(|at| _ = net.link(at, Link::of(rtt).with(Manner::Dead)));
        let lab = Lab::new(net);
        for number in 0..20 {
            let _ = lab.resolve(&format!("n{number}.example.com"), Rtype::A).await;
            assert!(lab.resolve(&format!("n{number}.dead.com"), Rtype::A).await.is_err());
            sleep(Duration::from_secs(3)).await;
        }
        addresses.iter().for_each(|at| _ = lab.net.link(at, Link::of(rtt)));
        // If the server is slower than the typical server, its reply comes after the first question
        // failed.
        let _ = lab.resolve("n100.dead.com", Rtype::A).await;
        sleep(ms(rtt)).await;
        assert!(time(&lab, "n101.dead.com").await <= ms(rtt + rtt / 4 + 10), "{servers}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_is_not_dead_because_our_line_is() {
    for seconds in [1, 3, 20] {
        let outage = Duration::from_secs(10)..Duration::from_secs(10 + seconds);
        let net = dead(4, 2, Some(0));
        let link = || Link { outages: vec![outage.clone()], ..Link::of(40) };
        let all: Vec<String> =
            (0..4).flat_map(|n| [0, 1].map(|address| format!("203.20.{n}.{address}"))).collect();
        let addresses: Vec<&str> = all.iter().map(String::as_str).collect();
        net.zone("dead.com", &addresses, "* A 203.0.113.1\n");
        let others =
            ["198.51.100.1", "198.51.100.2", "2001:db8:ffff::1", "203.0.114.1", "203.0.114.2"];
        for address in addresses.iter().chain(&COM_SERVERS).chain(&others) {
            net.link(address, link());
        }
        let lab = Lab::new(net);
        time(&lab, "n0.dead.com").await;
        sleep(outage.start - lab.net.now()).await;
        let mut number = 0;
        while lab.net.now() < outage.end {
            number += 1;
            let (worker, asked) = (lab.worker.clone(), format!("n{number}.dead.com"));
            tokio::spawn(async move { worker.resolve(&question(&asked, Rtype::A), None).await });
            let (worker, asked) = (lab.worker.clone(), format!("n{number}.example.com"));
            tokio::spawn(async move { worker.resolve(&question(&asked, Rtype::A), None).await });
            sleep(ms(200)).await;
        }
        sleep(ms(50)).await;
        let first = time(&lab, "n1000.dead.com").await;
        assert!(first <= ms(1000), "after {seconds} s: {first:?}");
        let next = time(&lab, "n1001.dead.com").await;
        assert!(next <= ms(200), "after {seconds} s: {next:?}");
        let silent = lab.worker.shared().silent_zones(9);
        assert!(!silent.iter().any(|zone| zone.dead), "after {seconds} s: {silent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_zone_is_told_of() {
    let lab = Lab::new(dead(2, 1, None));
    lab.resolve("n0.dead.com", Rtype::A).await.unwrap_err();
    sleep(Duration::from_secs(2)).await;
    let trace = Arc::new(Trace::default());
    lab.worker.resolve(&question("n1.dead.com", Rtype::A), Some(trace.clone())).await.unwrap_err();
    let said = |step: &zoners_resolver::TimedHop| matches!(&step.hop, Hop::Note(note) if note.starts_with("dead.com. has been silent for "));
    assert!(trace.steps().iter().any(said), "{:?}", trace.steps());
    let silent = lab.worker.shared().silent_zones(9);
    assert!(silent.len() == 1 && silent[0].dead && silent[0].packets > 5, "{silent:?}");
}

/// The most packets to one address within a second, retransmitted SYNs included.
fn most_in_a_second(net: &SimNetwork, counts: impl Fn(IpAddr) -> bool) -> usize {
    let mut sent: BTreeMap<IpAddr, Vec<Duration>> = BTreeMap::new();
    for one in net.sent().iter().filter(|one| counts(one.to.address.ip())) {
        let times = if one.to.transport == Transport::Tcp { 3 } else { 1 };
        let all = sent.entry(one.to.address.ip()).or_default();
        all.extend((0..times).map(|again| one.at + Duration::from_secs(again)));
    }
    let most = |all: &Vec<Duration>| {
        let within =
            |from: Duration| all.iter().filter(|at| (from..from + ms(1000)).contains(at)).count();
        all.iter().map(|at| within(*at)).max().unwrap_or(0)
    };
    sent.values().map(most).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_victim_gets_four_packets_a_second_however_many_zones_name_it() {
    // Forged replies arrive in its name, so the server is asked over TCP too.
    let forged = Beset { by: Bad::Id, times: 1, good: false, streams: Streams::Silent };
    for manner in [Manner::Dead, Manner::Beset(forged)] {
        a_victim(manner).await;
    }
}

async fn a_victim(manner: Manner) {
    // Half the zones name the server by glue, half by a nameserver name in a different zone.
    let mut text = String::from("host NS ns.host\nns.host A 203.0.114.90\n");
    for number in 0..400 {
        text += &match number % 2 {
            0 => format!("z{number} NS ns.z{number}\nns.z{number} A 203.20.0.1\n"),
            _ => format!("z{number} NS n{number}.host.com.\n"),
        };
    }
    let net = with_delegations(&text);
    net.zone("host.com", &["203.0.114.90"], "@ NS ns\nns A 203.0.114.90\n* A 203.20.0.1\n");
    net.zone("victim.test", &["203.20.0.1"], "").link("203.20.0.1", Link::of(20).with(manner));
    let lab = Lab::new(net);
    let mut asking = JoinSet::new();
    for number in 0..400 {
        let (worker, asked) =
            (lab.worker.clone(), question(&format!("www.z{number}.com"), Rtype::A));
        asking.spawn(async move {
            sleep(ms(number * 10)).await;
            worker.resolve(&asked, None).await
        });
    }
    assert!(asking.join_all().await.iter().all(Result::is_err));
    sleep(Duration::from_secs(5)).await;
    let victim: IpAddr = "203.20.0.1".parse().unwrap();
    let most = most_in_a_second(&lab.net, |address| address == victim);
    assert!((1..=4).contains(&most), "{most} packets in a second");
    assert!(lab.count(Counter::InfraUnprovenHeld) > 0);
}

#[tokio::test(start_paused = true)]
async fn many_questions_at_once_to_a_new_provider_wait_for_its_first_answer_at_most() {
    for (rtt, servers) in [(30, 2), (600, 2), (600, 4)] {
        let mut text = String::new();
        let addresses: Vec<String> = (1..=servers).map(|last| format!("203.21.0.{last}")).collect();
        for (number, address) in addresses.iter().enumerate() {
            text += &format!("host NS ns{number}.host\nns{number}.host A {address}\n");
        }
        let mut sites = Vec::new();
        for number in 0..50 {
            for server in 0..servers {
                text += &format!("s{number} NS ns{server}.host.com.\n");
            }
            sites.push((format!("www.s{number}.com"), Rtype::A));
        }
        let net = with_delegations(&text);
        let served: Vec<&str> = addresses.iter().map(String::as_str).collect();
        for number in 0..50 {
            net.zone(&format!("s{number}.com"), &served, "www A 203.0.113.1\n");
        }
        for address in &served {
            net.link(address, Link::of(rtt));
        }
        let lab = Lab::new(net);
        // The line is known to be long.
        for address in COM_SERVERS {
            lab.net.link(address, Link::of(rtt));
        }
        let started = Instant::now();
        assert!(together(&lab, &sites).await.iter().all(Result::is_ok));
        let took = started.elapsed();
        println!("{rtt} ms, {servers} servers: {took:?}, {} sent", lab.net.sent().len());
        // The root, com., the first server of the provider, and the rest.
        assert!(took <= ms(20 + 3 * rtt + 250), "{rtt} ms, {servers}: {took:?}");
    }
}
