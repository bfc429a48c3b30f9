//! Connections of DNS over QUIC, against our own listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use zoners_dns::{Counter, IdentityFault, IdentityId, ServerIdentity};

use super::certified::Certified;
use super::*;
use crate::datagrams::Peer;
use crate::pool::connection::{IDLE_ENCRYPTED, UNWRITTEN_IDENTIFIED};
use crate::quic::{Asked, CloseCode, Outbox, QuicServer, QuicTerms, Reception};

/// What a server has seen.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Handshake,
    Cancelled,
    /// The last connection has ended.
    Gone,
}

/// A listener. The third octet of a query says what happens: the query is returned (`q`), the stream is ended (`r`),
/// nothing is said (`n`), a long message is returned (`l`), the query is returned with junk behind (`j`), or the query
/// is returned and idle connections end (`c`).
pub(in crate::pool) struct QuicEcho {
    address: SocketAddr,
    certificate: String,
    seen: mpsc::UnboundedReceiver<Seen>,
}

pub(in crate::pool) async fn echo(protocol: &[u8]) -> QuicEcho {
    echo_with(protocol, |terms| terms).await
}

async fn echo_with(protocol: &[u8], change: impl FnOnce(QuicTerms) -> QuicTerms) -> QuicEcho {
    let Certified { config, pem, .. } = Certified::new(&[protocol]);
    let server = QuicServer::new(change(QuicTerms::new(Arc::new(config), 7).unwrap()));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (address, (tell, seen)) = (socket.local_addr().unwrap(), mpsc::unbounded_channel());
    tokio::spawn(serve(socket, server, tell));
    QuicEcho { address, certificate: pem, seen }
}

async fn serve(socket: UdpSocket, mut server: QuicServer, tell: mpsc::UnboundedSender<Seen>) {
    let (mut outbox, mut octets) = (Outbox::default(), vec![0; 2048]);
    let now = || Instant::now().into_std();
    let mut connections = 0;
    loop {
        let deadline = server.deadline().map_or(Instant::now() + HOUR, Instant::from_std);
        tokio::select! {
            received = socket.recv_from(&mut octets) => {
                let (length, address) = received.unwrap();
                let peer = Peer { address, ours: None };
                let receives = |_| Reception::Served;
                server.receive(now(), peer, &octets[..length], receives, &mut outbox);
            }
            () = tokio::time::sleep_until(deadline) => server.expire(now()),
        }
        server.read(now());
        let (mut is_leaving, mut junk) = (false, 0);
        while let Some(query) = server.next_query() {
            let Asked::Message(octets) = query.asked else { continue };
            match octets.get(2) {
                Some(b'r') => server.give_up(query.stream, CloseCode::InternalError),
                Some(b'n') => {}
                Some(b'l') => {
                    server.answer(query.stream, &[&[0xFF, 0xFF][..], &[0; 65_535]].concat())
                }
                conduct => {
                    is_leaving |= conduct == Some(&b'c');
                    junk += JUNK * usize::from(conduct == Some(&b'j'));
                    let length = (octets.len() as u16).to_be_bytes();
                    server.answer(query.stream, &[&length, &octets[..]].concat());
                }
            }
        }
        server.transmit(now(), &mut outbox);
        if is_leaving {
            server.close_idle(now());
            server.transmit(now(), &mut outbox);
        }
        for (datagram, peer) in outbox.datagrams() {
            socket.send_to(datagram, peer.address).await.unwrap();
        }
        if let Some((_, peer)) = outbox.datagrams().first() {
            for _ in 0..junk {
                socket.send_to(b"junk", peer.address).await.unwrap();
            }
        }
        outbox.clear();
        let handshakes = server.counted().filter(|it| *it == Counter::ClientQuicHandshakes).count();
        (0..handshakes).for_each(|_| _ = tell.send(Seen::Handshake));
        let before = std::mem::replace(&mut connections, server.connections());
        if before > 0 && connections == 0 {
            let _ = tell.send(Seen::Gone);
        }
        while server.next_cancelled().is_some() {
            let _ = tell.send(Seen::Cancelled);
        }
    }
}

/// Datagrams of junk behind a reply: more than are read in a turn.
const JUNK: usize = 100;
const HOUR: Duration = Duration::from_secs(3600);

impl QuicEcho {
    pub(in crate::pool) fn named(&self, name: &str) -> Endpoint {
        self.pinned(name, Vec::new())
    }

    /// The trust in the certificate.
    pub(in crate::pool) fn trust(&self) -> ClientTls {
        ClientTls::with_authorities(self.certificate.as_bytes()).unwrap()
    }

    fn pinned(&self, name: &str, pins: Vec<[u8; 32]>) -> Endpoint {
        over_quic(self.address, name, pins)
    }

    fn pool(&self) -> Pool {
        let pool = pool();
        pool.set_tls(self.trust());
        pool
    }

    /// The handshakes since the last look.
    fn handshakes(&mut self) -> usize {
        std::iter::from_fn(|| self.seen.try_recv().ok()).filter(|it| *it == Seen::Handshake).count()
    }
}

fn over_quic(address: SocketAddr, name: &str, pins: Vec<[u8; 32]>) -> Endpoint {
    let identity = ServerIdentity { name: name.to_owned(), pins, path: None };
    Endpoint::new(address, Transport::Quic).identified(IdentityId::intern(identity).unwrap())
}

fn asking(id: u8, conduct: u8) -> Bytes {
    Bytes::copy_from_slice(&[0, id, conduct])
}

async fn ask(pool: &Pool, to: Endpoint, id: u8, conduct: u8) -> ExchangeEvent {
    pool.send(to, asking(id, conduct), None).receive().await
}

#[tokio::test]
async fn queries_share_a_connection_and_keep_their_ids() {
    let mut server = echo(b"doq").await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    for id in 1..5 {
        assert_eq!(ask(&pool, to, id, b'q').await, ExchangeEvent::Message(query(id)));
    }
    assert_eq!(server.handshakes(), 1);
    assert_eq!(pool.counters.get(Counter::UpstreamTlsHandshakes), 1);
    // The server allows 64 streams.
    let ids = 0..UNWRITTEN_IDENTIFIED as u8;
    let mut queries: Vec<_> = ids.map(|id| pool.send(to, query(id), None)).collect();
    for (id, exchange) in (0..).zip(&mut queries) {
        assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(id)));
    }
    assert_eq!(server.handshakes(), 0);
}

#[tokio::test]
async fn a_stream_without_a_reply_ends_its_query_alone() {
    let server = echo(b"doq").await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    let closed = ExchangeEvent::Failed(NetworkError::Closed);
    assert_eq!(ask(&pool, to, 1, b'r').await, closed);
    assert_eq!(ask(&pool, to, 2, b'q').await, ExchangeEvent::Message(query(2)));
    assert_eq!(pool.counters.get(Counter::UpstreamTlsHandshakes), 1);
}

#[tokio::test]
async fn an_ended_stream_fails_its_query_and_keeps_the_connection() {
    let mut server = echo(b"doq").await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    for id in 1..5 {
        assert_eq!(ask(&pool, to, id, b'q').await, ExchangeEvent::Message(query(id)));
        let closed = ExchangeEvent::Failed(NetworkError::Closed);
        assert_eq!(ask(&pool, to, id, b'r').await, closed);
    }
    assert_eq!(server.handshakes(), 1);
}

#[tokio::test]
async fn queries_of_one_id_share_a_connection() {
    let mut server = echo(b"doq").await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    let conducts = [b'x', b'y', b'z'];
    let mut queries = conducts.map(|conduct| pool.send(to, asking(7, conduct), None));
    for (exchange, conduct) in queries.iter_mut().zip(conducts) {
        assert_eq!(exchange.receive().await, ExchangeEvent::Message(asking(7, conduct)));
    }
    assert_eq!(server.handshakes(), 1);
}

#[tokio::test]
async fn a_query_that_is_given_up_is_cancelled() {
    let mut server = echo(b"doq").await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    assert_eq!(ask(&pool, to, 1, b'q').await, ExchangeEvent::Message(query(1)));
    let given_up = pool.send(to, asking(2, b'n'), None);
    assert_eq!(ask(&pool, to, 3, b'q').await, ExchangeEvent::Message(query(3)));
    drop(given_up);
    while server.seen.recv().await.unwrap() != Seen::Cancelled {}
}

#[tokio::test]
async fn a_connection_that_holds_too_much_is_given_up() {
    let server = echo(b"doq").await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    let long = Bytes::from([&[0, 1][..], &[0; 65_533]].concat());
    // Without the octets in the message of a failure.
    assert!(ask(&pool, to, 1, b'l').await == ExchangeEvent::Message(long));
    let small = Pool { held: Held::new(20_000), ..server.pool() };
    let failed = ExchangeEvent::Failed(NetworkError::NoSocket);
    assert_eq!(ask(&small, to, 1, b'l').await, failed);
    assert_eq!(small.held.octets(), 0);
}

#[tokio::test]
async fn a_connection_without_queries_ends_after_the_idle_time_whatever_the_server_sends() {
    let pinging = |terms: QuicTerms| terms.pinging(IDLE_ENCRYPTED / 6);
    let mut server = echo_with(b"doq", pinging).await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    assert_eq!(ask(&pool, to, 1, b'q').await, ExchangeEvent::Message(query(1)));
    tokio::time::pause();
    tokio::time::sleep(IDLE_ENCRYPTED - Duration::from_secs(1)).await;
    assert!(pool.has(to));
    assert_eq!(ask(&pool, to, 2, b'q').await, ExchangeEvent::Message(query(2)));
    tokio::time::sleep(IDLE_ENCRYPTED - Duration::from_secs(1)).await;
    assert!(pool.has(to), "a query begins the time anew");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!pool.has(to));
    assert_eq!(server.handshakes(), 1);
}

#[tokio::test]
async fn a_connection_that_takes_no_query_any_more_ends_after_its_last_reply() {
    let mut server = echo(b"doq").await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    let mut exchange = pool.send(to, query(1), None);
    pool.open.lock().close();
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(1)));
    while server.seen.recv().await.unwrap() != Seen::Gone {}
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_opened_anew() {
    let mut server = echo(b"doq").await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    for id in 1..4 {
        assert_eq!(ask(&pool, to, id, b'c').await, ExchangeEvent::Message(asking(id, b'c')));
    }
    assert!(server.handshakes() > 1);
    let mut exchange = pool.send(to, query(4), None);
    pool.renew();
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(4)), "elsewhere");
}

#[tokio::test]
async fn a_server_that_does_not_prove_its_identity_gets_no_query() {
    let server = echo(b"doq").await;
    for (pool, to, fault) in [
        (server.pool(), server.named("other.example"), IdentityFault::WrongName),
        (pool(), server.named("dns.example"), IdentityFault::UnknownIssuer),
        (pool(), server.pinned("dns.example", vec![[7; 32]]), IdentityFault::WrongKey),
    ] {
        let failed = ExchangeEvent::Failed(NetworkError::Untrusted(fault));
        assert_eq!(ask(&pool, to, 1, b'q').await, failed);
        assert_eq!(pool.counters.get(Counter::UpstreamTlsHandshakes), 0);
    }
    let other = echo(b"h3").await;
    let failed = ExchangeEvent::Failed(NetworkError::Handshake);
    assert_eq!(ask(&other.pool(), other.named("dns.example"), 1, b'q').await, failed);
}

#[tokio::test]
async fn a_closed_port_and_a_silent_server_are_told_apart() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = echo(b"doq").await;
    let to = over_quic(socket.local_addr().unwrap(), "dns.example", Vec::new());
    let pool = server.pool();
    let mut exchange = pool.send(to, query(1), None);
    let mut first = [0; 2048];
    // The first packet has come: from here on, nothing happens but time.
    tokio::select! { _ = socket.recv(&mut first) => {}, _ = exchange.receive() => panic!() }
    tokio::time::pause();
    let unreachable = ExchangeEvent::Failed(NetworkError::Unreachable);
    assert_eq!(exchange.receive().await, unreachable);
    tokio::time::resume();
    drop(socket);
    let refused = ExchangeEvent::Failed(NetworkError::Refused);
    assert_eq!(ask(&pool, to, 1, b'q').await, refused);
}
