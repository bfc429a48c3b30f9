//! The packets caused by one client question are few, whatever records attackers publish.
//!
//! Each attack broke a resolver. The bounds are the least packets that any attacked resolver needs,
//! including the queries to the root and to `com.`.

use std::time::Duration;

use crate::common::Lab;
use tokio::time::{Instant, sleep};
use zoners_dns::{Counter, Rtype};
use zoners_sim::{Link, Manner, SimNetwork, world};

/// The small Internet whose `com.` has only these delegations.
fn com(delegations: &str) -> SimNetwork {
    let net = world::small(1);
    let text = format!("@ NS a.nic\na.nic A 192.5.6.1\n{delegations}");
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], &text);
    net
}

/// The packets sent for one question by a fresh resolver. Probes, at most an eighth of the queries,
/// have a budget of their own.
async fn sent_for(net: SimNetwork, name: &str) -> (Lab, usize) {
    let lab = Lab::frugal(net);
    let _ = lab.resolve(name, Rtype::A).await;
    // Work goes on after the answer.
    sleep(Duration::from_secs(10)).await;
    let priming = |sent: &&zoners_sim::Sent| sent.question.name.is_root();
    let sent = lab.net.sent().iter().filter(|sent| !priming(sent)).count();
    (lab, sent)
}

#[tokio::test(start_paused = true)]
async fn nxns_a_referral_to_names_in_a_victims_zone() {
    for (manner, most) in [(Manner::Good, 16), (Manner::Refuses, 8), (Manner::Dead, 16)] {
        let mut delegations = String::from("victim NS ns.victim\nns.victim A 203.0.114.50\n");
        for number in 0..135 {
            delegations += &format!("evil NS n{number}.victim.com.\n");
        }
        let net = com(&delegations);
        net.zone("victim.com", &["203.0.114.50"], "@ NS ns\nns A 203.0.114.50\n");
        net.link("203.0.114.50", Link::of(20).with(manner));
        let (lab, sent) = sent_for(net, "www.evil.com").await;
        assert!(sent <= most, "{manner:?}: {sent} queries");
        assert!(
            lab.count(Counter::LimitDelegationServers) + lab.count(Counter::BudgetAddressLookups)
                > 0
        );
    }
}

/// `d0.com.` has its servers in `d1.com.`, which has its servers in `d2.com.` and so on, without
/// glue.
fn endless(levels: usize, servers: usize) -> SimNetwork {
    let mut delegations = String::new();
    for level in 0..levels {
        for server in 0..servers {
            delegations += &format!("d{level} NS n{server}.d{}.com.\n", level + 1);
        }
    }
    com(&delegations)
}

#[tokio::test(start_paused = true)]
async fn idns_each_delegation_needs_another_one() {
    for (levels, servers, most) in [(5, 1, 13), (12, 1, 27), (60, 1, 27), (60, 5, 27)] {
        let (_, sent) = sent_for(endless(levels, servers), "www.d0.com").await;
        assert!(sent <= most, "{levels} levels of {servers} servers: {sent} queries");
    }
}

#[tokio::test(start_paused = true)]
async fn referrals_without_an_end() {
    // Each zone refers to a zone one label deeper, on a server of its own.
    let net = com("deep NS ns.deep\nns.deep A 198.18.0.0\n");
    let mut zone = "deep.com".to_owned();
    for level in 0..60 {
        let text = format!("a NS ns.a\nns.a A 198.18.0.{}\n", level + 1);
        net.zone(&zone, &[&format!("198.18.0.{level}")], &text);
        zone = format!("a.{zone}");
    }
    let (_, sent) = sent_for(net, &format!("www.{zone}")).await;
    assert!(sent <= 27, "{sent} queries");
}

#[tokio::test(start_paused = true)]
async fn tsuname_zones_that_depend_on_each_other() {
    let net =
        com("one NS ns.two.com.\none NS ns2.two.com.\ntwo NS ns.one.com.\ntwo NS ns2.one.com.\n");
    let lab = Lab::new(net);
    // The delegations are learned once; after that no query is sent for each failure.
    for _ in 0..100 {
        let _ = lab.resolve("www.one.com", Rtype::A).await;
        sleep(Duration::from_millis(10)).await;
    }
    lab.net.forget_sent();
    let started = Instant::now();
    let mut number = 0u32;
    while started.elapsed() < Duration::from_secs(60) {
        let _ = lab.resolve(&format!("n{}.one.com", number % 10), Rtype::A).await;
        let _ = lab.resolve(&format!("n{}.two.com", number % 10), Rtype::A).await;
        number += 1;
        sleep(Duration::from_millis(10)).await;
    }
    let sent = lab.net.sent().len();
    assert!(sent <= 2, "{sent} queries in a minute");
    assert!(lab.count(Counter::FlightCycles) > 0);
}

#[tokio::test(start_paused = true)]
async fn nrdelegation_a_delegation_to_very_many_silent_servers() {
    let silent = |servers: usize| {
        let mut delegations = String::new();
        for number in 0..servers {
            delegations += &format!("many NS n{number}.many\n");
            delegations += &format!("n{number}.many A 198.18.{}.{}\n", number / 250, number % 250);
        }
        com(&delegations)
    };
    // As many as are kept of a delegation; more cost no more.
    let (_, as_many_as_kept) = sent_for(silent(20), "www.many.com").await;
    let (_, sent) = sent_for(silent(1500), "www.many.com").await;
    assert!(sent <= as_many_as_kept, "{sent} queries, with 20 servers {as_many_as_kept}");
}

#[tokio::test(start_paused = true)]
async fn many_names_of_few_addresses_all_lame() {
    let mut delegations = String::new();
    let addresses: Vec<String> = (1..=13).map(|last| format!("203.0.114.{last}")).collect();
    for name in 0..10 {
        delegations += &format!("same NS n{name}.same\n");
        for address in &addresses {
            delegations += &format!("n{name}.same A {address}\n");
        }
    }
    let net = com(&delegations);
    for address in &addresses {
        net.link(address, Link::of(20).with(Manner::Refuses));
    }
    let (_, sent) = sent_for(net, "www.same.com").await;
    assert!(sent <= 17, "{sent} queries");
}

#[tokio::test(start_paused = true)]
async fn camp_aliases_times_delegations_times_missing_glue() {
    // Ten aliases, each in a zone ten delegations deep, each delegation with one server, whose name
    // lies in a different zone.
    let mut delegations = String::from("host NS ns.host\nns.host A 203.0.114.80\n");
    let mut hosts = String::from("@ NS ns\nns A 203.0.114.80\n");
    for alias in 0..10 {
        delegations += &format!("c{alias} NS n{alias}-0.host.com.\n");
        for level in 0..=10 {
            hosts += &format!("n{alias}-{level} A 198.18.{alias}.{level}\n");
        }
    }
    let net = com(&delegations);
    net.zone("host.com", &["203.0.114.80"], &hosts);
    for alias in 0..10 {
        let mut zone = format!("c{alias}.com");
        for level in 0..10 {
            let text = format!("a NS n{alias}-{}.host.com.\n", level + 1);
            net.zone(&zone, &[&format!("198.18.{alias}.{level}")], &text);
            zone = format!("a.{zone}");
        }
        let text = format!("www CNAME www.{}c{}.com.\n", "a.".repeat(10), alias + 1);
        net.zone(&zone, &[&format!("198.18.{alias}.10")], &text);
    }
    let (_, sent) = sent_for(net, &format!("www.{}c0.com", "a.".repeat(10))).await;
    assert!(sent <= 50, "{sent} queries");
}

#[tokio::test(start_paused = true)]
async fn streams_that_end_without_an_answer_are_not_opened_again_and_again() {
    let net = com("tc NS n1.tc\ntc NS n2.tc\nn1.tc A 203.0.114.1\nn2.tc A 203.0.114.2\n");
    for address in ["203.0.114.1", "203.0.114.2"] {
        net.link(address, Link::of(20).with(Manner::ClosesStreams));
    }
    let (lab, sent) = sent_for(net, "www.tc.com").await;
    let streams = lab.count(Counter::UpstreamTcp);
    assert!(streams <= 4, "{streams} streams, {sent} queries");
}
