//! Addresses of nameservers: stale glue, addresses of their own zones, and names that do not exist.

use std::sync::Arc;
use std::time::Duration;

use crate::common::Lab;
use crate::common::cafe::cafe;
use crate::common::many::{ms, time, with_delegations};
use crate::common::signed::ask;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zoners_cache::Rank;
use zoners_dns::{Rtype, Security, name, zonefile};
use zoners_sim::{Link, Manner, SimNetwork};

const DEAD: &str = "203.0.114.66";
const GOOD: &str = "203.0.114.70";
const SLOW: &str = "203.0.114.71";

/// `cust.com.` has these nameservers, with these addresses at the parent; `ns.host.com.` is
/// [`GOOD`] according to its own zone.
fn cust(delegation: &str) -> SimNetwork {
    let text = format!("host NS ns.host\nns.host A {GOOD}\n{delegation}");
    let net = with_delegations(&text);
    net.zone("host.com", &[GOOD], &format!("@ NS ns\nns A {GOOD}\nother 60 A {GOOD}\n"));
    let names: String = (0..40).map(|number| format!("n{number} A 203.0.113.1\n")).collect();
    net.zone("cust.com", &[GOOD, SLOW], &names);
    net.link(GOOD, Link::of(20));
    net.link(SLOW, Link::of(250));
    net.link(DEAD, Link::of(20).with(Manner::Dead));
    net
}

/// The parent's glue for a nameserver in a different zone is dead; only that zone has the right
/// address.
fn stale_glue() -> SimNetwork {
    let net = cust("");
    net.change("com", |com| {
        let text = format!("cust 3600 NS ns.old\nns.old A {DEAD}\nold NS ns.old\n");
        for set in zoners_dns::zonefile::parse(&text, &com.origin).unwrap() {
            com.add(set);
        }
        let text = format!("old 3600 NS ns.host\nns.host A {GOOD}\n");
        for set in zoners_dns::zonefile::parse(&text, &com.origin).unwrap() {
            com.add(set);
        }
    });
    net.zone("old.com", &[GOOD], &format!("@ NS ns.host.com.\nns A {GOOD}\n"));
    net
}

#[tokio::test(start_paused = true)]
async fn dead_glue_is_made_good_by_the_nameservers_own_zone() {
    let lab = Lab::new(stale_glue());
    time(&lab, "n0.cust.com").await;
    for number in 1..30 {
        let took = time(&lab, &format!("n{number}.cust.com")).await;
        assert!(took <= ms(60), "the right address is known by now: {took:?}");
        sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_address_that_is_long_given_up_does_not_take_the_zone_along() {
    let net = stale_glue();
    net.zone("old.com", &[GOOD], &format!("@ NS ns.host.com.\nns 2 A {GOOD}\n"));
    let lab = Lab::new(net);
    for number in 0..30 {
        let took = time(&lab, &format!("n{number}.cust.com")).await;
        assert!(number == 0 || took <= ms(600), "{number}: {took:?}");
        sleep(Duration::from_secs(3)).await;
        time(&lab, "www.example.com").await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_known_address_of_a_nameserver_is_asked_beside_its_glue() {
    let net = stale_glue();
    net.change("com", |com| {
        let ns = name::parse("cust.com").unwrap();
        com.remove(&ns, Rtype::NS);
        let text = format!("cust 3600 NS ns.old\ncust 3600 NS ns2.cust\nns2.cust A {SLOW}\n");
        for set in zoners_dns::zonefile::parse(&text, &com.origin).unwrap() {
            com.add(set);
        }
    });
    let lab = Lab::new(net);
    assert!(lab.ask("ns.old.com", Rtype::A).await.contains(GOOD));
    time(&lab, "n0.cust.com").await;
    sleep(Duration::from_secs(2)).await;
    let quick = async |number: usize| time(&lab, &format!("n{number}.cust.com")).await <= ms(60);
    let mut hits = 0;
    for number in 1..30 {
        hits += usize::from(quick(number).await);
        sleep(Duration::from_millis(200)).await;
    }
    assert!(hits >= 27, "{hits} of 29 by the near server whose glue is dead");
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_takes_its_time_is_waited_for_beside_a_dead_server() {
    let net = cust(&format!(
        "cust NS ns1.cust\ncust NS ns.slow\nns1.cust A {DEAD}\nslow NS ns1.slow\nns1.slow A {SLOW}\n"
    ));
    net.zone("slow.com", &[SLOW], &format!("@ NS ns1\nns1 A {SLOW}\nns 2 A {GOOD}\n"));
    net.link(SLOW, Link::of(400));
    let lab = Lab::new(net);
    for number in 0..30 {
        let took = time(&lab, &format!("n{number}.cust.com")).await;
        assert!(took <= ms(1500), "{number}: {took:?}");
        sleep(Duration::from_millis(1100)).await;
        time(&lab, "www.example.com").await;
    }
}

#[tokio::test(start_paused = true)]
async fn nameservers_that_do_not_exist_leave_room_for_the_one_that_does() {
    for seed in 0..8 {
        let mut delegation = String::from("cust NS ns.host\n");
        for number in 0..12 {
            delegation += &format!("cust NS no{number}.example.com.\n");
        }
        let lab = Lab::new(cust(&delegation));
        for _ in 0..seed {
            let _ = lab.worker.shared().random.bits();
        }
        for number in 0..6 {
            time(&lab, &format!("n{number}.cust.com")).await;
        }
        let denied = |sent: &zoners_sim::Sent| sent.question.name.to_string().starts_with("no");
        let asked = lab.net.sent().iter().filter(|sent| denied(sent)).count();
        assert!(asked <= 12, "each is looked up once: {asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_whose_ttl_is_over_is_asked_on_for_a_moment() {
    for ttl in [0, 1, 2] {
        let net = cust("cust NS ns.slow.com.\nslow NS ns1.slow\nns1.slow A 203.0.114.71\n");
        net.zone("slow.com", &[SLOW], &format!("@ NS ns1\nns1 A {SLOW}\nns {ttl} A {GOOD}\n"));
        let lab = Lab::new(net);
        time(&lab, "n0.cust.com").await;
        for number in 1..4 {
            sleep(Duration::from_millis(2500)).await;
            let took = time(&lab, &format!("n{number}.cust.com")).await;
            assert!(took <= ms(60), "TTL {ttl}, {number}: {took:?}");
        }
        sleep(Duration::from_secs(20)).await;
        let took = time(&lab, "n9.cust.com").await;
        assert!(took >= ms(250), "and then asked for again: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn servers_of_the_child_are_tried_first_once_those_of_the_parent_have_failed() {
    let net = cust(&format!("cust NS ns1.cust\nns1.cust A {DEAD}\n"));
    net.zone(
        "cust.com",
        &[GOOD, DEAD],
        "@ 3600 NS ns.host.com.\nn0 A 203.0.113.1\nn1 A 203.0.113.1\n\
              n2 A 203.0.113.1\nn3 A 203.0.113.1\n",
    );
    net.link(DEAD, Link::of(20));
    let lab = Lab::new(net);
    lab.resolve("cust.com", Rtype::NS).await.unwrap();
    lab.net.link(DEAD, Link::of(20).with(Manner::Dead));
    time(&lab, "n0.cust.com").await;
    let mut quick = 0;
    for number in 1..4 {
        sleep(Duration::from_secs(1)).await;
        quick += usize::from(time(&lab, &format!("n{number}.cust.com")).await <= ms(60));
    }
    assert!(quick >= 2, "{quick} of 3");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_address_of_a_nameserver_does_not_outlive_its_failure() {
    for glue in [true, false] {
        let (net, settings) = cafe();
        let lab = Lab::with(net, settings);
        assert!(ask(&lab, "www.site0.com", Rtype::A).await.is_ok());
        // As in the provider's own, unsigned zone for a moment.
        let text = "ns1.prov.net. 3600 A 203.0.113.80\nns2.prov.net. 3600 A 203.0.113.80\n";
        let shared = lab.worker.shared();
        for set in zonefile::parse(text, &name::root()).unwrap() {
            let (rank, security) = (Rank::AuthoritativeAnswer, Security::Insecure);
            shared.cache.insert_rrset(&set, &[], rank, security, shared.now());
        }
        if !glue {
            shared.cache.flush(&name::parse("prov.net").unwrap(), false);
        }
        lab.net.link("203.0.113.80", Link::of(20).with(Manner::Dead));
        let first = ask(&lab, "www.site1.com", Rtype::A).await;
        assert!(first.is_ok() || !glue, "{first:?}");
        for number in 2..10 {
            let started = Instant::now();
            let answer = ask(&lab, &format!("www.site{number}.com"), Rtype::A).await;
            assert!(answer.is_ok(), "{glue} {number}: {answer:?}");
            assert!(number == 2 || started.elapsed() <= ms(700), "{:?}", started.elapsed());
        }
    }
}

/// A provider whose glue at the registry is outdated in all: three names for customers, two addresses each.
fn provider_with_stale_glue() -> SimNetwork {
    let (mut glue, mut own, mut delegation) = (String::new(), String::new(), String::new());
    for number in 0..3 {
        let (old, new) = (80 + number, 90 + number);
        glue += &format!("cust{number}.host A 203.0.114.{old}\n");
        glue += &format!("cust{number}.host AAAA 2001:db8:114::{old}\n");
        own += &format!("cust{number} A 203.0.114.{new}\ncust{number} AAAA 2001:db8:114::{new}\n");
        delegation += &format!("cust NS cust{number}.host\n");
    }
    let net = cust(&(delegation + &glue));
    net.zone("host.com", &[GOOD], &format!("@ NS ns\nns A {GOOD}\n{own}"));
    for number in 0..3 {
        net.serve("cust.com", &format!("203.0.114.{}", 90 + number));
        net.serve("cust.com", &format!("2001:db8:114::{}", 90 + number));
    }
    net
}

#[tokio::test(start_paused = true)]
async fn a_provider_whose_glue_is_stale_in_all_costs_some_round_trips_once() {
    let lab = Lab::new(provider_with_stale_glue());
    let first = time(&lab, "n0.cust.com").await;
    assert!(first <= ms(600), "{first:?}");
    for number in 1..30 {
        let took = time(&lab, &format!("n{number}.cust.com")).await;
        assert!(took <= ms(60), "{number}: {took:?}");
        sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn many_questions_at_once_do_not_spend_what_the_right_addresses_need() {
    for rtt in [100, 300, 600] {
        let net = provider_with_stale_glue();
        // The addresses become known when the questions have sent all packets that a silent zone gets.
        net.link(GOOD, Link::of(rtt));
        let lab = Arc::new(Lab::new(net));
        let mut asked = JoinSet::new();
        for number in 0..8 {
            let lab = lab.clone();
            asked.spawn(async move { time(&lab, &format!("n{number}.cust.com")).await });
        }
        for took in asked.join_all().await {
            assert!(took <= ms(400 + 5 * rtt), "{rtt}: {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_counts_as_dead_is_found_again_at_the_addresses_of_its_provider() {
    let net = provider_with_stale_glue();
    // The provider is silent too, for as long as it takes to give the customer's zone up.
    net.link(GOOD, Link { outages: vec![ms(500)..ms(12_000)], ..Link::of(20) });
    let lab = Lab::new(net);
    time(&lab, "other.host.com").await;
    sleep(Duration::from_secs(1)).await;
    while lab.net.now() < ms(10_000) {
        assert!(lab.resolve("n0.cust.com", Rtype::A).await.is_err());
        time(&lab, "www.example.com").await;
        sleep(Duration::from_secs(1)).await;
    }
    sleep(Duration::from_secs(10)).await;
    let took = time(&lab, "n1.cust.com").await;
    assert!(took <= ms(1000), "{took:?}");
}
