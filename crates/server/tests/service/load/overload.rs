//! Clients asking for more than the server can do.

use std::sync::Arc;
use std::time::Duration;

use crate::lab::{ServiceLab, asked, lab, lab_with, packet, with_options};
use tokio::task::JoinSet;
use zoners_dns::{Counter, Message, OptRcode, Rtype, Transport};
use zoners_server::Client;
use zoners_server::pipeline::Handled;
use zoners_sim::world::{COM_SERVERS, EXAMPLE_SERVERS, ROOT_SERVERS};
use zoners_sim::{Link, Manner};

#[tokio::test(start_paused = true)]
async fn one_client_cannot_take_all_the_waiting_places() {
    let lab = lab_with("[server]\nmax-waiting-per-client = 2\n");
    let client = |address: &str| Client::new(address.parse().unwrap(), Transport::Udp);
    let miss = |number: usize, address: &str| {
        let question = asked(&format!("n{number}.example.com"), Rtype::A);
        let mut reply = Vec::new();
        let packet = packet(&question, true);
        match lab.service.handle(&packet, client(address), lab.service.clock(), &mut reply) {
            Handled::Miss(miss) => Ok(miss),
            _ => Err(reply[3] & 0x0F),
        }
    };
    let waiting: Vec<_> = (0..2).map(|number| miss(number, "192.168.1.1").unwrap()).collect();
    assert_eq!(miss(2, "192.168.1.1").err(), Some(2), "SERVFAIL");
    let other = miss(2, "192.168.1.2");
    assert!(other.is_ok(), "others are served");
    let here: Vec<_> = (0..20).map(|number| miss(number, "127.0.0.1")).collect();
    assert!(here.iter().all(Result::is_ok), "an address that is certain gets ten times as many");
    assert!(miss(21, "127.0.0.1").is_err());
    assert_eq!(lab.service.rules().waiting(), 23);
    drop(waiting);
    assert!(miss(2, "192.168.1.1").is_ok(), "places are given back");
    assert_eq!(lab.count(Counter::ClientWaitingFull), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_places_are_bounded_in_all() {
    let lab = lab_with("[server]\nmax-waiting = 1\n");
    let question = |number: usize| asked(&format!("n{number}.example.com"), Rtype::A);
    let mut reply = Vec::new();
    let client = Client::local(Transport::Tcp);
    let clock = lab.service.clock();
    let first = lab.service.handle(&packet(&question(0), true), client, clock, &mut reply);
    assert!(matches!(first, Handled::Miss(_)));
    let second = lab.service.handle(&packet(&question(1), true), client, clock, &mut reply);
    assert!(matches!(second, Handled::Reply(_)) && reply[3] & 0x0F == 2);
}

#[tokio::test(start_paused = true)]
async fn who_asks_too_fast_from_afar_is_told_how_to_go_on() {
    let lab = lab_with("[server]\nallow = [\"0.0.0.0/0\"]\nqueries-per-second = 3\n");
    let afar = |transport| Client::new([198, 51, 100, 7].into(), transport);
    let question = asked("localhost", Rtype::A);
    let plain = packet(&question, true);
    for _ in 0..3 {
        let reply = lab.send_from(&plain, afar(Transport::Udp)).await.unwrap();
        assert_eq!(reply.answer.len(), 1);
    }
    let limited = lab.send_from(&plain, afar(Transport::Udp)).await.unwrap();
    assert!(limited.header.tc() && limited.answer.is_empty());
    let over_tcp = lab.send_from(&plain, afar(Transport::Tcp)).await.unwrap();
    assert_eq!(over_tcp.answer.len(), 1);
    // With a client cookie the query gets a server cookie, and with that an answer.
    let own = with_options(&question, &[&[0, 10, 0, 8][..], b"12345678"].concat());
    let offered = lab.send_from(&own, afar(Transport::Udp)).await.unwrap();
    assert_eq!(offered.rcode, OptRcode::BADCOOKIE);
    let cookie = offered.edns.unwrap().cookie.unwrap();
    let shown = with_options(&question, &[&[0, 10, 0, 24][..], &cookie].concat());
    let answered = lab.send_from(&shown, afar(Transport::Udp)).await.unwrap();
    assert_eq!(answered.answer.len(), 1);
    assert_eq!(lab.count(Counter::ClientRateLimited), 2);
}

/// The questions of a laptop on the LAN when a session with many pages is restored.
const AT_ONCE: usize = 342;

/// The servers on the way to `example.com.`, and its own.
fn servers() -> impl Iterator<Item = &'static str> {
    ROOT_SERVERS.into_iter().chain(COM_SERVERS).chain(EXAMPLE_SERVERS)
}

/// Asks for names at once from a LAN, over UDP, and counts the answers. `meanwhile` changes the
/// link.
async fn answered_at_once(lab: ServiceLab, meanwhile: impl Future<Output = ()>) -> usize {
    let client = Client::new([192, 168, 1, 7].into(), Transport::Udp);
    let service = Arc::new(lab.service);
    let mut queries = JoinSet::new();
    for number in 0..AT_ONCE {
        let packet = packet(&asked(&format!("n{number}.wild.example.com"), Rtype::A), true);
        let service = service.clone();
        queries.spawn(async move {
            let reply = service.answer(&packet, client).await?;
            Some(Message::parse(&reply.into()).unwrap()).filter(|reply| !reply.answer.is_empty())
        });
    }
    let (answers, ()) = tokio::join!(queries.join_all(), meanwhile);
    assert_eq!(service.worker().counters().get(Counter::ClientLate), 0);
    answers.iter().flatten().count()
}

#[tokio::test(start_paused = true)]
async fn a_client_nearby_that_asks_for_much_over_a_slow_line_gets_all_answers() {
    let lab = lab();
    for server in servers() {
        lab.net.link(server, Link::of(500));
    }
    assert_eq!(answered_at_once(lab, std::future::ready(())).await, AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn a_client_nearby_gets_all_answers_after_a_gap_in_the_line() {
    let lab = lab();
    // The network has let DNS pass before.
    lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
    let (net, cut) = (lab.net.clone(), Link::of(30).with(Manner::Dead));
    servers().for_each(|server| {
        net.link(server, cut.clone());
    });
    let back = async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        servers().for_each(|server| {
            net.link(server, Link::of(30));
        });
    };
    assert_eq!(answered_at_once(lab, back).await, AT_ONCE);
}

/// A query of a client takes `held` milliseconds while the client has `waiting` queries under way.
async fn held_back(held: u64, waiting: usize, client: Client) -> bool {
    let lab = lab_with("[server]\nallow = [\"0.0.0.0/0\"]\n");
    for address in ["203.0.114.1", "203.0.114.2"] {
        lab.net.link(address, Link::of(held));
    }
    let service = Arc::new(lab.service);
    let mut queries = tokio::task::JoinSet::new();
    for number in 0..waiting {
        let packet = packet(&asked(&format!("n{number}.example.com"), Rtype::A), true);
        let service = service.clone();
        queries.spawn(async move { service.answer(&packet, client).await.is_none() });
    }
    queries.join_next().await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn answers_are_not_held_back_for_a_burst_on_a_victim() {
    let client = |address: &str, transport| Client::new(address.parse().unwrap(), transport);
    let victim = client("198.51.100.7", Transport::Udp);
    assert!(held_back(2500, 65, victim).await, "many at once, late, in a name that may be forged");
    assert!(!held_back(2500, 64, victim).await, "few");
    assert!(!held_back(1000, 65, victim).await, "in time");
    assert!(!held_back(2500, 65, client("198.51.100.7", Transport::Tcp)).await, "over TCP");
    assert!(!held_back(2500, 65, client("127.0.0.1", Transport::Udp)).await, "this machine");
    assert!(!held_back(2500, 65, client("192.168.1.1", Transport::Udp)).await, "without a limit");
}

/// Water torture: random names in a zone whose servers do not answer. Cached names are answered at
/// once throughout; waiting queries are bounded and end.
#[tokio::test(start_paused = true)]
async fn a_flood_of_names_never_asked_leaves_cached_answers_alone() {
    const FLOOD: usize = 20_000;
    let lab = lab();
    let (net, service) = (lab.net, Arc::new(lab.service));
    let attacker = |number: usize| {
        Client::new([192, 168, (number >> 8) as u8 % 16, number as u8].into(), Transport::Udp)
    };
    let popular = packet(&asked("www.example.com", Rtype::A), true);
    service.answer(&popular, Client::local(Transport::Udp)).await;
    for address in ["203.0.114.1", "203.0.114.2"] {
        net.link(address, Link::of(20).with(Manner::Dead));
    }
    net.stop_recording();
    let limits = service.worker().settings().limits;
    let most = limits.pending.min(limits.questions_per_zone as usize);
    let (mut flood, mut reply, mut fullest) = (JoinSet::new(), Vec::new(), 0);
    for number in 0..FLOOD {
        let packet = packet(&asked(&format!("x{number}.example.com"), Rtype::A), true);
        match service.handle(&packet, attacker(number), service.clock(), &mut reply) {
            Handled::Miss(miss) => {
                let service = service.clone();
                flood.spawn(async move { service.recurse(miss, None).await });
            }
            Handled::Reply(_) | Handled::Nothing(_) => {}
        }
        if number % 100 == 0 {
            // Five thousand a second.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let handled = service.handle(
                &popular,
                Client::local(Transport::Udp),
                service.clock(),
                &mut reply,
            );
            assert!(matches!(handled, Handled::Reply(_)), "nothing to wait for");
            assert_eq!((reply[3] & 0x0F, reply[7]), (0, 1), "NOERROR, an address");
            assert!(service.worker().pending() <= most);
            fullest = fullest.max(service.worker().pending());
        }
    }
    flood.join_all().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!((service.worker().pending(), service.rules().waiting()), (0, 0));
    assert_eq!(fullest, most, "the flood was as much as one zone has room for");
}
