//! The resolver's treatment of servers and links that fail.

use std::time::Duration;

use crate::common::{Lab, question, settings};
use tokio::time::Instant;
use zoners_dns::{Checking, Counter, EdeCode, Rtype, Transport, name, zonefile};
use zoners_resolver::{Cause, Event, Lack, Settings};
use zoners_sim::{Bad, Beset, Link, Manner, Said, SimNetwork, world};

const SERVERS: [&str; 2] = ["203.0.114.1", "203.0.114.2"];
const FORGED: Manner = Manner::Beset(Beset::once(Bad::Id));

/// The servers of example.com have these manners.
fn net(manners: [Manner; 2]) -> SimNetwork {
    let net = world::small(1);
    for (address, manner) in SERVERS.iter().zip(manners) {
        net.link(address, Link::of(20).with(manner));
    }
    net
}

#[tokio::test(start_paused = true)]
async fn one_good_server_is_enough_whatever_the_other_does() {
    for manner in [
        Manner::Dead,
        Manner::Closed,
        Manner::Refuses,
        Manner::RefersUpward,
        Manner::ServFail,
        Manner::Garbage,
    ] {
        for manners in [[manner, Manner::Good], [Manner::Good, manner]] {
            let lab = Lab::new(net(manners));
            let started = Instant::now();
            let answer = lab.ask("www.example.com", Rtype::A).await;
            assert!(answer.contains("203.0.115.2"), "{manners:?}: {answer}");
            assert!(
                started.elapsed() < Duration::from_millis(400),
                "{manners:?}: {:?}",
                started.elapsed()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn odd_servers_are_coped_with() {
    for (manner, counter) in [
        (Manner::FormErrOnEdns, Counter::UpstreamEdnsFallbacks),
        (Manner::DropsEdns, Counter::UpstreamQueries),
        (Manner::Truncates, Counter::UpstreamTruncated),
        (Manner::TcpOnly, Counter::UpstreamTcp),
        (Manner::LowerCases { streams: true }, Counter::UpstreamReplies),
        (FORGED, Counter::UpstreamMismatched),
        (Manner::Beset(Beset::once(Bad::Question)), Counter::UpstreamMismatched),
        (Manner::DeniesEmptyNonTerminals, Counter::UpstreamMinimiseFallbacks),
        (Manner::FailsShortened, Counter::UpstreamMinimiseFallbacks),
    ] {
        let lab = Lab::new(net([manner, manner]));
        let answer = lab.ask("a.b.ent.example.com", Rtype::A).await;
        assert!(answer.contains("203.0.115.5"), "{manner:?}: {answer}");
        assert!(lab.count(counter) > 0, "{manner:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_id_leads_to_tcp_and_to_another_server_beside_the_wait() {
    let lab = Lab::frugal(net([FORGED, FORGED]));
    let started = Instant::now();
    lab.resolve("www.example.com", Rtype::A).await.unwrap();
    let of_leaf = |sent: &zoners_sim::Sent| SERVERS.contains(&&*sent.to.address.ip().to_string());
    let to_leaf: Vec<_> = lab.net.sent().into_iter().filter(of_leaf).collect();
    let [first, over_tcp, another, ..] = &to_leaf[..] else { panic!("{to_leaf:#?}") };
    assert_eq!((first.to.transport, over_tcp.to.transport), (Transport::Udp, Transport::Tcp));
    assert_eq!(first.to.address, over_tcp.to.address);
    assert_ne!(first.to.address, another.to.address);
    assert!(another.at <= over_tcp.at + Duration::from_millis(1), "{to_leaf:#?}");
    // Two referrals, then the forged datagram and the TCP answer: no later than the good reply.
    assert!(
        started.elapsed() <= Duration::from_millis(20 * 2 + 20 + 50),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn mishandled_edns_is_not_learned_from_one_reply() {
    let lab = Lab::new(net([Manner::FormErrOnEdns, Manner::Dead]));
    lab.resolve("www.example.com", Rtype::A).await.unwrap();
    lab.net.forget_sent();
    lab.resolve("mail.example.com", Rtype::A).await.unwrap();
    assert!(lab.net.sent().iter().any(|sent| sent.edns), "asked with EDNS again");
}

#[tokio::test(start_paused = true)]
async fn a_zone_without_a_living_server_fails_in_time_and_says_why() {
    for (manner, code) in [
        (Manner::Dead, EdeCode::NO_REACHABLE_AUTHORITY),
        (Manner::Closed, EdeCode::NETWORK_ERROR),
        (Manner::Refuses, EdeCode::NO_REACHABLE_AUTHORITY),
        (Manner::Garbage, EdeCode::INVALID_DATA),
    ] {
        let lab = Lab::new(net([manner, manner]));
        let started = Instant::now();
        let unresolved = lab.resolve("www.example.com", Rtype::A).await.unwrap_err();
        assert_eq!(unresolved.ede.code, code, "{manner:?}: {unresolved}");
        assert!(started.elapsed() < Duration::from_secs(5), "{manner:?}");
        assert!(unresolved.ede.text.contains("example.com."), "{unresolved}");
        let sent = lab.net.sent().len();
        assert!(sent <= 18, "{manner:?}: {sent} queries");
        // Remembered for a second (RFC 9520), then tried again.
        let again = lab.resolve("www.example.com", Rtype::A).await.unwrap_err();
        assert_eq!(again.cause, Cause::Remembered, "{manner:?}");
        assert_eq!(lab.net.sent().len(), sent);
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_ne!(
            lab.resolve("www.example.com", Rtype::A).await.unwrap_err().cause,
            Cause::Remembered
        );
    }
}

#[tokio::test(start_paused = true)]
async fn twelve_dead_servers_of_thirteen_do_not_matter() {
    let net = world::small(1);
    let mut com = String::from("@ NS a.nic\na.nic A 192.5.6.1\n");
    let mut addresses = Vec::new();
    for server in 1..=13 {
        com += &format!("many NS ns{server}.many\nns{server}.many A 203.0.114.{}\n", 100 + server);
        addresses.push(format!("203.0.114.{}", 100 + server));
    }
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], &com);
    let served: Vec<&str> = addresses.iter().map(String::as_str).collect();
    net.zone("many.com", &served, "www A 203.0.113.1\nmail A 203.0.113.2\n");
    for address in &addresses[1..] {
        net.link(address, Link::of(20).with(Manner::Dead));
    }
    let lab = Lab::new(net);
    assert!(lab.ask("www.many.com", Rtype::A).await.contains("203.0.113.1"));
    let started = Instant::now();
    assert!(lab.ask("mail.many.com", Rtype::A).await.contains("203.0.113.2"));
    assert!(started.elapsed() <= Duration::from_millis(24), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_loser_of_a_race_teaches_its_time() {
    let net = world::small(1);
    net.link(SERVERS[0], Link::of(700)).link(SERVERS[1], Link::of(20).with(Manner::Dead));
    let lab = Lab::new(net);
    // Both servers are asked; each reply teaches the RTT.
    lab.resolve("www.example.com", Rtype::A).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let known = |address: &str| {
        let endpoint = zoners_dns::Endpoint::udp(address.parse().unwrap());
        lab.worker.shared().cache.server(endpoint, lab.worker.shared().now())
    };
    assert_eq!(known(SERVERS[0]).srtt(), Some(Duration::from_millis(700)));
    assert!(known(SERVERS[1]).unanswered > 0);
    // A changed network forgives.
    lab.worker.shared().notify(Event::NetworkChanged);
    assert!(lab.ask("mail.example.com", Rtype::A).await.contains("203.0.115.4"));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_outlived() {
    let net = world::small(1);
    let gone = Duration::from_millis(30)..Duration::from_millis(400);
    for address in SERVERS {
        net.link(address, Link { outages: vec![gone.clone()], ..Link::of(20) });
    }
    let lab = Lab::new(net);
    assert!(lab.ask("www.example.com", Rtype::A).await.contains("203.0.115.2"));
}

#[tokio::test(start_paused = true)]
async fn addresses_that_can_be_no_server_are_never_asked() {
    let net = world::small(1);
    let com = "@ NS a.nic\na.nic A 192.5.6.1\nbad NS ns1.bad\nbad NS ns2.bad\nns1.bad A 127.0.0.1\n\
               ns1.bad A 0.0.0.0\nns2.bad A 10.1.2.3\nns2.bad AAAA ::1\nns2.bad A 224.0.0.1\n";
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], com);
    let lab = Lab::new(net);
    let unresolved = lab.resolve("www.bad.com", Rtype::A).await.unwrap_err();
    assert_eq!(unresolved.cause, Cause::NoAddress);
    let asked = lab.net.sent().into_iter().map(|sent| sent.to.address.ip());
    assert!(asked.into_iter().all(|ip| lab.worker.settings().may_ask(ip)));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_delegation_dies_with_its_ttl_and_takes_all_below_along() {
    let net = world::small(1);
    let com = "@ NS a.nic\na.nic A 192.5.6.1\nghost 60 NS ns.ghost\nns.ghost A 203.0.114.66\n";
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], com);
    net.zone(
        "ghost.com",
        &["203.0.114.66"],
        "@ 86400 NS ns\nns 86400 A 203.0.114.66\nsub 86400 NS ns\nw 1 A 203.0.113.1\n",
    );
    net.zone("sub.ghost.com", &["203.0.114.66"], "@ 86400 NS ns.ghost.com.\nw 1 A 203.0.113.2\n");
    let lab = Lab::new(net);
    assert!(lab.ask("w.sub.ghost.com", Rtype::A).await.contains("203.0.113.2"));
    lab.net.change("com", |com| com.remove(&name::parse("ghost.com").unwrap(), Rtype::NS));
    lab.net.change("com", |com| com.remove(&name::parse("ns.ghost.com").unwrap(), Rtype::A));
    for _ in 0..5 {
        lab.clock.jump(Duration::from_secs(10));
        // The child's own NS and address records keep nothing alive.
        let _ = lab.resolve("ghost.com", Rtype::NS).await;
        let _ = lab.resolve("ns.ghost.com", Rtype::A).await;
        assert!(lab.ask("w.sub.ghost.com", Rtype::A).await.contains("203.0.113.2"));
    }
    lab.clock.jump(Duration::from_secs(11));
    assert_eq!(lab.ask("w.sub.ghost.com", Rtype::A).await, "NXDOMAIN");
}

#[tokio::test(start_paused = true)]
async fn what_a_server_may_not_say_is_not_believed() {
    let net = world::small(1);
    // The server adds foreign records to its answers; the scrubber counts these.
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"],
        "@ NS a.nic\na.nic A 192.5.6.1\nliar NS ns.liar\nns.liar A 203.0.114.66\nwww.victim A 203.0.113.9\n\
         victim NS ns.victim\nns.victim A 203.0.114.1\n");
    net.zone("victim.com", &["203.0.114.1"], "www A 203.0.113.9\n");
    net.zone("liar.com", &["203.0.114.66"], "www CNAME www.victim.com.\n");
    net.change("liar.com", |zone| {
        let forged =
            zoners_dns::zonefile::parse("www.victim.com. A 203.0.113.66", &name::root()).unwrap();
        forged.into_iter().for_each(|set| zone.add(set));
    });
    let lab = Lab::new(net);
    let answer = lab.ask("www.liar.com", Rtype::A).await;
    assert!(answer.contains("203.0.113.9") && !answer.contains("203.0.113.66"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn zones_that_depend_on_each_other_fail_fast_and_cheaply() {
    let net = world::small(1);
    net.zone(
        "com",
        &["192.5.6.1", "192.5.6.2", "2001:503::1"],
        "@ NS a.nic\na.nic A 192.5.6.1\none NS ns.two.com.\ntwo NS ns.one.com.\n",
    );
    let lab = Lab::new(net);
    let started = Instant::now();
    let (one, two) =
        tokio::join!(lab.resolve("www.one.com", Rtype::A), lab.resolve("www.two.com", Rtype::A));
    assert!(one.is_err() && two.is_err());
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!(lab.net.sent().len() <= 8, "{:#?}", lab.net.sent());
    assert!(lab.count(Counter::FlightCycles) > 0);
}

#[tokio::test(start_paused = true)]
async fn glueless_referrals_cannot_make_us_attack_a_victim() {
    // NXNSAttack: a referral to many names in a victim's zone, none of which exists.
    let net = world::small(1);
    let mut com = String::from(
        "@ NS a.nic\na.nic A 192.5.6.1\nvictim NS ns.victim\nns.victim A 203.0.114.50\n",
    );
    for number in 0..60 {
        com += &format!("evil NS n{number}.victim.com.\n");
    }
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], &com);
    net.zone("victim.com", &["203.0.114.50"], "@ NS ns\nns A 203.0.114.50\n");
    let lab = Lab::new(net);
    assert!(lab.resolve("www.evil.com", Rtype::A).await.is_err());
    let to_victim = lab.net.sent_to("203.0.114.50");
    assert!(to_victim <= 16, "{to_victim} queries to the victim");
    assert!(
        lab.count(Counter::LimitDelegationServers) + lab.count(Counter::BudgetAddressLookups) > 0
    );
}

#[tokio::test(start_paused = true)]
async fn budgets_hold_over_everything_that_a_question_causes() {
    // The servers of each domain have names in the next domain, without glue: each look-up needs
    // another.
    let net = world::small(1);
    let mut com = String::from("@ NS a.nic\na.nic A 192.5.6.1\n");
    for number in 0..40 {
        for server in 0..5 {
            com += &format!("d{number} NS n{server}.d{}.com.\n", number + 1);
        }
    }
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], &com);
    let lab = Lab::new(net);
    let unresolved = lab.resolve("www.d0.com", Rtype::A).await.unwrap_err();
    assert!(lab.count(Counter::LimitNestedLookups) > 0, "{unresolved}");
    let limits = settings().limits;
    assert!(lab.count(Counter::UpstreamQueries) <= u64::from(limits.queries));
    // With a smaller budget the question ends there, and is not cached as a failure of the name.
    let mut small = settings();
    (small.limits.queries, small.limits.hedges) = (5, 0);
    let lab = Lab::with(lab.net.clone(), small);
    lab.net.forget_sent();
    let unresolved = lab.resolve("www.d0.com", Rtype::A).await.unwrap_err();
    assert!(lab.count(Counter::BudgetQueries) > 0, "{unresolved}");
    let priming = lab.net.sent().iter().filter(|sent| sent.question.rtype == Rtype::NS).count();
    assert!(lab.net.sent().len() - priming <= 5);
}

#[tokio::test(start_paused = true)]
async fn pending_recursions_are_bounded() {
    let mut few = settings();
    few.limits.pending = 10;
    let lab = Lab::with(net([Manner::Dead, Manner::Dead]), few);
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..11 {
        let worker = lab.worker.clone();
        let asked = question(&format!("n{number}.example.com"), Rtype::A);
        clients.spawn(async move { worker.resolve(&asked, None).await });
    }
    let mut overloaded = 0;
    while let Some(ended) = clients.join_next().await {
        overloaded += u32::from(ended.unwrap().unwrap_err().cause == Cause::Overloaded);
    }
    assert_eq!((overloaded, lab.count(Counter::RecursionFull)), (1, 1));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(lab.worker.pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_hopeless_names_gives_way_to_others() {
    let mut few = settings();
    few.limits.pending = 20;
    let net = net([Manner::Dead, Manner::Dead]);
    net.zone("example.net", &["203.0.115.1"], "@ NS ns1\nns1 A 203.0.115.1\n* A 203.0.115.9\n");
    let lab = Lab::with(net, few);
    let flood = tokio::spawn({
        let worker = lab.worker.clone();
        async move {
            for number in 0..2000 {
                let (worker, number) = (worker.clone(), number);
                tokio::spawn(async move {
                    let asked = question(&format!("n{number}.example.com"), Rtype::A);
                    worker
                        .resolve_for(
                            Some([192, 0, 2, 1].into()),
                            &asked,
                            Checking::Enabled,
                            Lack::Everything,
                            None,
                        )
                        .await
                });
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    for number in 0..40 {
        let asked = question(&format!("n{number}.example.net"), Rtype::A);
        let client = Some([192, 0, 2, 2].into());
        lab.worker
            .resolve_for(client, &asked, Checking::Enabled, Lack::Everything, None)
            .await
            .unwrap();
    }
    assert!(!flood.is_finished() && lab.count(Counter::RecursionEvicted) > 0);
    assert!(lab.count(Counter::RecursionFull) > 0, "what came too fast got no slot");
}

#[tokio::test(start_paused = true)]
async fn a_follower_goes_on_when_its_leader_runs_out() {
    // The leader's budget ends at once; the follower, on a worker with more, gets the answer.
    let net = world::small(1);
    let mut poor = settings();
    (poor.limits.queries, poor.limits.hedges) = (1, 0);
    let lab = Lab::with(net, poor);
    let settings = Settings { limits: zoners_resolver::Limits::default(), ..settings() };
    let rich = zoners_resolver::Resolver::new(
        lab.worker.shared().clone(),
        lab.net.clone(),
        std::sync::Arc::new(settings),
        std::sync::Arc::default(),
    );
    let asked = question("www.example.com", Rtype::A);
    let (poor, rich) = tokio::join!(lab.worker.resolve(&asked, None), rich.resolve(&asked, None));
    assert_eq!(poor.unwrap_err().cause, Cause::Budget);
    assert!(rich.is_ok(), "{rich:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_glue_is_stale_is_asked_of_its_own_zone() {
    let net = world::small(1);
    net.zone(
        "com",
        &["192.5.6.1", "192.5.6.2", "2001:503::1"],
        "@ NS a.nic\na.nic A 192.5.6.1\nhost NS ns.host\nhost NS ns2.host\nns.host A 203.0.114.90\n\
         ns2.host A 203.0.114.91\nsite NS ns.host.com.\n",
    );
    net.zone(
        "host.com",
        &["203.0.114.91"],
        "@ NS ns\n@ NS ns2\nns A 203.0.114.92\nns2 A 203.0.114.91\n",
    );
    net.zone("site.com", &["203.0.114.92"], "www A 203.0.113.1\n");
    let lab = Lab::new(net);
    let answer = lab.ask("www.site.com", Rtype::A).await;
    assert!(answer.contains("203.0.113.1"), "{answer} {:#?}", lab.net.sent());
}

/// Leaves the names of empty non-terminals unanswered.
fn silent_to_shortened(question: &zoners_dns::Question, said: Said) -> Option<Said> {
    let full = name::depth(&question.name) != 4 && name::depth(&question.name) != 3
        || !said.answer.is_empty();
    full.then_some(said)
}

#[tokio::test(start_paused = true)]
async fn silence_to_a_shortened_question_is_met_with_the_full_one() {
    let net = net([Manner::Good, Manner::Good]);
    for server in SERVERS {
        net.alter(server, silent_to_shortened);
    }
    let lab = Lab::new(net);
    let started = Instant::now();
    let answer = lab.ask("a.b.ent.example.com", Rtype::A).await;
    assert!(answer.contains("203.0.115.5"), "{answer}");
    assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
    assert!(lab.count(Counter::UpstreamMinimiseFallbacks) > 0);
    lab.net.forget_sent();
    let started = Instant::now();
    let denied = lab.resolve("a.b.ent.example.com", Rtype::AAAA).await.unwrap();
    assert!(denied.answer.is_empty());
    assert!(started.elapsed() < Duration::from_millis(100), "the zone is known by now");
    assert!(lab.net.sent().iter().all(|sent| name::depth(&sent.question.name) == 5));
}

/// The zone's own NS set comes with its answers, with a server unknown to the parent.
fn names_another_server(_: &zoners_dns::Question, mut said: Said) -> Option<Said> {
    let of = |text: &str| zonefile::parse(text, &name::root()).unwrap();
    if !said.answer.is_empty() {
        said.authority =
            of("example.com. 300 NS ns1.example.com.\nexample.com. 300 NS new.example.com.");
        said.additional = of("new.example.com. 300 A 203.0.114.77");
    }
    Some(said)
}

#[tokio::test(start_paused = true)]
async fn servers_that_only_the_zone_names_are_tried_when_the_parents_fail() {
    let lab = Lab::new(net([Manner::Good, Manner::Good]));
    for server in SERVERS {
        lab.net.alter(server, names_another_server);
    }
    lab.resolve("www.example.com", Rtype::A).await.unwrap();
    for server in SERVERS {
        lab.net.alter(server, |_, _| None);
    }
    lab.net.serve("example.com", "203.0.114.77");
    let started = Instant::now();
    let answer = lab.ask("mail.example.com", Rtype::A).await;
    assert!(answer.contains("203.0.115.4"), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert!(lab.count(Counter::UpstreamChildServers) > 0);
}

#[tokio::test(start_paused = true)]
async fn addresses_that_come_along_are_no_answers() {
    let lab = Lab::new(net([Manner::Good, Manner::Good]));
    for server in SERVERS {
        lab.net.alter(server, names_another_server);
    }
    lab.resolve("www.example.com", Rtype::A).await.unwrap();
    assert!(!lab.ask("new.example.com", Rtype::A).await.contains("203.0.114.77"));
}
