//! Streams that die silently are given up at the first late reply, and streams of an earlier
//! network are closed.

use std::time::Duration;

use crate::common::many::{many, ms, time};
use crate::common::{Lab, settings};
use tokio::time::{Instant, sleep};
use zoners_dns::{Counter, Delegation, QueryMode, Rtype, Transport, name, zonefile};
use zoners_resolver::{Event, Settings};
use zoners_sim::world::{COM_SERVERS, ROOT_SERVERS};
use zoners_sim::{Link, Manner, SimNetwork};

const SECOND: Duration = Duration::from_secs(1);
/// The moment when every stream dies.
const DEATH: Duration = Duration::from_millis(5500);
/// The round trip of a server, of which a query over a stream takes two here.
const RTT: u64 = 20;

/// A forwarder at each of these addresses, asked over TCP for every name.
fn forwarders(addresses: &[&str]) -> Settings {
    let mut text = String::from(". NS inside.\n");
    for address in addresses {
        text += &format!("inside. A {address}\n");
    }
    let servers = Delegation::from_hints(&zonefile::root_hints(&text).unwrap()).unwrap();
    let (mode, transport) = (QueryMode::Forward, Transport::Tcp);
    let route = Delegation { zone: name::root(), mode, transport, ..servers };
    Settings { routes: vec![route], ..settings() }
}

/// `many.com.` at these addresses, whose streams die.
fn dying(addresses: &[&str]) -> SimNetwork {
    let net = many(1, |_| Link::of(RTT));
    for address in addresses {
        net.serve("many.com", address);
        net.link(address, Link { forgets: vec![DEATH], ..Link::of(RTT) });
    }
    net
}

/// How long each of ten names takes, asked for every second.
async fn times(lab: &Lab) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..10 {
        times.push(time(lab, &format!("n{number}.many.com")).await);
        sleep(SECOND * (number + 1) - lab.net.now()).await;
    }
    times
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_whose_stream_died_costs_one_late_query() {
    for addresses in [&["203.0.113.1"][..], &["203.0.113.1", "203.0.113.2"]] {
        let lab = Lab::with(dying(addresses), forwarders(addresses));
        let times = times(&lab).await;
        for (number, took) in times.iter().enumerate() {
            let late = number == 6;
            let most = if late { 100 * addresses.len() as u64 + 2 * RTT } else { 2 * RTT };
            assert!(*took <= ms(most), "{number}: {times:?}");
            assert!(!late || *took > ms(2 * RTT), "{times:?}");
        }
        assert!((1..=2).contains(&lab.count(Counter::UpstreamTcpReconnected)));
        assert!(lab.net.streams() <= 2 * addresses.len() as u64, "{}", lab.net.streams());
    }
}

#[tokio::test(start_paused = true)]
async fn streams_are_closed_on_another_network_before_a_query_is_late() {
    let addresses = ["203.0.113.1"];
    let lab = Lab::with(dying(&addresses), forwarders(&addresses));
    time(&lab, "n0.many.com").await;
    sleep(DEATH - lab.net.now()).await;
    lab.net.renew();
    lab.worker.shared().notify(Event::NetworkChanged);
    assert!(time(&lab, "n1.many.com").await <= ms(2 * RTT));
    assert_eq!((lab.count(Counter::UpstreamTcpReconnected), lab.net.streams()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn where_udp_is_blocked_nothing_fails_when_all_streams_die() {
    let net = many(3, |_| Link::of(RTT));
    let root = ROOT_SERVERS;
    let own = ["203.0.114.101", "203.0.114.102", "203.0.114.103"];
    // Every two seconds.
    let forgets: Vec<Duration> = (0..30).map(|number| DEATH + SECOND * 2 * number).collect();
    for address in root.iter().chain(&COM_SERVERS).chain(&own) {
        let forgets = forgets.clone();
        net.link(address, Link { forgets, ..Link::of(RTT) }.with(Manner::TcpOnly));
    }
    let lab = Lab::new(net);
    let mut slowest = Duration::ZERO;
    for number in 0..60 {
        let began = Instant::now();
        lab.resolve(&format!("n{number}.many.com"), Rtype::A).await.unwrap();
        // By then the resolver knows that UDP is blocked.
        if lab.net.now() > DEATH {
            slowest = slowest.max(began.elapsed());
        }
        sleep(SECOND).await;
    }
    assert!(slowest <= ms(300), "{slowest:?}");
    assert!(lab.count(Counter::UpstreamTcpReconnected) > 0);
}

#[tokio::test(start_paused = true)]
async fn another_stream_is_paid_for_like_any_other() {
    let addresses = ["203.0.113.1"];
    for (tcp, renewed) in [(1, 0), (2, 1)] {
        let mut settings = forwarders(&addresses);
        settings.limits.tcp = tcp;
        let lab = Lab::with(dying(&addresses), settings);
        time(&lab, "n0.many.com").await;
        sleep(DEATH - lab.net.now()).await;
        assert_eq!(lab.resolve("n1.many.com", Rtype::A).await.is_ok(), renewed > 0);
        assert_eq!(lab.count(Counter::UpstreamTcpReconnected), renewed);
        // The dead stream is suspect nevertheless.
        assert!(time(&lab, "n2.many.com").await <= ms(2 * RTT));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_slow_now_and_then_is_not_asked_twice_each_time() {
    let addresses = ["203.0.113.1"];
    let net = dying(&addresses);
    let lab = Lab::with(net, forwarders(&addresses));
    for number in 0..40 {
        // Every fourth question is a cache miss at the forwarder.
        let slow = number % 4 == 3;
        lab.net.link(addresses[0], Link::of(if slow { 5 * RTT } else { RTT }));
        time(&lab, &format!("n{number}.many.com")).await;
    }
    assert!(
        lab.count(Counter::UpstreamTcpReconnected) <= 3,
        "{}",
        lab.count(Counter::UpstreamTcpReconnected)
    );
    assert!(lab.net.streams() <= 4, "{}", lab.net.streams());
}

#[tokio::test(start_paused = true)]
async fn a_datagram_sent_on_another_network_is_sent_anew_and_not_again() {
    let left = DEATH + ms(5);
    let link = Link { outages: vec![DEATH..left], ..Link::of(RTT) };
    let lab = Lab::frugal(many(1, |_| link.clone()));
    time(&lab, "n0.many.com").await;
    sleep(DEATH - lab.net.now()).await;
    lab.net.forget_sent();
    let moving = async {
        sleep(left - lab.net.now()).await;
        lab.net.renew();
        lab.worker.shared().notify(Event::NetworkChanged);
    };
    tokio::join!(time(&lab, "n1.many.com"), moving);
    let sent = lab.net.sent();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert!(sent[0].exchange != sent[1].exchange && sent[1].to.transport == Transport::Udp);
}
