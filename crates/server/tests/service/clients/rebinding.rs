//! Rebinding protection: private addresses of names of the Internet, wherever the answer comes from.

use std::sync::Arc;
use std::time::Duration;

use crate::lab::{ServiceLab, asked, lab_with, packet};
use zoners_cache::Cache;
use zoners_dns::{
    Counter, Counters, EdeCode, Message, OptRcode, Prefix, Random, Rtype, Transport, zonefile,
};
use zoners_resolver::{Dns64, Resolver, Settings, Shared};
use zoners_server::pipeline::{Cookies, Rules};
use zoners_server::{Client, Config, Service};
use zoners_sim::{Manner, SimNetwork};

const WHY: &str = "rebinding protection: 192.168.1.1 is private; see policy.rebinding-allow";

/// A lab in which names of `example.com.` have private addresses.
fn rebinding_lab(config: &str) -> ServiceLab {
    let lab = lab_with(config);
    lab.net.change("example.com", |zone| {
        let text = "router 300 A 192.168.1.1\nboth 300 A 203.0.115.9\nboth 300 A 192.168.1.1\nalias 300 CNAME router\n\
                    service 300 HTTPS 1 . ipv4hint=203.0.115.9,192.168.1.1\nlink 300 AAAA 2001:db8:1:2::7\n\
                    *.any 300 A 192.168.1.1\n2.0.0.127.list 300 A 127.0.0.2\nbrief 5 A 192.168.1.1\n\
                    clean 300 A 203.0.115.9\n";
        let sets = zonefile::parse(text, &zone.origin).unwrap();
        sets.into_iter().for_each(|set| zone.add(set));
    });
    lab
}

async fn ask(lab: &ServiceLab, name: &str, rtype: Rtype) -> Message {
    lab.ask(&format!("{name}.example.com"), rtype, Transport::Udp).await
}

/// Whether the reply is the denial; then with its EDE and the SOA by which clients keep it.
fn is_denied(reply: &Message) -> bool {
    let edns = reply.edns.as_ref().unwrap();
    let denied = edns.errors.first().is_some_and(|ede| ede.text.starts_with("rebinding"));
    if denied {
        assert_eq!((reply.rcode, edns.errors[0].code), (OptRcode::NOERROR, EdeCode::BLOCKED));
        assert!(reply.answer.is_empty() && reply.authority[0].rtype == Rtype::SOA);
        assert!(!reply.header.ad());
    }
    denied
}

#[tokio::test(start_paused = true)]
async fn a_private_address_of_a_public_name_is_denied_however_often() {
    let lab = rebinding_lab("");
    let all = [
        ("router", Rtype::A),
        ("both", Rtype::A),
        ("alias", Rtype::A),
        ("service", Rtype::HTTPS),
        ("x.any", Rtype::A),
    ];
    for round in 0..3 {
        for (name, rtype) in all {
            let reply = ask(&lab, name, rtype).await;
            assert!(is_denied(&reply), "{name}, {round}: {reply:?}");
            assert_eq!(reply.edns.unwrap().errors[0].text, WHY);
        }
        assert!(!is_denied(&ask(&lab, "clean", Rtype::A).await));
    }
    let counted = [Counter::ClientRebinding, Counter::ClientPolicy].map(|it| lab.count(it));
    assert_eq!(counted, [15, 15]);
    let sent = lab.net.sent().len();
    assert!(is_denied(&ask(&lab, "router", Rtype::A).await) && lab.net.sent().len() == sent);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_edns_gets_no_address_either() {
    let lab = rebinding_lab("");
    let query = packet(&asked("router.example.com", Rtype::A), false);
    for _ in 0..2 {
        let reply = lab.send(&query, Transport::Udp).await.unwrap();
        assert!(reply.answer.is_empty() && reply.rcode == OptRcode::NOERROR);
    }
}

#[tokio::test(start_paused = true)]
async fn private_names_and_allowed_ones_keep_their_addresses() {
    let forward = |zone: &str, server: &str| {
        format!("[[forward]]\nzone = \"{zone}\"\nservers = [\"{server}\"]\n")
    };
    for (config, passes) in [
        ("policy.rebinding-protection = false\n".to_owned(), true),
        ("policy.rebinding-allow = [\"example.com\"]\n".into(), true),
        ("policy.rebinding-allow = [\"example.net\"]\n".into(), false),
        (forward("example.com", "203.0.114.1"), true),
        (forward("example.com", "203.0.114.1").replace("forward", "stub"), true),
        (forward("www.example.com", "203.0.114.1"), false),
        // A public resolver has no private names; one in this network may have some.
        (forward(".", "203.0.114.1"), false),
        (forward(".", "192.168.1.53"), true),
    ] {
        let lab = rebinding_lab(&config);
        lab.net.serve("example.com", "192.168.1.53");
        for _ in 0..3 {
            let reply = ask(&lab, "router", Rtype::A).await;
            assert_ne!(is_denied(&reply), passes, "{config}: {reply:?}");
            assert_eq!(reply.answer.len(), usize::from(passes), "{config}");
        }
    }
    let local = "local.records = [\"router.example.com. A 192.168.1.1\"]\n";
    assert!(!is_denied(&ask(&rebinding_lab(local), "router", Rtype::A).await));
}

#[tokio::test(start_paused = true)]
async fn entries_of_blocklists_are_answered() {
    let lab = rebinding_lab("");
    let reply = ask(&lab, "2.0.0.127.list", Rtype::A).await;
    assert_eq!(reply.answer[0].to_string(), "2.0.0.127.list.example.com. 300 IN A 127.0.0.2");
}

#[tokio::test(start_paused = true)]
async fn addresses_of_this_network_are_private_while_it_is_there() {
    let mut lab = rebinding_lab("");
    let config = Config::default();
    let rules = |lab: &ServiceLab, nearby: &[&str]| {
        let here = ["127.0.0.0/8", "::1/128"];
        let all = nearby.iter().chain(&here);
        let prefixes: Vec<Prefix> = all.map(|text| text.parse().unwrap()).collect();
        Arc::new(lab.service.rules().near(&config, &prefixes))
    };
    assert!(!is_denied(&ask(&lab, "link", Rtype::AAAA).await));
    // The address of this machine alone, as on a rented server.
    lab.service = lab.service.with_rules(rules(&lab, &["2001:db8:1:2::7/128"]));
    assert!(!is_denied(&ask(&lab, "link", Rtype::AAAA).await));
    lab.service.worker().shared().cache.flush(&asked("com", Rtype::A).name, true);
    lab.service = lab.service.with_rules(rules(&lab, &["2001:db8:1:2::/64"]));
    let reply = ask(&lab, "link", Rtype::AAAA).await;
    assert!(is_denied(&reply), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn stale_answers_are_checked() {
    let lab = rebinding_lab("");
    assert!(is_denied(&ask(&lab, "brief", Rtype::A).await));
    tokio::time::sleep(Duration::from_secs(60)).await;
    lab.link_all(["203.0.114.1", "203.0.114.2"], Manner::Dead);
    for _ in 0..3 {
        assert!(is_denied(&ask(&lab, "brief", Rtype::A).await));
    }
}

#[tokio::test(start_paused = true)]
async fn made_addresses_are_checked_by_the_address_inside() {
    let config = "dns64.prefix = \"64:ff9b:1::/96\"\n";
    let plain = rebinding_lab("");
    let config = Config::parse(config, "zoners.toml").unwrap();
    let prefix = "64:ff9b:1::/96".parse().unwrap();
    let shared = Shared::new(
        Cache::new(8 << 20, config.ttl_limits(), [1, 2]),
        plain.clock.clone(),
        Random::seeded(1),
    );
    let own = Settings {
        dns64: Some(Dns64::new(prefix, &[], &[])),
        ..plain.service.worker().settings().clone()
    };
    let worker: Resolver<SimNetwork> =
        Resolver::new(shared, plain.net.clone(), Arc::new(own), Arc::new(Counters::default()));
    let cookies = Cookies::new(&Random::seeded(2));
    let rules = Rules::new(&config, &[], cookies, &Random::seeded(3), 0).unwrap();
    let lab = ServiceLab { service: Service::new(worker, Arc::new(rules)), ..plain };
    for _ in 0..3 {
        assert!(is_denied(&ask(&lab, "router", Rtype::AAAA).await));
        let made = ask(&lab, "clean", Rtype::AAAA).await;
        assert!(made.answer[0].to_string().contains("64:ff9b:1::cb00:7309"), "{made:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_names_of_servers_come_without_private_addresses() {
    for (config, is_shown) in [("policy.rebinding-protection = false\n", true), ("", false)] {
        let lab = rebinding_lab(config);
        lab.net.change("example.com", |zone| {
            let sets = zonefile::parse("@ NS router\n", &zone.origin).unwrap();
            sets.into_iter().for_each(|set| zone.add(set));
        });
        let query = packet(&asked("example.com", Rtype::NS), true);
        let mut shown = false;
        for _ in 0..3 {
            let reply = lab.service.answer(&query, Client::local(Transport::Tcp)).await.unwrap();
            assert!(!is_denied(&Message::parse(&reply.clone().into()).unwrap()));
            shown |= reply.windows(4).any(|octets| octets == [192, 168, 1, 1]);
        }
        assert_eq!(shown, is_shown, "{config}");
    }
}
