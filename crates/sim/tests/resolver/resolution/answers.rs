//! Answers on a healthy Internet: every kind of answer, and the servers asked.

use std::time::Duration;

use crate::common::{Lab, question, settings};
use zoners_dns::{Counter, OptRcode, Rtype, Transport, name};
use zoners_sim::world;

fn lab() -> Lab {
    Lab::new(world::small(1))
}

#[tokio::test(start_paused = true)]
async fn every_record_of_every_type() {
    let lab = lab();
    assert_eq!(
        lab.ask("www.example.com", Rtype::A).await,
        "www.example.com. 300 IN A 203.0.115.2\nwww.example.com. 300 IN A 203.0.115.3"
    );
    for (name, rtype, part) in [
        ("www.example.com", Rtype::AAAA, "2001:db8:1::1"),
        ("www.example.com", Rtype::HTTPS, "alpn=h2"),
        ("example.com", Rtype::MX, "10 mail.example.com"),
        ("example.com", Rtype::CAA, "ca.example"),
        ("example.com", Rtype::NS, "ns2.example.com"),
        ("_443._tcp.example.com", Rtype::TLSA, "3 1 1 00"),
        ("odd.example.com", Rtype::from_int(65280), r"TYPE65280 \# 3 01 02 03"),
        ("x.y.wild.example.com", Rtype::A, "x.y.wild.example.com. 300 IN A 203.0.115.6"),
    ] {
        let answer = lab.ask(name, rtype).await;
        assert!(answer.contains(part), "{name} {rtype}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn aliases_are_followed_and_shown() {
    let lab = lab();
    let answer = lab.resolve("alias.example.com", Rtype::A).await.unwrap();
    assert_eq!(answer.answer.len(), 2);
    let dname = lab.resolve("x.old.example.com", Rtype::A).await.unwrap();
    let types: Vec<Rtype> = dname.answer.iter().map(|set| set.rtype).collect();
    assert_eq!(types, [Rtype::DNAME, Rtype::CNAME, Rtype::A]);
    // The same from the cache, and for a name never asked.
    lab.net.forget_sent();
    assert_eq!(lab.resolve("x.old.example.com", Rtype::A).await.unwrap().answer.len(), 3);
    assert!(lab.net.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_alias_outlives_what_it_leads_to() {
    let lab = lab();
    lab.net.zone(
        "net",
        &["192.5.7.1"],
        "@ NS a.nic\na.nic A 192.5.7.1\nlong 3600 CNAME www.example.com.\n",
    );
    lab.resolve("long.net", Rtype::A).await.unwrap();
    lab.clock.jump(Duration::from_secs(400));
    lab.net.forget_sent();
    let answer = lab.resolve("long.net", Rtype::A).await.unwrap();
    assert_eq!(answer.answer.len(), 2);
    let asked: Vec<String> =
        lab.net.sent().iter().map(|sent| sent.question.name.to_string()).collect();
    assert!(!asked.is_empty() && !asked.contains(&"long.net".to_owned()), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn aliases_lead_from_zone_to_zone_and_end() {
    let net = world::small(1);
    net.zone(
        "example.net",
        &["203.0.114.9"],
        "@ NS ns\nns A 203.0.114.9\nshop CNAME www.example.com.\n\
        loop1 CNAME loop2\nloop2 CNAME loop1\n",
    );
    let text = "@ NS a.nic\na.nic A 192.5.7.1\nexample NS ns.example\nns.example A 203.0.114.9\n";
    net.zone("net", &["192.5.7.1"], text);
    let lab = Lab::new(net);
    assert_eq!(lab.resolve("shop.example.net", Rtype::A).await.unwrap().answer.len(), 2);
    let looping = lab.ask("loop1.example.net", Rtype::A).await;
    assert!(looping.contains("loop"), "{looping}");
    assert_eq!(lab.count(Counter::LimitAliasChain), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alias_chain_has_a_longest() {
    let limit = settings().limits.aliases;
    for (length, ends_well) in [(limit, true), (limit + 1, false)] {
        let net = world::small(1);
        let mut text = String::from("@ NS ns1\nns1 A 203.0.114.1\n");
        for link in 0..length {
            text += &format!("c{link} CNAME c{}\n", link + 1);
        }
        text += &format!("c{length} A 203.0.113.1\n");
        net.zone("example.com", &["203.0.114.1", "203.0.114.2"], &text);
        let lab = Lab::new(net);
        let answer = lab.resolve("c0.example.com", Rtype::A).await;
        assert_eq!(answer.is_ok(), ends_well, "{length}: {answer:?}");
        assert_eq!(lab.count(Counter::LimitAliasChain), u64::from(!ends_well));
    }
}

#[tokio::test(start_paused = true)]
async fn denials_carry_the_soa_and_are_remembered() {
    let lab = lab();
    let gone = lab.resolve("gone.example.com", Rtype::A).await.unwrap();
    assert_eq!((gone.rcode, gone.authority[0].rtype), (OptRcode::NXDOMAIN, Rtype::SOA));
    assert_eq!(gone.authority[0].ttl, 60, "the lesser of TTL and MINIMUM");
    let nodata = lab.resolve("www.example.com", Rtype::MX).await.unwrap();
    assert_eq!((nodata.rcode, nodata.answer.len()), (OptRcode::NOERROR, 0));
    let ent = lab.resolve("b.ent.example.com", Rtype::A).await.unwrap();
    assert_eq!(ent.rcode, OptRcode::NOERROR, "an empty non-terminal exists");
    lab.net.forget_sent();
    let denied = lab.resolve("gone.example.com", Rtype::TXT).await.unwrap();
    assert_eq!(denied.rcode, OptRcode::NXDOMAIN, "all types are");
    assert!(lab.net.sent().is_empty());
    lab.clock.jump(std::time::Duration::from_secs(61));
    lab.resolve("gone.example.com", Rtype::A).await.unwrap();
    assert!(!lab.net.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn servers_see_one_label_more_than_their_zone() {
    let lab = lab();
    lab.resolve("a.b.ent.example.com", Rtype::TXT).await.unwrap();
    for sent in lab.net.sent() {
        let depth = name::depth(&sent.question.name);
        match sent.to.address.ip().to_string().as_str() {
            "198.51.100.1" | "198.51.100.2" | "2001:db8:ffff::1" => assert!(depth <= 1, "{sent:?}"),
            "192.5.6.1" | "192.5.6.2" | "2001:503::1" => assert!(depth <= 2, "{sent:?}"),
            _ => {}
        }
        assert!(sent.dnssec_ok && sent.compact_ok && !sent.recursion_desired);
    }
    assert_eq!(lab.count(Counter::UpstreamMinimiseFallbacks), 0);
    let whole =
        Lab::with(world::small(1), zoners_resolver::Settings { minimise: false, ..settings() });
    whole.resolve("www.example.com", Rtype::A).await.unwrap();
    let full = question("www.example.com", Rtype::A);
    let asked = whole.net.sent().into_iter().filter(|sent| sent.question.rtype != Rtype::NS);
    assert!(asked.into_iter().all(|sent| sent.question == full));
}

#[tokio::test(start_paused = true)]
async fn a_name_costs_one_query_a_zone_and_then_none() {
    let lab = Lab::frugal(world::small(1));
    lab.resolve("www.example.com", Rtype::A).await.unwrap();
    let not_priming = |sent: &zoners_sim::Sent| !sent.question.name.is_root();
    assert_eq!(lab.net.sent().into_iter().filter(not_priming).count(), 3);
    lab.net.forget_sent();
    lab.resolve("mail.example.com", Rtype::A).await.unwrap();
    assert_eq!(lab.net.sent().len(), 1, "the cut is known");
    lab.resolve("MAIL.example.com", Rtype::A).await.unwrap();
    assert_eq!(lab.net.sent().len(), 1, "the answer is known");
}

#[tokio::test(start_paused = true)]
async fn a_and_aaaa_and_https_share_their_referrals() {
    let lab = Lab::frugal(world::small(1));
    let ask = |rtype| lab.resolve("www.example.com", rtype);
    let (a, aaaa, https) = tokio::join!(ask(Rtype::A), ask(Rtype::AAAA), ask(Rtype::HTTPS));
    assert!(a.is_ok() && aaaa.is_ok() && https.is_ok());
    let of_name = |text| {
        let asked = question(text, Rtype::A).name;
        lab.net.sent().iter().filter(|sent| sent.question.name == asked).count()
    };
    assert_eq!((of_name("com"), of_name("example.com"), of_name("www.example.com")), (1, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_clients_of_four_workers_cause_one_query() {
    let lab = lab();
    lab.resolve("example.com", Rtype::A).await.unwrap();
    lab.net.forget_sent();
    let workers = [lab.worker.clone(), lab.another(), lab.another(), lab.another()];
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..100 {
        let worker = workers[client % workers.len()].clone();
        clients.spawn(
            async move { worker.resolve(&question("www.example.com", Rtype::A), None).await },
        );
    }
    while let Some(answer) = clients.join_next().await {
        assert_eq!(answer.unwrap().unwrap().answer.len(), 1);
    }
    assert_eq!(lab.net.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_root_servers_are_asked_for_their_own_names() {
    let lab = Lab::frugal(world::small(1));
    lab.resolve("www.example.com", Rtype::A).await.unwrap();
    let priming =
        lab.net.sent().into_iter().filter(|sent| sent.question == question(".", Rtype::NS));
    assert_eq!(priming.count(), 1);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let (cache, now) = (&lab.worker.shared().cache, lab.worker.shared().now());
    let root = cache.delegation(&name::root(), now).unwrap();
    assert_eq!(root.servers.len(), 2);
    let off =
        Lab::with(world::small(1), zoners_resolver::Settings { priming: false, ..settings() });
    off.resolve("www.example.com", Rtype::A).await.unwrap();
    assert!(off.net.sent().iter().all(|sent| sent.question.rtype != Rtype::NS));
}

#[tokio::test(start_paused = true)]
async fn one_family_can_be_switched_off() {
    for (ipv4, ipv6) in [(true, false), (false, true)] {
        let settings = zoners_resolver::Settings { ipv4, ipv6, ..settings() };
        let lab = Lab::with(world::small(1), settings);
        let _ = lab.resolve("example.com", Rtype::NS).await;
        assert!(!lab.net.sent().is_empty());
        assert!(lab.net.sent().iter().all(|sent| sent.to.address.is_ipv4() == ipv4));
    }
}

#[tokio::test(start_paused = true)]
async fn stubs_and_forwarders_are_asked_as_configured() {
    let net = world::small(1);
    net.zone("corp.example", &["10.0.0.1"], "@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.80\n");
    net.zone("fwd.example", &["10.0.0.2"], "@ NS ns\nns A 10.0.0.2\nwww CNAME www.corp.example.\n");
    let route = |zone: &str, address: &str, mode| zoners_dns::Delegation {
        zone: name::parse(zone).unwrap(),
        mode,
        transport: Transport::Udp,
        servers: vec![zoners_dns::NameServer::plain(name::root(), vec![address.parse().unwrap()])],
        signing: zoners_dns::DsStatus::Unknown,
        expires: zoners_dns::Moment::NEVER,
    };
    let mut settings = settings();
    settings.routes = vec![
        route("corp.example", "10.0.0.1:53", zoners_dns::QueryMode::Stub),
        route("fwd.example", "10.0.0.2:53", zoners_dns::QueryMode::Forward),
    ];
    let lab = Lab::with(net, settings);
    let answer = lab.resolve("www.fwd.example", Rtype::A).await.unwrap();
    assert_eq!(answer.answer.len(), 2, "the alias leads from the forwarder to the stub");
    for sent in lab.net.sent() {
        assert_eq!(sent.recursion_desired, sent.to.address.ip().to_string() == "10.0.0.2");
        assert!(sent.to.address.ip().to_string().starts_with("10.0.0."), "{sent:?}");
    }
}
