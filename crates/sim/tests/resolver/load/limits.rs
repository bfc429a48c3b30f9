//! Each limit of the resolver at its edge, with its counter.

use crate::common::{Lab, settings};
use zoners_dns::{Counter, Rtype};
use zoners_resolver::{Limits, Settings};
use zoners_sim::{Link, Manner, SimNetwork, world};

fn lab(net: SimNetwork, change: impl FnOnce(&mut Limits)) -> Lab {
    let mut settings: Settings = settings();
    settings.limits.probe_budget = 0;
    change(&mut settings.limits);
    Lab::with(net, settings)
}

/// `com.` delegates `many.com.` to `servers` servers of `addresses` addresses each; each address is
/// dead.
fn many(servers: usize, addresses: usize) -> SimNetwork {
    let net = world::small(1);
    let mut com = String::from("@ NS a.nic\na.nic A 192.5.6.1\n");
    for server in 0..servers {
        com += &format!("many NS n{server}.many\n");
        for address in 0..addresses {
            com += &format!("n{server}.many A 203.{}.{server}.{address}\n", 20);
        }
    }
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], &com);
    net
}

fn asked_of_many(lab: &Lab) -> usize {
    let sent = lab.net.sent();
    let to_many = sent.iter().map(|sent| sent.to.address.ip().to_string());
    let mut addresses: Vec<String> =
        to_many.filter(|address| address.starts_with("203.20.")).collect();
    addresses.sort();
    addresses.dedup();
    addresses.len()
}

#[tokio::test(start_paused = true)]
async fn distinct_addresses_asked_for_a_question() {
    for (servers, over) in [(4, 0), (5, 1)] {
        let lab = lab(many(servers, 1), |limits| limits.addresses = 4);
        assert!(lab.resolve("www.many.com", Rtype::A).await.is_err());
        assert_eq!(asked_of_many(&lab), 4);
        assert_eq!(lab.count(Counter::LimitDelegationAddresses), over);
    }
}

#[tokio::test(start_paused = true)]
async fn nameserver_names_in_play_and_kept() {
    let Limits { servers_in_play, servers, .. } = Limits::default();
    assert_eq!((servers_in_play, servers), (13, 20));
    for (named, over) in [(13, 0), (14, 1), (40, 1)] {
        let lab = lab(many(named, 1), |_| {});
        assert!(lab.resolve("www.many.com", Rtype::A).await.is_err());
        assert_eq!(asked_of_many(&lab), 13);
        assert_eq!(lab.count(Counter::LimitDelegationServers), over, "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_address_of_every_name_comes_before_a_second_of_any() {
    let lab = lab(many(4, 3), |_| {});
    assert!(lab.resolve("www.many.com", Rtype::A).await.is_err());
    let sent = lab.net.sent().into_iter().map(|sent| sent.to.address.ip().to_string());
    let to_many: Vec<String> = sent.filter(|address| address.starts_with("203.20.")).collect();
    // 203.20.SERVER.ADDRESS
    for round in to_many[..12].chunks(4) {
        let mut servers: Vec<&str> =
            round.iter().filter_map(|address| address.split('.').nth(2)).collect();
        servers.sort_unstable();
        assert_eq!(servers, ["0", "1", "2", "3"], "{to_many:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_of_one_server() {
    let lab = lab(many(1, 9), |_| {});
    assert!(lab.resolve("www.many.com", Rtype::A).await.is_err());
    assert_eq!(asked_of_many(&lab), Limits::default().addresses_per_server);
}

#[tokio::test(start_paused = true)]
async fn steps_towards_a_name() {
    // Ten zone cuts below example.com, each on its servers.
    let net = world::small(1);
    let mut zone = String::from("example.com");
    for level in 0..10 {
        let child = format!("c{level}.{zone}");
        let text = format!(
            "@ NS ns1.example.com.\nc{level} NS ns1.c{level}\nns1.c{level} A 203.0.114.1\nns1 A 203.0.114.1\n"
        );
        net.zone(&zone, &["203.0.114.1", "203.0.114.2"], &text);
        zone = child;
    }
    net.zone(&zone, &["203.0.114.1"], "www A 203.0.113.1\n");
    let name = format!("www.{zone}");
    let whole = lab(net.clone(), |_| {});
    assert!(whole.resolve(&name, Rtype::A).await.is_ok());
    let needed =
        whole.net.sent().iter().filter(|sent| sent.question.rtype == Rtype::A).count() as u32;
    assert!(needed > 4, "{needed}");
    for (steps, ends_well) in [(needed, true), (needed - 1, false)] {
        let lab = lab(net.clone(), |limits| limits.steps = steps);
        let answer = lab.resolve(&name, Rtype::A).await;
        assert_eq!(answer.is_ok(), ends_well, "{steps}: {answer:?}");
        assert_eq!(lab.count(Counter::LimitReferrals), u64::from(!ends_well));
    }
}

#[tokio::test(start_paused = true)]
async fn look_ups_for_a_zone_and_for_a_query() {
    // Nameservers in a different zone, without glue, that do not exist there.
    let net = world::small(1);
    let mut com =
        String::from("@ NS a.nic\na.nic A 192.5.6.1\nhost NS ns.host\nns.host A 203.0.114.1\n");
    for server in 0..20 {
        com += &format!("glueless NS n{server}.host.com.\n");
    }
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], &com);
    net.zone("host.com", &["203.0.114.1"], "@ NS ns\nns A 203.0.114.1\n");
    let looked_up = |lab: &Lab| {
        let sent = lab.net.sent();
        let a = sent.iter().filter(|sent| sent.question.rtype == Rtype::A);
        a.filter(|sent| sent.question.name.to_string().ends_with("host.com")).count()
    };
    let with = |change: fn(&mut Limits)| {
        net.forget_sent();
        lab(net.clone(), change)
    };
    let empty = with(|limits| limits.lookups_at_once = 1);
    assert!(empty.resolve("www.glueless.com", Rtype::A).await.is_err());
    // One question for the cut of host.com itself, then names that do not exist.
    assert_eq!(looked_up(&empty), 1 + Limits::default().empty_lookups as usize);
    let per_zone = with(|limits| (limits.lookups_per_zone, limits.empty_lookups) = (2, 99));
    assert!(per_zone.resolve("www.glueless.com", Rtype::A).await.is_err());
    assert_eq!(looked_up(&per_zone), 1 + 2);
    let per_query = with(|limits| (limits.lookups, limits.empty_lookups) = (3, 99));
    assert!(per_query.resolve("www.glueless.com", Rtype::A).await.is_err());
    assert_eq!(looked_up(&per_query), 1 + 3);
    for lab in [empty, per_zone, per_query] {
        assert!(lab.count(Counter::BudgetAddressLookups) > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn nameserver_look_ups_inside_each_other() {
    // d0's server lies in d1, d1's in d2 and so on; the last has glue.
    let deep = |levels: usize| {
        let net = world::small(1);
        let mut com = String::from("@ NS a.nic\na.nic A 192.5.6.1\n");
        for level in 0..levels {
            com += &format!("d{level} NS ns.d{}.com.\n", level + 1);
            net.zone(
                &format!("d{level}.com"),
                &["203.0.114.1"],
                "ns A 203.0.114.1\nwww A 203.0.113.1\n",
            );
        }
        com += &format!("d{levels} NS ns.d{levels}\nns.d{levels} A 203.0.114.1\n");
        // Sibling glue would avoid the look-ups.
        let com = com.replace("ns.d0 A", "");
        net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], &com);
        net.zone(&format!("d{levels}.com"), &["203.0.114.1"], "ns A 203.0.114.1\n");
        net
    };
    let mut in_domain = settings();
    in_domain.glue = zoners_resolver::Glue::InDomain;
    let depth = usize::from(in_domain.limits.depth);
    for (levels, ends_well) in [(depth, true), (depth + 1, false)] {
        let lab = Lab::with(deep(levels), in_domain.clone());
        let answer = lab.resolve("www.d0.com", Rtype::A).await;
        assert_eq!(answer.is_ok(), ends_well, "{levels}: {answer:?}");
        assert_eq!(lab.count(Counter::LimitNestedLookups) > 0, !ends_well);
    }
}

#[tokio::test(start_paused = true)]
async fn tcp_queries_and_octets_of_a_client_query() {
    let net = world::small(1);
    for address in ["203.0.114.1", "203.0.114.2"] {
        net.link(address, Link::of(20).with(Manner::Truncates));
    }
    let none = lab(net.clone(), |limits| limits.tcp = 0);
    assert!(none.resolve("www.example.com", Rtype::A).await.is_err());
    assert_eq!((none.count(Counter::BudgetTcpQueries), none.count(Counter::UpstreamTcp)), (1, 0));
    let one = lab(net.clone(), |limits| limits.tcp = 1);
    assert!(one.resolve("www.example.com", Rtype::A).await.is_ok());
    let little = lab(net, |limits| limits.bytes = 100);
    assert!(little.resolve("www.example.com", Rtype::A).await.is_err());
    assert!(little.count(Counter::BudgetOctets) > 0);
}

#[tokio::test(start_paused = true)]
async fn addresses_of_one_server_out_of_the_cache() {
    // The server's own zone has many addresses for the server, and these are in the cache.
    let net = many(1, 1);
    net.change("com", |com| {
        let glueless = zoners_dns::zonefile::parse("site NS ns.host.net.\n", &com.origin);
        glueless.unwrap().into_iter().for_each(|set| com.add(set));
    });
    net.zone(
        "net",
        &["192.5.7.1"],
        "@ NS a.nic\na.nic A 192.5.7.1\nhost NS ns.host\nns.host A 203.0.114.90\n",
    );
    let addresses: String = (1..=20).map(|last| format!("ns A 203.20.7.{last}\n")).collect();
    net.zone("host.net", &["203.0.114.90"], &addresses);
    let lab = lab(net, |_| {});
    lab.resolve("ns.host.net", Rtype::A).await.unwrap();
    assert!(lab.resolve("www.site.com", Rtype::A).await.is_err());
    assert_eq!(asked_of_many(&lab), Limits::default().addresses_per_server);
}

/// A delegation of as many servers and addresses as a message holds, asked for over TCP.
#[tokio::test(start_paused = true)]
async fn a_delegation_as_large_as_a_message_costs_little() {
    let net = world::small(1);
    let mut com = String::from("@ NS a.nic\na.nic A 192.5.6.1\n");
    for server in 0..1_500 {
        com += &format!("many NS n{server}.many\n");
    }
    for server in 0..400 {
        com += &format!("n{server}.many A 203.20.{}.{}\n", server / 250, server % 250);
        com += &format!("n{server}.many AAAA 2001:db8:1::{server:x}\n");
    }
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], &com);
    let lab = lab(net, |_| {});
    assert!(lab.resolve("www.many.com", Rtype::A).await.is_err());
    let Limits { servers_in_play, addresses, .. } = Limits::default();
    assert!((1..=servers_in_play.min(addresses)).contains(&asked_of_many(&lab)));
    assert_eq!(lab.count(Counter::UpstreamMalformed), 0);
}
