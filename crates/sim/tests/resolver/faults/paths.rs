//! If IPv4, IPv6, UDP or TCP does not work, the alternative is used.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::many::{known, many, ms, time, with_delegations};
use crate::common::{Lab, question, settings};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zoners_dns::{Delegation, Rtype, Transport, zonefile};
use zoners_resolver::Settings;
use zoners_sim::world::{COM_SERVERS, ROOT_SERVERS};
use zoners_sim::{Bad, Beset, Link, Manner, SimNetwork, Streams};

/// Forty domains, each on a server of its own with an IPv4 and an IPv6 address.
fn dual_stack() -> SimNetwork {
    let mut text = String::new();
    for number in 0..40 {
        text += &format!(
            "d{number} NS ns.d{number}\nns.d{number} A 198.18.{number}.1\n\
             ns.d{number} AAAA 2001:db8:{number:x}::1\n"
        );
    }
    let net = with_delegations(&text);
    for number in 0..40 {
        let (ipv4, ipv6) = (format!("198.18.{number}.1"), format!("2001:db8:{number:x}::1"));
        net.zone(
            &format!("d{number}.com"),
            &[&ipv4, &ipv6],
            "www A 203.0.113.1\nmail A 203.0.113.2\n",
        );
    }
    net
}

fn sent_over_ipv6(lab: &Lab) -> usize {
    lab.net.sent().iter().filter(|sent| sent.to.address.is_ipv6()).count()
}

#[tokio::test(start_paused = true)]
async fn blackholed_ipv6_is_noticed_left_alone_and_found_again() {
    let net = dual_stack();
    let black = |net: &SimNetwork, manner| {
        for number in 0..40 {
            net.link(&format!("2001:db8:{number:x}::1"), Link::of(5).with(manner));
        }
        net.link("2001:503::1", Link::of(5).with(manner));
        net.link("2001:db8:ffff::1", Link::of(5).with(manner));
    };
    black(&net, Manner::Dead);
    // Servers with only IPv6 reveal the fault; servers with both families are not affected.
    let mut only_ipv6 = String::new();
    for number in 50..60 {
        only_ipv6 +=
            &format!("d{number} NS ns.d{number}\nns.d{number} AAAA 2001:db8:{number:x}::1\n");
    }
    net.change("com", |com| {
        for set in zoners_dns::zonefile::parse(&only_ipv6, &com.origin).unwrap() {
            com.add(set);
        }
    });
    let lab = Lab::new(net);
    for number in 50..60 {
        let name = format!("www.d{number}.com");
        assert!(lab.resolve(&name, Rtype::A).await.is_err());
    }
    assert!(lab.worker.shared().broken_paths().ipv6);
    assert!(!lab.worker.shared().broken_paths().udp, "UDP works over IPv4");
    lab.net.forget_sent();
    for number in 0..40 {
        assert!(time(&lab, &format!("www.d{number}.com")).await <= ms(50));
    }
    assert!(sent_over_ipv6(&lab) <= 2, "{} queries into the dark", sent_over_ipv6(&lab));
    // IPv6 works again: a probe beside a question finds out, and no question waits for the probe.
    black(&lab.net, Manner::Good);
    sleep(Duration::from_secs(30)).await;
    assert!(time(&lab, "mail.d0.com").await <= ms(50));
    sleep(ms(100)).await;
    assert!(!lab.worker.shared().broken_paths().ipv6);
}

#[tokio::test(start_paused = true)]
async fn where_ipv4_does_not_work_ipv6_addresses_of_nameservers_are_looked_up() {
    let net = dual_stack();
    // The servers of these domains have names in d0.com., without glue, and addresses of both
    // families.
    let mut sites = String::new();
    for number in 0..10 {
        sites += &format!("site{number} NS ns.host.d{}.com.\n", number + 20);
    }
    net.change("com", |com| {
        for set in zoners_dns::zonefile::parse(&sites, &com.origin).unwrap() {
            com.add(set);
        }
    });
    for number in 0..10 {
        let host = number + 20;
        net.change(&format!("d{host}.com"), |zone| {
            let text = format!("ns.host A 198.18.{host}.1\nns.host AAAA 2001:db8:{host:x}::1\n");
            for set in zoners_dns::zonefile::parse(&text, &zone.origin).unwrap() {
                zone.add(set);
            }
        });
        let ipv6 = format!("2001:db8:{host:x}::1");
        net.zone(&format!("site{number}.com"), &[&ipv6], "www A 203.0.113.1\n");
    }
    for address in ["192.5.6.1", "192.5.6.2", "198.51.100.1", "198.51.100.2"] {
        net.link(address, Link::of(5).with(Manner::Dead));
    }
    for number in 0..40 {
        net.link(&format!("198.18.{number}.1"), Link::of(5).with(Manner::Dead));
    }
    let lab = Lab::new(net);
    for number in 0..10 {
        lab.resolve(&format!("www.d{number}.com"), Rtype::A).await.unwrap();
    }
    assert!(lab.worker.shared().broken_paths().ipv4);
    for number in 0..10 {
        let took = time(&lab, &format!("www.site{number}.com")).await;
        assert!(took <= ms(150), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_only_tcp_works_it_is_used_at_once() {
    let net = dual_stack();
    let addresses: Vec<String> = (0..40)
        .flat_map(|number| [format!("198.18.{number}.1"), format!("2001:db8:{number:x}::1")])
        .chain(COM_SERVERS.map(str::to_owned))
        .chain(ROOT_SERVERS.map(str::to_owned))
        .collect();
    for address in &addresses {
        net.link(address, Link::of(20).with(Manner::TcpOnly));
    }
    let lab = Lab::new(net);
    for number in 0..10 {
        lab.resolve(&format!("www.d{number}.com"), Rtype::A).await.unwrap();
    }
    assert!(lab.worker.shared().broken_paths().udp);
    for number in 20..40 {
        let took = time(&lab, &format!("www.d{number}.com")).await;
        // Two zones, two round trips of 20 ms each.
        assert!(took <= ms(2 * 2 * 20 + 10), "{took:?}");
    }
    for address in &addresses {
        lab.net.link(address, Link::of(20));
    }
    sleep(Duration::from_secs(20)).await;
    time(&lab, "mail.d20.com").await;
    sleep(ms(100)).await;
    assert!(!lab.worker.shared().broken_paths().udp);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_over_tcp_alone_is_asked_so_the_next_time() {
    let lab = Lab::new(many(1, |_| Link::of(20).with(Manner::TcpOnly)));
    time(&lab, "n0.many.com").await;
    assert!(known(&lab, "203.0.114.101", Transport::Tcp).replied_at > 0);
    let took = time(&lab, "n1.many.com").await;
    assert!(took <= ms(50), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_brings_no_answer_is_not_waited_for_alone() {
    for rtt in [20, 300, 900] {
        for good in [true, false] {
            let only_tcp = Link::of(rtt).with(Manner::TcpOnly);
            let lab = Lab::frugal(many(1, |_| only_tcp.clone()));
            for number in 0..4 {
                time(&lab, &format!("n{number}.many.com")).await;
            }
            let (by, streams) = (Bad::Void, Streams::Silent);
            let beset = Manner::Beset(Beset { by, times: u32::from(!good), good, streams });
            lab.net.link("203.0.114.101", Link::of(20).with(beset));
            lab.net.forget_sent();
            let started = Instant::now();
            let answered = lab.resolve("n5.many.com", Rtype::A).await.is_ok();
            let (took, sent) = (started.elapsed(), lab.net.sent());
            assert_eq!(sent[0].to.transport, Transport::Tcp);
            assert_eq!(answered, good);
            // Where TCP takes long, the query under way gets its time before the question fails.
            let most = if good { 600 } else { (750 + 8 * rtt).min(4000) };
            assert!(took <= ms(most), "{rtt} {good}: {took:?}");
            // Each stream may be dead: a query that is late on one stream is repeated on a new stream.
            let exchanges: BTreeSet<u64> = sent.iter().map(|sent| sent.exchange).collect();
            assert!(exchanges.len() <= 4, "{rtt} {good}: {sent:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_tcp_is_closed_is_asked_on_over_udp() {
    let hints = zonefile::root_hints(". NS a.root.\na.root. A 198.51.100.1\n").unwrap();
    let outage = Duration::from_secs(10);
    let net = with_delegations("");
    let link = Link { outages: vec![Duration::ZERO..outage], ..Link::of(20) };
    net.link("198.51.100.1", link.with(Manner::UdpOnly));
    let lab = Lab::with(net, Settings::new(Delegation::from_hints(&hints).unwrap()));
    assert!(lab.resolve("www.example.com", Rtype::A).await.is_err());
    // No UDP reply has ever arrived, so TCP is tried after the first lost datagram.
    sleep(outage - lab.net.now() - ms(50)).await;
    lab.net.forget_sent();
    let took = time(&lab, "mail.example.com").await;
    assert!(took <= ms(1000), "{took:?}");
    assert!(lab.net.sent().iter().any(|sent| sent.to.transport == Transport::Tcp));
}

/// Dead zones, each on `servers` servers in networks of their own, of both families.
fn dead_zones(zones: usize, servers: usize) -> SimNetwork {
    let mut text = String::new();
    for zone in 0..zones {
        for server in 0..servers {
            let number = zone * servers + server;
            text += &format!(
                "dead{zone} NS ns{server}.dead{zone}\nns{server}.dead{zone} A 198.19.{number}.1\n\
                 ns{server}.dead{zone} AAAA 2001:db8:{number:x}::1\n"
            );
        }
    }
    with_delegations(&text)
}

#[tokio::test(start_paused = true)]
async fn dead_zones_are_not_taken_for_ways_that_do_not_work() {
    for (zones, servers) in [(1, 13), (7, 1), (7, 13), (40, 2)] {
        for answered_before in [true, false] {
            let lab = Lab::new(dead_zones(zones, servers));
            if answered_before {
                lab.resolve("www.example.com", Rtype::A).await.unwrap();
            }
            for round in 0..3 {
                let mut asking = tokio::task::JoinSet::new();
                for zone in 0..zones {
                    let (worker, name) = (lab.worker.clone(), format!("n{round}.dead{zone}.com"));
                    let asked = crate::common::question(&name, Rtype::A);
                    asking.spawn(async move { worker.resolve(&asked, None).await.is_err() });
                }
                // And for a while after that no query is sent.
                let until = Instant::now() + Duration::from_secs(6);
                while Instant::now() < until {
                    let broken = lab.worker.shared().broken_paths().names();
                    assert!(broken.is_empty(), "{zones} {servers} {answered_before}: {broken:?}");
                    assert!(!lab.worker.shared().is_uplink_down());
                    sleep(ms(10)).await;
                }
                assert!(asking.join_all().await.into_iter().all(|failed| failed));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_that_stops_working_is_found_within_seconds() {
    // A broken IPv6 is found where servers are asked over it; a server with both families answers
    // over IPv4.
    for (v6, manner) in [(false, Manner::Dead), (true, Manner::TcpOnly)] {
        let lab = Lab::new(dual_stack());
        for number in 0..10 {
            lab.resolve(&format!("www.d{number}.com"), Rtype::A).await.unwrap();
        }
        let own = (0..40).map(|n| [format!("198.18.{n}.1"), format!("2001:db8:{n:x}::1")]);
        let above = ROOT_SERVERS.into_iter().chain(COM_SERVERS);
        let all = own.flatten().chain(above.map(str::to_owned));
        for address in all.filter(|address| v6 || !address.contains(':')) {
            lab.net.link(&address, Link::of(20).with(manner));
        }
        let stopped = lab.net.now();
        let broken = || lab.worker.shared().broken_paths();
        for number in 0..60 {
            let name = ["www", "mail"][number / 30];
            let took = time(&lab, &format!("{name}.d{}.com", 10 + number % 30)).await;
            assert!(took <= ms(1500), "{took:?}");
            if !broken().names().is_empty() {
                break;
            }
            sleep(ms(200)).await;
        }
        let (took, udp) = (lab.net.now() - stopped, manner == Manner::TcpOnly);
        let found = broken();
        assert_eq!((found.ipv4, found.ipv6, found.udp), (!udp, false, udp));
        assert!(took <= ms(6000), "{took:?}");
    }
}

/// A burst of names of eight domains, as of a page; the number of those with an answer.
async fn page(lab: &Lab, host: &str, first: usize) -> usize {
    let mut asking = JoinSet::new();
    for number in first..first + 8 {
        let (worker, name) = (lab.worker.clone(), format!("{host}.d{}.com", number % 40));
        asking.spawn(async move { worker.resolve(&question(&name, Rtype::A), None).await.is_ok() });
    }
    asking.join_all().await.into_iter().filter(|is_answered| *is_answered).count()
}

#[tokio::test(start_paused = true)]
async fn a_router_with_a_small_table_of_flows_costs_few_packets_and_is_forgiven_at_once() {
    let lab = Lab::with(dual_stack(), Settings { ipv6: false, ..settings() });
    lab.net.translate(100, Duration::from_secs(30));
    let (mut answered, pages) = (0, 15);
    for number in 0..pages {
        let host = if number < 5 { "www" } else { "mail" };
        answered += page(&lab, host, number * 8).await;
        sleep(Duration::from_secs(1)).await;
    }
    let sent = lab.net.sent().len();
    assert!(answered >= pages * 4 && sent <= pages * 8 * 4, "{answered} answered, {sent} packets");
    sleep(Duration::from_secs(31)).await;
    assert_eq!(lab.worker.shared().broken_paths(), zoners_resolver::BrokenPaths::default());
    for number in 0..40 {
        assert!(time(&lab, &format!("mail.d{number}.com")).await <= ms(1000));
    }
}

#[tokio::test(start_paused = true)]
async fn over_a_line_with_round_trips_of_more_than_a_second_every_name_has_an_answer() {
    let lab = Lab::new(dual_stack());
    lab.net.delay_all(ms(1000), ms(500));
    let (mut slowest, mut failed) = (Duration::ZERO, Vec::new());
    for number in 0..40 {
        let (name, began) = (format!("www.d{number}.com"), Instant::now());
        if lab.resolve(&name, Rtype::A).await.is_err() {
            failed.push(name);
        }
        slowest = slowest.max(began.elapsed());
    }
    // The first names have three servers to ask in turn, of which nothing is known.
    assert!(failed.len() <= 1 && slowest <= ms(10_000), "{failed:?}, slowest {slowest:?}");
    assert_eq!(lab.worker.shared().broken_paths(), zoners_resolver::BrokenPaths::default());
}
