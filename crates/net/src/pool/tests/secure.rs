//! Connections within TLS, against a server of rustls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncWriteExt;
use tokio_rustls::server::TlsStream;
use zoners_dns::{Counter, IdentityFault, IdentityId, ServerIdentity};

use super::certified::{Certified, serve_within_tls, trusting};
use super::*;
use crate::stream::put_message;

/// A server that returns each message, and closes each connection after some messages.
struct TlsEcho {
    address: SocketAddr,
    certificate: String,
    connections: Arc<AtomicUsize>,
}

async fn echo(messages: usize) -> TlsEcho {
    let Certified { config, pem, .. } = Certified::new(&[]);
    let serve = move |stream| return_messages(stream, messages);
    let (address, connections) = serve_within_tls(config, serve).await;
    TlsEcho { address, certificate: pem, connections }
}

async fn return_messages(mut stream: TlsStream<TcpStream>, messages: usize) {
    let account = Held::new(usize::MAX).account();
    for _ in 0..messages {
        let Ok(message) = read_message(&mut stream, &account).await else { return };
        let mut framed = Vec::new();
        assert!(put_message(&mut framed, &message));
        stream.write_all(&framed).await.unwrap();
        stream.flush().await.unwrap();
    }
}

impl TlsEcho {
    fn named(&self, name: &str) -> Endpoint {
        let identity = ServerIdentity { name: name.to_owned(), ..ServerIdentity::default() };
        let identity = IdentityId::intern(identity).unwrap();
        Endpoint::new(self.address, Transport::Tls).identified(identity)
    }

    fn pool(&self) -> Pool {
        trusting(&self.certificate)
    }
}

#[tokio::test]
async fn queries_share_a_connection_and_a_closed_one_is_resumed() {
    let server = echo(3).await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    for (id, connections) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)] {
        let reply = pool.send(to, query(id), None).receive().await;
        assert_eq!(reply, ExchangeEvent::Message(query(id)));
        assert_eq!(server.connections.load(Ordering::Relaxed), connections, "{id}");
    }
    assert_eq!(pool.counters.get(Counter::UpstreamTlsHandshakes), 2);
    assert_eq!(pool.counters.get(Counter::UpstreamTlsResumed), 1);
    // A server without an identity is another server, and so is the same server in clear.
    assert!(pool.has(to) && !pool.has(Endpoint { identity: None, ..to }));
    assert!(!pool.has(Endpoint::new(server.address, Transport::Tcp)));
}

#[tokio::test]
async fn queries_that_wait_for_the_handshake_go_out_together() {
    let server = echo(usize::MAX).await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    let mut queries: Vec<PooledExchange> =
        (1..9).map(|id| pool.send(to, query(id), None)).collect();
    for (id, exchange) in (1..9).zip(&mut queries) {
        assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(id)));
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_server_that_does_not_prove_its_name_gets_no_query() {
    let server = echo(usize::MAX).await;
    for (pool, to, fault) in [
        (server.pool(), server.named("other.example"), IdentityFault::WrongName),
        (pool(), server.named("dns.example"), IdentityFault::UnknownIssuer),
    ] {
        let reply = pool.send(to, query(1), None).receive().await;
        assert_eq!(reply, ExchangeEvent::Failed(NetworkError::Untrusted(fault)));
        assert_eq!(pool.counters.get(Counter::UpstreamTlsHandshakes), 0);
    }
    let opportunistic = Endpoint::new(server.address, Transport::Tls);
    let reply = pool().send(opportunistic, query(1), None).receive().await;
    assert_eq!(reply, ExchangeEvent::Message(query(1)));
}

#[tokio::test]
async fn a_port_without_tls_is_told_from_a_closed_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tls);
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = read(&mut stream).await;
    });
    let failed = pool().send(to, query(1), None).receive().await;
    assert_eq!(failed, ExchangeEvent::Failed(NetworkError::Handshake));
    serving.await.unwrap();
    let failed = pool().send(to, query(1), None).receive().await;
    assert_eq!(failed, ExchangeEvent::Failed(NetworkError::Refused));
}
