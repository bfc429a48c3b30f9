//! Networks that refuse, reject or drop DNS queries to foreign servers.

use std::time::Duration;

use crate::common::cafe::cafe;
use crate::common::many::{ms, with_delegations};
use crate::common::signed::ask;
use crate::common::{Lab, question};
use tokio::time::{Instant, sleep};
use zoners_dns::{
    Checking, Delegation, DsStatus, EdeCode, Moment, NameServer, QueryMode, Rtype, Transport, name,
};
use zoners_resolver::{Event, Lack, Settings};
use zoners_resolver::{NetworkState, Obstacle};
use zoners_sim::world::COM_SERVERS;
use zoners_sim::{Link, Manner, Middlebox, SimNetwork};

const CLOSED: [(Middlebox, Obstacle, EdeCode); 4] = [
    (Middlebox::Refuses, Obstacle::Refused, EdeCode::NETWORK_ERROR),
    (Middlebox::Closes, Obstacle::Rejected, EdeCode::NETWORK_ERROR),
    (Middlebox::Unreachable, Obstacle::Rejected, EdeCode::NETWORK_ERROR),
    (Middlebox::Drops, Obstacle::Silent, EdeCode::NO_REACHABLE_AUTHORITY),
];

/// A resolver on a network with this middlebox, with an empty cache or with entries learned
/// elsewhere.
async fn arrived(middlebox: Middlebox, cold: bool) -> Lab {
    let (net, settings) = cafe();
    let lab = Lab::with(net, settings);
    if !cold {
        for name in ["www.site0.com", "www.example.com", "www.shop.com"] {
            assert!(ask(&lab, name, Rtype::A).await.is_ok());
        }
        assert_eq!(state(&lab), NetworkState::Open);
    }
    lab.net.interpose(middlebox);
    lab.worker.shared().notify(Event::NetworkChanged);
    lab
}

fn state(lab: &Lab) -> NetworkState {
    lab.worker.shared().network_state()
}

async fn timed(lab: &Lab, name: &str) -> (Duration, Result<(), zoners_resolver::Unresolved>) {
    let started = Instant::now();
    let answer = ask(lab, name, Rtype::A).await;
    (started.elapsed(), answer.map(drop))
}

#[tokio::test(start_paused = true)]
async fn after_the_first_failure_all_fail_soon_and_say_that_it_is_the_network() {
    for (middlebox, obstacle, code) in CLOSED {
        for cold in [true, false] {
            let what = format!("{middlebox:?} {cold}");
            let lab = arrived(middlebox, cold).await;
            let (_, first) = timed(&lab, "mail.site0.com").await;
            assert!(first.is_err());
            assert_eq!(state(&lab), NetworkState::Obstructed(obstacle), "{what}");
            for number in 0..9 {
                let (took, failed) = timed(&lab, &format!("mail.site{}.com", number + 1)).await;
                let ede = failed.unwrap_err().ede;
                assert!(took <= ms(1000), "{what}: {took:?}");
                assert_eq!((ede.code, ede.text.as_str()), (code, obstacle.says()), "{what}");
                sleep(ms(130)).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_names_the_network_too() {
    for (middlebox, obstacle, _) in CLOSED {
        let lab = arrived(middlebox, true).await;
        let (took, failed) = timed(&lab, "www.example.com").await;
        let ede = failed.unwrap_err().ede;
        assert_eq!(ede.text, obstacle.says(), "{middlebox:?} after {took:?}");
        assert!(took <= ms(3000), "{middlebox:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_word_that_comes_through_ends_it() {
    for (middlebox, ..) in CLOSED {
        for told in [false, true] {
            let lab = arrived(middlebox, false).await;
            for number in 0..4 {
                assert!(timed(&lab, &format!("mail.site{number}.com")).await.1.is_err());
                sleep(ms(700)).await;
            }
            lab.net.interpose(None);
            if told {
                lab.worker.shared().notify(Event::NetworkChanged);
            }
            let (opened, mut number) = (Instant::now(), 0);
            while timed(&lab, &format!("n{number}.site0.com")).await.1.is_err() {
                number += 1;
                sleep(ms(50)).await;
            }
            let took = opened.elapsed();
            let most = if told { ms(600) } else { ms(1700) };
            assert!(took <= most, "{middlebox:?} {told}: {took:?}");
            for number in 0..9 {
                let (took, answer) = timed(&lab, &format!("mail.site{number}.com")).await;
                assert!(answer.is_ok() && took <= ms(600), "{middlebox:?}: {took:?} {answer:?}");
            }
            assert_eq!(state(&lab), NetworkState::Open);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_sent_however_much_is_asked() {
    for (middlebox, ..) in CLOSED {
        let lab = arrived(middlebox, false).await;
        assert!(timed(&lab, "mail.site0.com").await.1.is_err());
        sleep(Duration::from_secs(5)).await;
        lab.net.forget_sent();
        let started = Instant::now();
        for number in 0..400 {
            let worker = lab.worker.clone();
            let question = question(&format!("n{number}.site{}.com", number % 10), Rtype::A);
            tokio::spawn(async move { worker.resolve(&question, None).await });
            sleep(ms(25)).await;
        }
        sleep(Duration::from_secs(3)).await;
        let seconds = started.elapsed().as_secs() as usize;
        let sent = lab.net.sent();
        let streams = sent.iter().filter(|sent| sent.to.transport == Transport::Tcp).count();
        // Three root servers each second, over UDP, once more if nothing comes, and then over TCP.
        assert!(sent.len() - streams <= 2 * 3 * seconds, "{middlebox:?}: {}", sent.len());
        assert!(streams <= 3 * seconds, "{middlebox:?}: {streams}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_given_at_once() {
    for (middlebox, ..) in CLOSED {
        let lab = arrived(middlebox, false).await;
        sleep(Duration::from_secs(400)).await;
        let stale = || async {
            let started = Instant::now();
            let question = question("www.site0.com", Rtype::A);
            let lack = Lack::Everything;
            let answer =
                lab.worker.resolve_for(None, &question, Checking::Enabled, lack, None).await;
            (answer.is_ok_and(|answer| answer.stale), started.elapsed())
        };
        let (given, took) = stale().await;
        assert!(given && took <= ms(1800), "{middlebox:?}: {took:?}");
        sleep(Duration::from_secs(3)).await;
        let (given, took) = stale().await;
        assert!(given && took <= ms(10), "{middlebox:?}: {took:?}");
    }
}

/// The router, which knows names of the house.
const ROUTER: &str = "192.168.1.1";

fn with_router() -> (SimNetwork, Settings) {
    let (net, mut settings) = cafe();
    net.zone("house", &[ROUTER], "printer A 192.168.1.7\n").near(ROUTER);
    settings.routes.push(route("house", QueryMode::Forward, ROUTER));
    settings.negative_anchors.push(name::parse("house").unwrap());
    (net, settings)
}

fn route(zone: &str, mode: QueryMode, server: &str) -> Delegation {
    let addresses = vec![format!("{server}:53").parse().unwrap()];
    Delegation {
        zone: name::parse(zone).unwrap(),
        mode,
        transport: Transport::Udp,
        servers: vec![NameServer::plain(name::root(), addresses)],
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}

#[tokio::test(start_paused = true)]
async fn zones_that_a_stub_delegates_to_servers_of_the_house_go_on() {
    const OTHER: &str = "192.168.1.2";
    let (net, mut settings) = cafe();
    let text = format!("sub NS ns.sub\nns.sub A {OTHER}\n");
    net.zone("house", &[ROUTER], &text).near(ROUTER);
    net.zone("sub.house", &[OTHER], "printer A 192.168.1.7\n").near(OTHER);
    settings.routes.push(route("house", QueryMode::Stub, ROUTER));
    // Configured servers are asked at any address.
    settings.routes.push(route("other", QueryMode::Stub, OTHER));
    settings.negative_anchors.push(name::parse("house").unwrap());
    let lab = Lab::with(net, settings);
    lab.net.interpose(Middlebox::Drops);
    assert!(timed(&lab, "www.site0.com").await.1.is_err());
    assert_eq!(state(&lab), NetworkState::Obstructed(Obstacle::Silent));
    let (took, printer) = timed(&lab, "printer.sub.house").await;
    assert!(printer.is_ok() && took <= ms(100), "{printer:?} {took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_house_has_goes_on_and_says_nothing_of_foreign_servers() {
    for (middlebox, obstacle, _) in CLOSED {
        let (net, settings) = with_router();
        let lab = Lab::with(net, settings);
        lab.net.interpose(middlebox);
        for number in 0..6 {
            let (took, printer) = timed(&lab, "printer.house").await;
            assert!(printer.is_ok() && took <= ms(60), "{middlebox:?}");
            let (took, failed) = timed(&lab, &format!("mail.site{number}.com")).await;
            assert!(failed.is_err() && (number == 0 || took <= ms(1000)), "{middlebox:?} {took:?}");
            sleep(Duration::from_secs(61)).await;
        }
        assert_eq!(state(&lab), NetworkState::Obstructed(obstacle), "{middlebox:?}");
        lab.net.link(ROUTER, Link::of(1).with(Manner::Dead));
        let failed = timed(&lab, "scanner.house").await.1.unwrap_err();
        assert_ne!(failed.ede.text, obstacle.says(), "that is the router's fault");
    }
}

#[tokio::test(start_paused = true)]
async fn zones_that_refuse_or_are_dead_are_no_network_that_does() {
    for manner in [Manner::Refuses, Manner::Dead, Manner::Closed, Manner::ServFail] {
        let mut text = String::new();
        for zone in 0..5 {
            for server in 0..4 {
                text += &format!("z{zone} NS n{server}.z{zone}\n");
                text += &format!("n{server}.z{zone} A 45.{zone}.{server}.1\n");
            }
        }
        let net = with_delegations(&text);
        for zone in 0..5 {
            for server in 0..4 {
                net.link(&format!("45.{zone}.{server}.1"), Link::of(20).with(manner));
            }
        }
        let lab = Lab::new(net);
        for round in 0..3 {
            for zone in 0..5 {
                let _ = timed(&lab, &format!("n{round}.z{zone}.com")).await;
                assert!(!matches!(state(&lab), NetworkState::Obstructed(_)), "{manner:?}");
                sleep(ms(400)).await;
            }
            // Only these servers have answered since.
            lab.worker.shared().notify(Event::NetworkChanged);
        }
        for address in COM_SERVERS {
            lab.net.link(address, Link::of(20).with(manner));
        }
        for number in 0..5 {
            let _ = timed(&lab, &format!("n{number}.com")).await;
            assert!(
                !matches!(state(&lab), NetworkState::Obstructed(_)),
                "{manner:?}: a top-level domain"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_datagrams_alone_are_blocked_streams_go_on() {
    for middlebox in [Middlebox::DropsDatagrams, Middlebox::ClosesDatagrams] {
        let lab = arrived(middlebox, true).await;
        for number in 0..10 {
            let (took, answer) = timed(&lab, &format!("mail.site{number}.com")).await;
            // ICMP port unreachable is attributed to each of few servers, and not to the network.
            let may_fail = middlebox == Middlebox::ClosesDatagrams;
            assert!(answer.is_ok() || may_fail, "{middlebox:?} {number}: {answer:?}, {took:?}");
            assert!(!matches!(state(&lab), NetworkState::Obstructed(_)), "{middlebox:?} {number}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_no_blockade_until_it_has_lasted() {
    let (net, settings) = cafe();
    let lab = Lab::with(net, settings);
    assert!(timed(&lab, "www.site0.com").await.1.is_ok());
    lab.net.interpose(Middlebox::Drops);
    let mut number = 0;
    while lab.net.now() < Duration::from_secs(55) {
        let _ = timed(&lab, &format!("n{number}.site0.com")).await;
        assert_eq!(state(&lab), NetworkState::Open, "{:?}", lab.net.now());
        number += 1;
    }
    while lab.net.now() < Duration::from_secs(90) {
        let _ = timed(&lab, &format!("n{number}.site0.com")).await;
        number += 1;
    }
    assert_eq!(state(&lab), NetworkState::Obstructed(Obstacle::Silent));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_named_where_a_limit_is_met_in_it() {
    let (net, settings) = cafe();
    let mut settings = settings;
    settings.limits.tcp = 1;
    let lab = Lab::with(net, settings);
    assert!(timed(&lab, "www.site0.com").await.1.is_ok());
    lab.net.interpose(Middlebox::Drops);
    let mut told = Vec::new();
    for number in 0..6 {
        told.push(timed(&lab, &format!("n{number}.example{number}.com")).await.1.unwrap_err().ede);
    }
    assert_eq!(state(&lab), NetworkState::Open);
    let last = told.last().unwrap();
    assert_eq!(last.text, Obstacle::Silent.says(), "{told:?}");
}
