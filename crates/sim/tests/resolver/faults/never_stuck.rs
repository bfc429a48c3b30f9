//! An unresponsive nameserver, on a lossy uplink, does not delay answers.

use std::net::IpAddr;
use std::time::Duration;

use crate::common::many::{known, many, ms, time, with_delegations};
use crate::common::{Lab, question, settings};
use tokio::time::{Instant, sleep};
use zoners_cache::ServerFault;
use zoners_dns::{Counter, Rtype, Transport, name};
use zoners_resolver::{Event, Hop, Trace};
use zoners_sim::world::{COM_SERVERS, ROOT_SERVERS};
use zoners_sim::{Link, Manner, SimNetwork, world};

/// `many.com.` on a near server with this manner, and on a good server farther away.
fn one_near(manner: Manner) -> SimNetwork {
    many(2, |number| match number {
        0 => Link::of(5).with(manner),
        _ => Link::of(50),
    })
}

#[tokio::test(start_paused = true)]
async fn one_living_server_of_thirteen_is_found_and_kept_to() {
    for living in 0..13 {
        for rtt in [20, 80, 200] {
            let lab = Lab::new(many(13, |number| match number == living {
                true => Link::of(rtt),
                false => Link::of(rtt).with(Manner::Dead),
            }));
            lab.resolve("example.com", Rtype::A).await.unwrap();
            let first = time(&lab, "n0.many.com").await;
            // The referral of com. is a round trip of 20 ms more.
            assert!(first <= ms(20 + 2 * rtt + 400), "server {living}, {rtt} ms: {first:?}");
            for number in 1..5 {
                let next = time(&lab, &format!("n{number}.many.com")).await;
                assert!(next.as_secs_f64() <= 0.0012 * rtt as f64, "{living}, {rtt}: {next:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_of_five_lost_leave_nothing_unanswered() {
    let net = many(3, |_| Link::of(40).losing(0.4));
    for address in COM_SERVERS {
        net.link(address, Link::of(20).losing(0.4));
    }
    let lab = Lab::new(net);
    let mut total = Duration::ZERO;
    for number in 0..200 {
        total += time(&lab, &format!("n{number}.many.com")).await;
    }
    assert!(total / 200 < ms(120), "{:?} each", total / 200);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_becomes_slow_is_left_for_a_nearer_one() {
    let lab = Lab::new(many(2, |number| Link::of([20, 60][number])));
    for number in 0..20 {
        time(&lab, &format!("n{number}.many.com")).await;
    }
    assert!(time(&lab, "n20.many.com").await <= ms(25));
    lab.net.link("203.0.114.101", Link::of(800));
    let mut slow = Vec::new();
    for number in 21..41 {
        slow.push(time(&lab, &format!("n{number}.many.com")).await);
    }
    assert!(slow[0] <= ms(120), "{slow:?}");
    assert!(slow[5..].iter().all(|took| *took <= ms(75)), "{slow:?}");
    // Near again, which stays unnoticed while the second server answers: no slower than the second
    // server, then.
    lab.net.link("203.0.114.101", Link::of(20));
    for number in 41..61 {
        time(&lab, &format!("n{number}.many.com")).await;
        sleep(Duration::from_secs(20)).await;
    }
    assert!(time(&lab, "n61.many.com").await <= ms(75));
}

#[tokio::test(start_paused = true)]
async fn an_only_server_that_becomes_slow_still_answers() {
    let lab = Lab::new(many(1, |_| Link::of(20)));
    time(&lab, "n0.many.com").await;
    lab.net.link("203.0.114.101", Link::of(800));
    for number in 1..5 {
        assert!(time(&lab, &format!("n{number}.many.com")).await <= ms(810));
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_was_gone_for_ten_minutes_is_used_as_soon_as_it_is_back() {
    for told in [false, true] {
        let gone = Duration::from_secs(10)..Duration::from_secs(610);
        let net = many(3, |number| Link {
            outages: vec![gone.clone()],
            ..Link::of([20, 60, 100][number])
        });
        for address in COM_SERVERS.iter().chain(&ROOT_SERVERS) {
            net.link(address, Link { outages: vec![gone.clone()], ..Link::of(20) });
        }
        let lab = Lab::new(net);
        time(&lab, "n0.many.com").await;
        sleep(Duration::from_secs(20)).await;
        // A client continues to ask, for known and unknown names.
        for number in 0.. {
            if lab.net.now() > Duration::from_secs(600) {
                break;
            }
            let name = format!("n{}.many.com", 1 + number % 50);
            assert!(lab.resolve(&name, Rtype::A).await.is_err());
            let _ = lab.resolve("www.example.com", Rtype::A).await;
        }
        let left = Duration::from_secs(612).saturating_sub(lab.net.now());
        sleep(left).await;
        if told {
            lab.worker.shared().notify(Event::NetworkChanged);
        }
        let first = time(&lab, "n200.many.com").await;
        assert!(first <= ms(20 + 1000), "{first:?}");
        // An RTT chain from com. down.
        let second = time(&lab, "www.example.com").await;
        assert!(second <= ms(2 * 20 + 1000), "{second:?}");
        assert!(time(&lab, "n201.many.com").await <= ms(30), "all is forgiven");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lame_server_is_asked_last_for_the_zone_and_not_punished_elsewhere() {
    let lab = Lab::new(one_near(Manner::Refuses));
    time(&lab, "n0.many.com").await;
    sleep(Duration::from_secs(3)).await;
    let lame = known(&lab, "203.0.114.101", Transport::Udp);
    assert_eq!(lame.trouble, Some(ServerFault::Lame));
    assert_eq!(lab.count(Counter::UpstreamLame), u64::from(lame.troubles));
    lab.net.forget_sent();
    for number in 1..10 {
        assert!(time(&lab, &format!("n{number}.many.com")).await <= ms(55));
    }
    assert_eq!(lab.net.sent_to("203.0.114.101"), 0);
}

#[tokio::test(start_paused = true)]
async fn each_cause_has_its_counter_and_is_remembered() {
    for (manner, counter, trouble) in [
        (Manner::Dead, Counter::UpstreamTimeouts, ServerFault::Timeout),
        (Manner::Closed, Counter::UpstreamConnectionRefused, ServerFault::Refused),
        (Manner::Refuses, Counter::UpstreamLame, ServerFault::Lame),
        (Manner::RefersUpward, Counter::UpstreamLame, ServerFault::Lame),
        (Manner::ServFail, Counter::UpstreamServfail, ServerFault::ServFail),
        (Manner::Garbage, Counter::UpstreamFormerr, ServerFault::FormErr),
    ] {
        let lab = Lab::new(one_near(manner));
        time(&lab, "n0.many.com").await;
        sleep(Duration::from_secs(5)).await;
        assert!(lab.count(counter) > 0, "{manner:?}");
        let found = [Transport::Udp, Transport::Tcp]
            .map(|transport| known(&lab, "203.0.114.101", transport).trouble);
        assert!(found.contains(&Some(trouble)), "{manner:?}: {found:?}");
        // Whatever the manner, the next question does not wait for the server.
        assert!(time(&lab, "n1.many.com").await <= ms(60), "{manner:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_skipped_says_so_and_is_back_with_its_first_answer() {
    let lab = Lab::new(one_near(Manner::Dead));
    let told = |trace: &Trace| {
        let skipped = |hop: &Hop| match hop {
            Hop::Note(note) if note.starts_with("skipped 203.0.114.101") => Some(note.clone()),
            _ => None,
        };
        trace.steps().iter().find_map(|step| skipped(&step.hop))
    };
    let mut note = None;
    for number in 0..40 {
        let trace = std::sync::Arc::new(Trace::default());
        let asked = question(&format!("n{number}.many.com"), Rtype::A);
        lab.worker.resolve(&asked, Some(trace.clone())).await.unwrap();
        note = note.or(told(&trace));
        lab.net.link("203.0.114.102", Link::of(50).losing(if number < 20 { 0.5 } else { 0.0 }));
    }
    let note = note.expect("it was skipped");
    assert!(note.contains("timeouts in a row, next probe in "), "{note}");
    assert!(lab.count(Counter::InfraBackoffSkipped) > 0);
    let (_, standings) = lab.worker.server_reports(&question("many.com", Rtype::A).name);
    let address: IpAddr = "203.0.114.101".parse().unwrap();
    let dead = standings.iter().find(|standing| standing.endpoint.address.ip() == address);
    assert!(dead.unwrap().info.unanswered >= 3);
    // Alive again: the server is tried when the second server fails, and then it is the nearer
    // server.
    lab.net.link("203.0.114.101", Link::of(5));
    lab.net.link("203.0.114.102", Link::of(50).with(Manner::Dead));
    time(&lab, "n100.many.com").await;
    assert!(time(&lab, "n101.many.com").await <= ms(10));
}

#[tokio::test(start_paused = true)]
async fn providers_that_depend_on_each_other_are_resolved_where_one_has_glue() {
    // Each zone has its servers in the other zone, but one zone has one more server.
    let net = with_delegations(
        "one NS ns.two.com.\ntwo NS ns.one.com.\ntwo NS spare.two\nspare.two A 203.0.114.70\n",
    );
    net.zone(
        "two.com",
        &["203.0.114.70", "203.0.114.71"],
        "ns A 203.0.114.72\nwww A 203.0.113.2\n",
    );
    net.zone("one.com", &["203.0.114.72"], "ns A 203.0.114.71\nwww A 203.0.113.1\n");
    let lab = Lab::new(net);
    let (one, two) =
        tokio::join!(lab.resolve("www.one.com", Rtype::A), lab.resolve("www.two.com", Rtype::A));
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_clients_of_one_slow_name_cause_one_fetch() {
    let mut frugal = settings();
    frugal.limits.probe_budget = 0;
    let lab = Lab::with(many(1, |_| Link::of(700)), frugal);
    time(&lab, "n0.many.com").await;
    lab.net.forget_sent();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..100u64 {
        let worker = lab.worker.clone();
        clients.spawn(async move {
            sleep(ms(client * 5)).await;
            worker.resolve(&question("n1.many.com", Rtype::A), None).await.is_ok()
        });
    }
    while let Some(answered) = clients.join_next().await {
        assert!(answered.unwrap());
    }
    assert_eq!(lab.net.sent().len(), 1, "{:#?}", lab.net.sent());
}

/// `com.` names one server of `moved.com.`, which knows a second server and little else.
fn moved(manner: Manner) -> SimNetwork {
    let net = with_delegations("moved NS old.moved\nold.moved A 203.0.114.60\n");
    let text = "@ NS old\n@ NS new\nold A 203.0.114.60\nnew A 203.0.114.61\nwww A 203.0.113.1\n";
    net.zone("moved.com", &["203.0.114.60", "203.0.114.61"], text);
    net.link("203.0.114.60", Link::of(20).with(manner));
    net
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_has_long_been_silent_is_given_up_soon_and_found_again() {
    for servers in [1, 2, 13] {
        let lab = Lab::frugal(many(servers, |_| Link::of(20).with(Manner::Dead)));
        let failing = async |name: &str| {
            // A different server answers, so the uplink is not down.
            let _ = lab.resolve(&format!("{name}.example.com"), Rtype::A).await;
            lab.net.forget_sent();
            let started = Instant::now();
            assert!(lab.resolve(&format!("{name}.many.com"), Rtype::A).await.is_err());
            (started.elapsed(), lab.net.sent().len())
        };
        for number in 0..3 {
            failing(&format!("n{number}")).await;
        }
        let (took, sent) = failing("n3").await;
        assert!(
            took <= ms(500) && (1..=servers.min(3)).contains(&sent),
            "{servers}: {took:?}, {sent} queries"
        );
        for number in 0..servers {
            lab.net.link(&format!("203.0.114.{}", 101 + number), Link::of(20));
        }
        assert!(time(&lab, "n4.many.com").await <= ms(50));
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_zone_is_not_taken_for_the_line_where_nothing_else_is_asked_for() {
    let lab = Lab::frugal(many(2, |_| Link::of(20).with(Manner::Dead)));
    time(&lab, "www.example.com").await;
    let mut last = Duration::ZERO;
    for number in 0..4 {
        let started = Instant::now();
        let name = format!("n{number}.many.com");
        let asked = question(&name, Rtype::A);
        let asking = tokio::spawn({
            let worker = lab.worker.clone();
            async move { worker.resolve(&asked, None).await }
        });
        while !asking.is_finished() {
            assert!(!lab.worker.shared().is_uplink_down());
            sleep(ms(10)).await;
        }
        assert!(asking.await.unwrap().is_err());
        last = started.elapsed();
    }
    assert!(last <= ms(500), "{last:?}");
    // The root is asked for by priming, too.
    let own = question("many.com", Rtype::A).name;
    let others =
        lab.net.sent().iter().filter(|sent| !name::is_within(&sent.question.name, &own)).count();
    assert!((1..=12).contains(&others), "{others} queries to somebody else");
}

#[tokio::test(start_paused = true)]
async fn when_all_servers_of_the_parent_fail_those_of_the_zone_itself_are_tried() {
    let lab = Lab::new(moved(Manner::KnowsItsServers));
    assert!(time(&lab, "www.moved.com").await <= ms(300));
    assert!(lab.count(Counter::UpstreamChildServers) > 0);
    // From an earlier answer, when no server is left to ask.
    let lab = Lab::new(moved(Manner::Good));
    lab.resolve("moved.com", Rtype::NS).await.unwrap();
    lab.resolve("new.moved.com", Rtype::A).await.unwrap();
    lab.net.link("203.0.114.60", Link::of(20).with(Manner::Dead));
    assert!(time(&lab, "www.moved.com").await <= ms(3000));
    // The second server is unknown: the question fails in time.
    let lab = Lab::new(moved(Manner::Dead));
    let started = Instant::now();
    assert!(lab.resolve("www.moved.com", Rtype::A).await.is_err());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn on_a_satellite_link_patience_is_what_the_link_takes() {
    let net = world::populous(3, 300, 0.0, 0.02);
    net.delay_all(ms(600), ms(150));
    let lab = Lab::new(net);
    // Until RTT estimates exist.
    for number in 0..20 {
        time(&lab, &format!("www.d{number}.t{}", number % 4)).await;
    }
    lab.net.forget_sent();
    for number in 20..220 {
        time(&lab, &format!("www.d{number}.t{}", number % 4)).await;
    }
    let sent = lab.net.sent().len();
    // A referral and an answer each; an eighth for probes; some late or lost.
    assert!(sent <= 200 * 2 * 7 / 5, "{sent} queries");
}

#[tokio::test(start_paused = true)]
async fn of_the_servers_that_a_zone_names_itself_no_more_are_taken_than_of_its_parents() {
    let most = settings().limits.servers;
    for (named, over) in [(most - 1, 0), (most, 1), (most + 20, 1)] {
        let net = moved(Manner::KnowsItsServers);
        let mut text = String::from("old A 203.0.114.60\n@ NS old\n");
        for number in 0..named {
            text += &format!("@ NS n{number}\nn{number} A 198.18.0.{number}\n");
        }
        net.zone("moved.com", &["203.0.114.60"], &text);
        let lab = Lab::new(net);
        assert!(lab.resolve("www.moved.com", Rtype::A).await.is_err());
        assert_eq!(lab.count(Counter::UpstreamChildServers), (most - 1) as u64, "{named}");
        assert_eq!(lab.count(Counter::LimitDelegationServers), over, "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_tried_five_times_and_thrice_for_a_nameservers_address() {
    let tries = |lab: &Lab, transport| {
        let sent = lab.net.sent();
        sent.iter()
            .filter(|sent| {
                sent.to.address.ip().to_string() == "203.0.114.60" && sent.to.transport == transport
            })
            .count()
    };
    let lab = Lab::frugal(moved(Manner::Dead));
    assert!(lab.resolve("www.moved.com", Rtype::A).await.is_err());
    assert_eq!([Transport::Udp, Transport::Tcp].map(|transport| tries(&lab, transport)), [3, 2]);
    // A refused stream makes no room for a fourth datagram.
    let net = moved(Manner::Dead);
    net.link("203.0.114.60", Link::of(20).losing(1.0).with(Manner::UdpOnly));
    let lab = Lab::frugal(net);
    assert!(lab.resolve("www.moved.com", Rtype::A).await.is_err());
    assert_eq!(tries(&lab, Transport::Udp), 3);
    assert!((1..=2).contains(&tries(&lab, Transport::Tcp)));
    let net = moved(Manner::Dead);
    net.change("com", |com| {
        let glueless = zoners_dns::zonefile::parse("site NS ns.moved.com.\n", &com.origin);
        glueless.unwrap().into_iter().for_each(|set| com.add(set));
    });
    let lab = Lab::frugal(net);
    assert!(lab.resolve("www.site.com", Rtype::A).await.is_err());
    let nested: usize = [Transport::Udp, Transport::Tcp].map(|way| tries(&lab, way)).iter().sum();
    assert_eq!(nested, 3);
}
