#![allow(clippy::panic, reason = "a test that cannot go on must say so")]

use super::*;
use crate::SECOND_LOOPBACK;
use crate::descriptors::Descriptors;

#[tokio::test]
async fn strangers_are_not_heard() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    let query = Bytes::from_static(b"query");
    let mut exchange = UdpExchange::new(to, query, Random::seeded(1), Spares::default());
    let answer = async {
        let mut buffer = [0; 64];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], b"query");
        stranger.send_to(b"forged", from).await.unwrap();
        server.send_to(b"answer", from).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(exchange.receive(), answer);
    assert_eq!(outcome, ExchangeEvent::Message(Bytes::from_static(b"answer")));
}

#[tokio::test]
async fn a_closed_port_is_told_at_once() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut exchange =
        UdpExchange::new(closed, Bytes::from_static(b"q"), Random::seeded(2), Spares::default());
    assert_eq!(exchange.receive().await, ExchangeEvent::Advisory(NetworkError::Refused));
}

#[tokio::test]
async fn a_reply_is_heard_after_word_that_there_will_be_none() {
    let to = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let spares = Spares::default();
    let query = Bytes::from_static(b"q");
    let mut exchange = UdpExchange::new(to, query.clone(), Random::seeded(2), spares.clone());
    assert_eq!(exchange.receive().await, ExchangeEvent::Advisory(NetworkError::Refused));
    let server = UdpSocket::bind(to).await.unwrap();
    exchange.resend(query);
    let (_, from) = server.recv_from(&mut [0; 64]).await.unwrap();
    server.send_to(b"answer", from).await.unwrap();
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(Bytes::from_static(b"answer")));
    drop(exchange);
    assert_eq!(spares.len(), 0, "more may yet come");
}

#[tokio::test]
async fn a_port_to_which_strangers_write_serves_no_other_query() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    let spares = Spares::default();
    let query = Bytes::from_static(b"q");
    let mut exchange = UdpExchange::new(to, query, Random::seeded(2), spares.clone());
    let answer = async {
        let (_, from) = server.recv_from(&mut [0; 64]).await.unwrap();
        server.send_to(b"forged", from).await.unwrap();
        server.send_to(b"answer", from).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(exchange.receive(), answer);
    assert_eq!(outcome, ExchangeEvent::Message(Bytes::from_static(b"forged")));
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(Bytes::from_static(b"answer")));
    drop(exchange);
    assert_eq!(spares.len(), 0);
}

/// A server replying with the sender's port.
async fn mirror(server: UdpSocket) {
    let mut buffer = [0; 64];
    loop {
        let (_, from) = server.recv_from(&mut buffer).await.unwrap();
        server.send_to(&from.port().to_be_bytes(), from).await.unwrap();
    }
}

/// The source port of a query.
async fn asked(to: SocketAddr, random: &Random, spares: &Spares) -> u16 {
    let query = Bytes::from_static(b"query");
    let mut exchange = UdpExchange::new(to, query, random.clone(), spares.clone());
    let ExchangeEvent::Message(port) = exchange.receive().await else { panic!("no answer") };
    u16::from_be_bytes([port[0], port[1]])
}

#[tokio::test]
async fn a_port_serves_few_queries_and_one_server() {
    let (one, other) = (UdpSocket::bind("127.0.0.1:0").await, UdpSocket::bind("127.0.0.1:0").await);
    let (one, other) = (one.unwrap(), other.unwrap());
    let (to, to_other) = (one.local_addr().unwrap(), other.local_addr().unwrap());
    tokio::spawn(mirror(one));
    tokio::spawn(mirror(other));
    let (random, spares) = (Random::seeded(5), Spares::default());
    let mut ports = Vec::new();
    for _ in 0..3 * spares::USES {
        ports.push(asked(to, &random, &spares).await);
    }
    let runs: Vec<&[u16]> = ports.chunk_by(|one, next| one == next).collect();
    assert!(runs.iter().all(|run| run.len() == usize::from(spares::USES)), "{ports:?}");
    asked(to, &random, &spares).await;
    let last = asked(to, &random, &spares).await;
    assert_ne!(asked(to_other, &random, &spares).await, last, "another server's");
    assert_eq!(asked(to, &random, &spares).await, last, "its own");
    tokio::time::pause();
    tokio::time::advance(spares::LIFETIME).await;
    assert_ne!(asked(to, &random, &spares).await, last, "too old");
}

#[tokio::test]
async fn what_comes_late_is_never_taken_for_an_answer() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    let (random, spares) = (Random::seeded(5), Spares::default());
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let query = Bytes::from_static(b"query");
    let unheard = silent.local_addr().unwrap();
    let mut unanswered = UdpExchange::new(unheard, query, random.clone(), spares.clone());
    tokio::select! {
        biased;
        _ = unanswered.receive() => panic!("nobody answers"),
        _ = silent.readable() => {}
    }
    drop(unanswered);
    assert_eq!(spares.len(), 0, "its answer may yet come");
    let twice = async {
        let mut buffer = [0; 64];
        let (_, first) = server.recv_from(&mut buffer).await.unwrap();
        server.send_to(b"11", first).await.unwrap();
        server.send_to(b"late", first).await.unwrap();
        first.port()
    };
    let (_, port) = tokio::join!(asked(to, &random, &spares), twice);
    tokio::spawn(mirror(server));
    assert_ne!(asked(to, &random, &spares).await, port);
}

#[tokio::test]
async fn few_sockets_are_kept() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    tokio::spawn(mirror(server));
    let (random, spares) = (Random::seeded(5), Spares::default());
    let query = || Bytes::from_static(b"query");
    let new = || UdpExchange::new(to, query(), random.clone(), spares.clone());
    let mut exchanges: Vec<UdpExchange> = (0..spares::KEPT + 9).map(|_| new()).collect();
    for exchange in &mut exchanges {
        exchange.receive().await;
    }
    assert_eq!(spares.len(), 0, "they are in use");
    drop(exchanges);
    assert_eq!(spares.len(), spares::KEPT);
}

/// The kernel's error after a router, or an attacker, reports that a query did not fit.
#[test]
fn a_query_that_does_not_fit_says_nothing_of_the_server() {
    let error = io::Error::from(Errno::MSGSIZE);
    assert_eq!(failure::classify(&error), NetworkError::NoSocket);
}

#[tokio::test]
async fn a_query_leaves_from_the_address_that_it_shall() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    for (from, seen) in [(SECOND_LOOPBACK, Some(SECOND_LOOPBACK)), ("0.0.0.0", Some("127.0.0.1"))] {
        let query = Bytes::from_static(b"query");
        let exchange = UdpExchange::new(to, query, Random::seeded(1), Spares::default());
        let mut exchange = exchange.from(from.parse().unwrap(), Carrier::Any);
        let answer = async {
            let (_, from) = server.recv_from(&mut [0; 64]).await.unwrap();
            server.send_to(b"answer", from).await.unwrap();
            from.ip().to_string()
        };
        let (outcome, from) = tokio::join!(exchange.receive(), answer);
        assert_eq!(outcome, ExchangeEvent::Message(Bytes::from_static(b"answer")));
        assert_eq!(Some(from.as_str()), seen);
    }
    // A source address that this machine lacks says nothing about the server.
    let query = Bytes::from_static(b"query");
    let exchange = UdpExchange::new(to, query, Random::seeded(1), Spares::default());
    let outcome = exchange.from("192.0.2.77".parse().unwrap(), Carrier::Any).receive().await;
    assert_eq!(outcome, ExchangeEvent::Failed(NetworkError::NoSocket));
}

#[tokio::test]
async fn a_query_is_sent_again_from_its_socket_which_is_not_kept() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    let spares = Spares::default();
    let mut exchange =
        UdpExchange::new(to, Bytes::from_static(b"first"), Random::seeded(7), spares.clone());
    let mut buffer = [0; 64];
    let (length, first) = tokio::select! {
        biased;
        _ = exchange.receive() => panic!("nobody answers"),
        received = server.recv_from(&mut buffer) => received.unwrap(),
    };
    assert_eq!(&buffer[..length], b"first");
    exchange.resend(Bytes::from_static(b"again"));
    let (length, second) = server.recv_from(&mut buffer).await.unwrap();
    assert_eq!((&buffer[..length], second), (&b"again"[..], first));
    server.send_to(b"answer", second).await.unwrap();
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(Bytes::from_static(b"answer")));
    drop(exchange);
    assert_eq!(spares.len(), 0, "another answer may yet come");
}

#[tokio::test]
async fn a_query_sent_again_before_it_was_sent_is_sent_once() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    let random = Random::seeded(8);
    let mut exchange =
        UdpExchange::new(to, Bytes::from_static(b"first"), random, Spares::default());
    exchange.resend(Bytes::from_static(b"plain"));
    let answer = async {
        let mut buffer = [0; 64];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], b"plain");
        server.send_to(b"answer", from).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(exchange.receive(), answer);
    assert_eq!(outcome, ExchangeEvent::Message(Bytes::from_static(b"answer")));
    assert!(server.try_recv_from(&mut [0; 64]).is_err());
}

#[tokio::test]
async fn a_port_found_closed_when_a_query_is_sent_again_is_told() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    let random = Random::seeded(9);
    let mut exchange = UdpExchange::new(to, Bytes::from_static(b"q"), random, Spares::default());
    tokio::select! {
        biased;
        _ = exchange.receive() => panic!("nobody answers"),
        _ = server.readable() => {}
    }
    drop(server);
    exchange.resend(Bytes::from_static(b"q"));
    assert_eq!(exchange.receive().await, ExchangeEvent::Advisory(NetworkError::Refused));
}

#[tokio::test]
async fn elsewhere_no_socket_is_used_that_was_opened_before() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    tokio::spawn(mirror(server));
    let (random, spares) = (Random::seeded(3), Spares::default());
    let under_way = || {
        let query = Bytes::from_static(b"query");
        UdpExchange::new(to, query, random.clone(), spares.clone())
    };
    let mut before = under_way();
    assert!(matches!(before.receive().await, ExchangeEvent::Message(_)));
    asked(to, &random, &spares).await;
    assert_eq!(spares.len(), 1);
    spares.renew();
    assert_eq!(spares.len(), 0);
    drop(before);
    assert_eq!(spares.len(), 0, "it was answered before");
    asked(to, &random, &spares).await;
    assert_eq!(spares.len(), 1);
}

#[tokio::test]
async fn no_socket_is_kept_while_queries_wait_for_one() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    tokio::spawn(mirror(server));
    let (random, spares) = (Random::seeded(5), Spares::default());
    let descriptors = Descriptors::new(4);
    descriptors.register(spares.keeper());
    let asked = async || {
        let query = Bytes::from_static(b"query");
        let exchange = UdpExchange::new(to, query, random.clone(), spares.clone());
        let from = Ipv4Addr::UNSPECIFIED.into();
        let mut exchange = exchange.from(from, Carrier::New(descriptors.take().await));
        assert!(matches!(exchange.receive().await, ExchangeEvent::Message(_)));
        exchange
    };
    drop(asked().await);
    assert_eq!(spares.len(), 1);
    let others: Vec<_> = std::iter::from_fn(|| descriptors.try_take()).collect();
    assert_eq!(others.len(), 2, "what is kept has the third");
    let last = asked().await;
    assert_eq!(spares.len(), 0, "it gave way");
    let mut waiting = std::pin::pin!(descriptors.take());
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("none is left"),
        () = std::future::ready(()) => {}
    }
    drop(last);
    assert_eq!(spares.len(), 0);
    waiting.await;
}
