//! The values that queries show to their servers: cookies (RFC 7873), and the letter case of names.

use std::time::Duration;

use crate::common::{Lab, settings};
use tokio::time::Instant;
use zoners_dns::{Counter, QueryMode, Rtype, Transport};
use zoners_resolver::{Event, Settings};
use zoners_sim::{CookieHabit, Link, Manner, Sent, SimNetwork, Streams, world};

const ALONE: &str = "203.0.114.9";
const NAMES: usize = 9;

/// Alone.com on a server with this habit.
fn net(habit: CookieHabit) -> SimNetwork {
    let net = world::small(1);
    let com = "@ NS a.nic\na.nic A 192.5.6.1\nalone NS ns.alone\nns.alone A 203.0.114.9\n";
    net.zone("com", &["192.5.6.1", "192.5.6.2", "2001:503::1"], com);
    let mut names = String::from("@ NS ns\nns A 203.0.114.9\n");
    (0..NAMES).for_each(|number| names += &format!("n{number} A 203.0.113.{number}\n"));
    net.zone("alone.com", &[ALONE], &names);
    net.link(ALONE, Link::of(20).with(Manner::Cookies(habit)));
    net
}

fn lab(habit: CookieHabit, change: impl FnOnce(&mut Settings)) -> Lab {
    let mut settings = settings();
    settings.limits.probe_budget = 0;
    change(&mut settings);
    Lab::with(net(habit), settings)
}

/// The queries to the server of alone.com for a name, which gets its answer.
async fn ask(lab: &Lab, number: usize) -> Vec<Sent> {
    lab.net.forget_sent();
    let answer = lab.ask(&format!("n{number}.alone.com"), Rtype::A).await;
    assert!(answer.contains(&format!("203.0.113.{number}")), "{number}: {answer}");
    let mut sent = lab.net.sent();
    sent.retain(|sent| sent.to.address.ip().to_string() == ALONE);
    sent
}

#[tokio::test(start_paused = true)]
async fn each_server_is_shown_its_own_cookie_and_then_the_one_that_it_sent() {
    let lab = lab(CookieHabit::Sends, |_| {});
    let first = ask(&lab, 0).await;
    let own: Vec<usize> = first.iter().map(|sent| sent.cookie.len()).collect();
    assert_eq!(own, [8]);
    let second = ask(&lab, 1).await;
    assert_eq!(second.iter().map(|sent| sent.cookie.len()).collect::<Vec<_>>(), [24]);
    assert!(second[0].cookie.starts_with(&first[0].cookie));
    lab.net.forget_sent();
    lab.resolve("missing.net", Rtype::A).await.unwrap();
    assert!(lab.net.sent().iter().all(|sent| !sent.cookie.starts_with(&first[0].cookie)));
    // After a change of network, cookies are new.
    lab.worker.shared().notify(Event::NetworkChanged);
    let moved = ask(&lab, 2).await;
    assert_eq!(moved.iter().map(|sent| sent.cookie.len()).collect::<Vec<_>>(), [8]);
    assert_ne!(moved[0].cookie, first[0].cookie);
    assert_eq!(ask(&lab, 3).await[0].cookie.len(), 24);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_demands_its_cookie_is_shown_it() {
    let lab = lab(CookieHabit::Demands, |_| {});
    let lengths = |sent: &[Sent]| sent.iter().map(|sent| sent.cookie.len()).collect::<Vec<_>>();
    assert_eq!(lengths(&ask(&lab, 0).await), [8, 24]);
    assert_eq!(lab.count(Counter::UpstreamBadcookie), 1);
    assert_eq!(lengths(&ask(&lab, 1).await), [24]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_stand_cookies_is_asked_without() {
    for habit in [CookieHabit::Never, CookieHabit::Chokes, CookieHabit::Drops, CookieHabit::Foreign]
    {
        let lab = lab(habit, |_| {});
        for number in 0..NAMES - 1 {
            let started = Instant::now();
            let sent = ask(&lab, number).await;
            // Two attempts may meet the same.
            assert!(sent.len() <= 6, "{habit:?} {number}: {sent:#?}");
            assert!(sent.iter().all(|sent| sent.edns), "{habit:?}: signatures are lost without");
            assert!(started.elapsed() < Duration::from_millis(400), "{habit:?} {number}");
            if number >= 4 {
                let asked: Vec<_> = sent.iter().map(|sent| sent.cookie.len()).collect();
                assert_eq!(asked, [0], "{habit:?} {number}");
            }
        }
        // The server may be repaired.
        lab.clock.jump(Duration::from_secs(3601));
        let again = ask(&lab, NAMES - 1).await;
        assert!(!again[0].cookie.is_empty(), "{habit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_the_cookie_of_its_server_is_not_believed() {
    for streams in Streams::ALL {
        let lab = lab(CookieHabit::Sends, |_| {});
        ask(&lab, 0).await;
        let forged = Manner::Cookies(CookieHabit::Forged(streams));
        lab.net.link(ALONE, Link::of(20).with(forged));
        for number in 1..NAMES {
            let started = Instant::now();
            let sent = ask(&lab, number).await;
            assert!(started.elapsed() <= Duration::from_millis(20 + 50), "{streams:?}");
            let tcp = sent.iter().filter(|sent| sent.to.transport == Transport::Tcp).count();
            assert!(tcp <= 1, "{streams:?}: {sent:#?}");
        }
        assert!(lab.count(Counter::UpstreamUnauthenticated) > 0, "{streams:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sends_no_cookies_any_more_is_believed_again() {
    for manner in [Manner::Good, Manner::UdpOnly] {
        let lab = lab(CookieHabit::Sends, |_| {});
        ask(&lab, 0).await;
        lab.net.link(ALONE, Link::of(20).with(manner));
        let started = Instant::now();
        ask(&lab, 1).await;
        let unproven = lab.count(Counter::UpstreamUnauthenticated);
        assert!(unproven > 0, "{manner:?}");
        assert!(started.elapsed() < Duration::from_millis(700), "{:?}", started.elapsed());
        let next = ask(&lab, 2).await;
        assert_eq!(next.len(), 1, "{manner:?}: {next:#?}");
        assert_eq!(lab.count(Counter::UpstreamUnauthenticated), unproven, "{manner:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cookies_can_be_switched_off_and_forwarders_get_none() {
    let lab = lab(CookieHabit::Sends, |settings| settings.cookies = false);
    assert!(ask(&lab, 0).await.iter().all(|sent| sent.cookie.is_empty()));
    let forward = |settings: &mut Settings| {
        let mut route = settings.root.clone();
        route.zone = zoners_dns::name::parse("alone.com").unwrap();
        route.mode = QueryMode::Forward;
        route.servers.truncate(1);
        route.servers[0].addresses = vec![(ALONE.parse::<std::net::IpAddr>().unwrap(), 53).into()];
        settings.routes.push(route);
    };
    let lab = self::lab(CookieHabit::Sends, forward);
    for number in 0..2 {
        let sent = ask(&lab, number).await;
        assert!(sent.iter().all(|sent| sent.recursion_desired && sent.cookie.is_empty()));
    }
}

/// The names of alone.com in queries, as written.
fn written(sent: &[Sent]) -> Vec<String> {
    sent.iter().map(|sent| sent.question.name.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn letters_are_drawn_and_nobody_sees_them_but_the_server() {
    let lab = lab(CookieHabit::Sends, |settings| {
        (settings.randomise_case, settings.cookies) = (true, false);
    });
    let mut drawn = std::collections::BTreeSet::new();
    for number in 0..NAMES {
        drawn
            .extend(written(&ask(&lab, number).await).into_iter().map(|name| name[2..].to_owned()));
        let answer = lab.ask(&format!("n{number}.alone.com"), Rtype::A).await;
        assert!(answer.contains(&format!("n{number}.alone.com")), "{answer}");
    }
    assert!(drawn.len() > NAMES / 2, "{drawn:?}");
    let off = self::lab(CookieHabit::Sends, |_| {});
    assert_eq!(written(&ask(&off, 0).await), ["n0.alone.com"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_changes_the_letters_is_asked_as_it_is() {
    for streams in [true, false] {
        let lab = lab(CookieHabit::Sends, |settings| settings.randomise_case = true);
        lab.net.link(ALONE, Link::of(20).with(Manner::LowerCases { streams }));
        for number in 0..NAMES {
            let started = Instant::now();
            let sent = ask(&lab, number).await;
            assert!(started.elapsed() < Duration::from_millis(700), "{streams} {number}");
            let settled = number >= 3;
            assert_eq!(written(&sent).concat().to_lowercase() == written(&sent).concat(), settled);
            if settled {
                assert_eq!(sent.len(), 1, "{streams} {number}: {sent:#?}");
                assert_eq!(written(&sent), [format!("n{number}.alone.com")]);
            }
        }
        let other = lab.net.sent_to("192.5.6.1");
        assert_eq!(other, 0, "known by now");
    }
}
