//! Connections of DNS over HTTPS, against a server of rustls and h2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use http::{HeaderValue, Response, header};
use tokio_rustls::server::TlsStream;
use zoners_dns::{Counter, HttpFault, IdentityFault, IdentityId, ServerIdentity};

use super::certified::{Certified, serve_within_tls, trusting};
use super::*;
use crate::pool::connection::UNWRITTEN_IDENTIFIED;

/// A server that returns each query, and closes each connection after some requests.
struct HttpsEcho {
    address: SocketAddr,
    certificate: String,
    key_digest: [u8; 32],
    connections: Arc<AtomicUsize>,
}

async fn echo(protocols: &[&[u8]], requests: usize) -> HttpsEcho {
    let Certified { config, certificate, pem } = Certified::new(protocols);
    let parsed = rustls::server::ParsedCertificate::try_from(&certificate).unwrap();
    let provider = zoners_tls::provider();
    let mut hashes = provider.cipher_suites.iter().filter_map(|suite| suite.tls13());
    let sha256 = hashes.find(|suite| suite.common.hash_provider.output_len() == 32).unwrap();
    let digest = sha256.common.hash_provider.hash(&parsed.subject_public_key_info());
    let key_digest = digest.as_ref().try_into().unwrap();
    let serve = move |stream| return_queries(stream, requests);
    let (address, connections) = serve_within_tls(config, serve).await;
    HttpsEcho { address, certificate: pem, key_digest, connections }
}

async fn return_queries(stream: TlsStream<TcpStream>, requests: usize) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut taken = 0;
    while let Some(Ok((request, response))) = connection.accept().await {
        taken += 1;
        tokio::spawn(return_query(request.into_body(), response, taken));
        if taken == requests {
            connection.graceful_shutdown();
        }
    }
}

/// Returns the query of a request, which has a number on its connection. A query with the third octet `r` is refused,
/// and a query with `e` is refused as a request of even number.
async fn return_query(
    mut body: h2::RecvStream,
    mut response: h2::server::SendResponse<Bytes>,
    number: usize,
) {
    let mut query = BytesMut::new();
    while let Some(Ok(piece)) = body.data().await {
        query.extend_from_slice(&piece);
    }
    if query[2] == b'r' || query[2] == b'e' && number.is_multiple_of(2) {
        return response.send_reset(h2::Reason::REFUSED_STREAM);
    }
    let mut head = Response::new(());
    let message = HeaderValue::from_static("application/dns-message");
    head.headers_mut().insert(header::CONTENT_TYPE, message);
    if let Ok(mut stream) = response.send_response(head, false) {
        let _ = stream.send_data(query.freeze(), true);
    }
}

impl HttpsEcho {
    fn named(&self, name: &str) -> Endpoint {
        self.pinned(name, Vec::new())
    }

    fn pinned(&self, name: &str, pins: Vec<[u8; 32]>) -> Endpoint {
        let path = Some("/dns-query".to_owned());
        let identity = IdentityId::intern(ServerIdentity { name: name.to_owned(), pins, path });
        Endpoint::new(self.address, Transport::Https).identified(identity.unwrap())
    }

    fn pool(&self) -> Pool {
        trusting(&self.certificate)
    }
}

async fn ask(pool: &Pool, to: Endpoint, id: u8) -> ExchangeEvent {
    pool.send(to, query(id), None).receive().await
}

#[tokio::test]
async fn queries_share_a_connection_and_a_closed_one_is_resumed() {
    let server = echo(&[b"h2"], 3).await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    for (id, connections) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)] {
        assert_eq!(ask(&pool, to, id).await, ExchangeEvent::Message(query(id)));
        assert_eq!(server.connections.load(Ordering::Relaxed), connections, "{id}");
    }
    assert_eq!(pool.counters.get(Counter::UpstreamTlsHandshakes), 2);
    assert_eq!(pool.counters.get(Counter::UpstreamTlsResumed), 1);
    assert!(pool.has(to) && !pool.has(server.named("other.example")));
}

#[tokio::test]
async fn a_query_that_the_server_has_not_read_is_repeated_once_on_the_connection() {
    let server = echo(&[b"h2"], usize::MAX).await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    let [even, refused] = [b'e', b'r'].map(|conduct| Bytes::copy_from_slice(&[0, 7, conduct]));
    assert_eq!(ask(&pool, to, 1).await, ExchangeEvent::Message(query(1)));
    for repeated in 1..3 {
        let reply = pool.send(to, even.clone(), None).receive().await;
        assert_eq!(reply, ExchangeEvent::Message(even.clone()));
        assert_eq!(pool.counters.get(Counter::UpstreamRepeated), repeated);
    }
    let reply = pool.send(to, refused, None).receive().await;
    assert_eq!(reply, ExchangeEvent::Failed(NetworkError::Closed));
    assert_eq!(pool.counters.get(Counter::UpstreamRepeated), 3);
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn many_queries_are_under_way_on_one_connection() {
    let server = echo(&[b"h2"], usize::MAX).await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    for (queries, connections) in [(UNWRITTEN_IDENTIFIED, 1), (UNWRITTEN_IDENTIFIED + 1, 2)] {
        let ids = 0..queries as u8;
        let mut queries: Vec<_> = ids.map(|id| pool.send(to, query(id), None)).collect();
        for (id, exchange) in (0..).zip(&mut queries) {
            assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(id)));
        }
        assert_eq!(server.connections.load(Ordering::Relaxed), connections);
        pool.renew();
        server.connections.store(0, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_server_that_does_not_prove_its_identity_gets_no_query() {
    let server = echo(&[b"h2"], usize::MAX).await;
    for (pool, to, fault) in [
        (server.pool(), server.named("other.example"), IdentityFault::WrongName),
        (pool(), server.named("dns.example"), IdentityFault::UnknownIssuer),
        (pool(), server.pinned("dns.example", vec![[7; 32]]), IdentityFault::WrongKey),
    ] {
        let failed = ExchangeEvent::Failed(NetworkError::Untrusted(fault));
        assert_eq!(ask(&pool, to, 1).await, failed);
        assert_eq!(pool.counters.get(Counter::UpstreamTlsHandshakes), 0);
    }
    let to = server.pinned("dns.example", vec![server.key_digest]);
    assert_eq!(ask(&pool(), to, 1).await, ExchangeEvent::Message(query(1)));
}

#[tokio::test]
async fn a_server_without_http_2_gets_no_query() {
    for protocols in [&[][..], &[&b"http/1.1"[..]][..]] {
        let server = echo(protocols, usize::MAX).await;
        let failed = ExchangeEvent::Failed(NetworkError::Http(HttpFault::NoHttp2));
        assert_eq!(ask(&server.pool(), server.named("dns.example"), 1).await, failed);
    }
}

#[tokio::test]
async fn a_change_of_network_repeats_the_query_on_a_new_connection() {
    let server = echo(&[b"h2"], usize::MAX).await;
    let (pool, to) = (server.pool(), server.named("dns.example"));
    let mut exchange = pool.send(to, query(1), None);
    pool.renew();
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(1)));
}
