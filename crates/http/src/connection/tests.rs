//! Connections in virtual time, at the edges of the limits.

use std::net::IpAddr;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::*;
use crate::connection_tls::TlsSource;
use crate::within_tls;
use crate::{HttpLimits, HttpReception, HttpResponse, Method, Route, StatusCode};

/// Octets that a side of a connection buffers.
const BUFFER: usize = 4096;
const LIMITS: HttpLimits = HttpLimits {
    connections: 3,
    client_connections: 2,
    strangers: 3,
    client_strangers: 2,
    head_octets: 300,
    fields: 4,
    head_time: Duration::from_secs(10),
    body_octets: 20,
    body_time: Duration::from_secs(10),
    write_time: Duration::from_secs(7),
    untaken_octets: 1000,
    requests: 3,
    handshake_time: Duration::from_secs(5),
    streams: 4,
    resets: 5,
};
const GET: &str = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
const GET_ONCE: &str = "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The client of a connection under test.
struct TestClient {
    stream: DuplexStream,
    events: mpsc::UnboundedReceiver<HttpEvent>,
    leaving: Option<watch::Sender<()>>,
    /// Lets the handler of `/wait` answer.
    go: Arc<Notify>,
    served: JoinHandle<()>,
}

fn routes(go: &Arc<Notify>) -> Vec<Route> {
    let go = go.clone();
    let long = "a".repeat(4 * BUFFER);
    vec![
        Route::new(Method::GET, "/hello", |_| async {
            HttpResponse::text(StatusCode::OK, "hello")
        }),
        Route::new(Method::POST, "/echo", |request| async {
            HttpResponse::new(StatusCode::OK, "text/plain", request.body)
        }),
        Route::new(Method::GET, "/long", move |_| {
            let long = long.clone();
            async move { HttpResponse::text(StatusCode::OK, &long) }
        }),
        Route::new(Method::GET, "/wait", move |_| {
            let go = go.clone();
            async move {
                go.notified().await;
                HttpResponse::text(StatusCode::OK, "waited")
            }
        }),
    ]
}

fn connect() -> TestClient {
    connect_within(None)
}

/// A connection, perhaps within TLS.
fn connect_within(tls: Option<Arc<ServerConfig>>) -> TestClient {
    let (stream, theirs) = duplex(BUFFER);
    let (observer, events) = mpsc::unbounded_channel();
    let (leaving, left) = watch::channel(());
    let go = Arc::<Notify>::default();
    let observer = move |event| {
        let _ = observer.send(event);
    };
    let site = HttpSite::new(routes(&go), LIMITS, Arc::new(Semaphore::new(9)), observer);
    let ends = ConnectionEnds {
        client: "127.0.0.1:1234".parse().unwrap(),
        client_names: Arc::default(),
        tls: None,
        local: "127.0.0.1".parse().unwrap(),
    };
    let site = Arc::new(site);
    let served = match tls {
        None => tokio::spawn(serve(theirs, ends, site, left)),
        Some(tls) => {
            let tls: TlsSource = Arc::new(move || Some(tls.clone()));
            tokio::spawn(within_tls::serve(theirs, ends, (site, tls), left))
        }
    };
    TestClient { stream, events, leaving: Some(leaving), go, served }
}

impl TestClient {
    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads to the end of the connection.
    async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        // A reset is an end, too.
        let _ = self.stream.read_to_end(&mut read).await;
        String::from_utf8(read).unwrap()
    }

    /// Reads until the text ends so.
    async fn until(&mut self, end: &str) -> String {
        let mut read = String::new();
        while !read.ends_with(end) {
            read.push(char::from(self.stream.read_u8().await.unwrap()));
        }
        read
    }

    /// The last event; requests are left out.
    async fn event(mut self) -> Option<HttpEvent> {
        drop(self.stream);
        self.served.await.unwrap();
        let mut last = None;
        while let Ok(event) = self.events.try_recv() {
            last = Some(event).filter(|event| *event != HttpEvent::Request).or(last);
        }
        last
    }
}

/// The response to a request that closes the connection.
async fn once(request: &str) -> (String, Option<HttpEvent>) {
    let mut client = connect();
    client.send(request).await;
    (client.rest().await, client.event().await)
}

fn with_head_of(octets: usize) -> String {
    let head = |filling: &str| {
        format!(
            "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: {filling}\r\n\r\n"
        )
    };
    head(&"x".repeat(octets - head("").len()))
}

#[tokio::test(start_paused = true)]
async fn requests_sent_together_are_answered_in_order_and_head_has_no_body() {
    let mut client = connect();
    client.send(&format!("{GET}{}", GET.replace("GET", "HEAD"))).await;
    let first = client.until("hello\n").await;
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    for field in ["content-type: text/plain", "cache-control: no-store", "nosniff"] {
        assert!(first.contains(field), "{first}");
    }
    let head = client.until("\r\n\r\n").await;
    assert!(head.contains("content-length: 6\r\n"), "{head}");
    client.send(GET).await;
    assert!(client.until("hello\n").await.starts_with("HTTP/1.1 200"), "no body came before");
    assert_eq!(client.event().await, None);
}

#[tokio::test(start_paused = true)]
async fn the_last_request_of_a_connection_closes_it() {
    let mut client = connect();
    client.send(&GET.repeat(LIMITS.requests + 1)).await;
    let all = client.rest().await;
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), LIMITS.requests, "{all}");
    assert_eq!(all.matches("connection: close").count(), 1, "{all}");
    assert_eq!(client.event().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_slowly_or_never_ends_the_connection() {
    for drips in [0, 1, 9] {
        let (mut client, begun) = (connect(), Instant::now());
        for octet in GET.chars().take(drips) {
            client.send(&octet.to_string()).await;
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(client.rest().await, "");
        assert_eq!(begun.elapsed().as_secs(), LIMITS.head_time.as_secs());
        assert_eq!(client.event().await, Some(HttpEvent::TimedOut), "{drips}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let (mut client, begun) = (connect(), Instant::now());
    client.send(GET).await;
    client.until("hello\n").await;
    assert_eq!(client.rest().await, "");
    assert_eq!(begun.elapsed().as_secs(), LIMITS.head_time.as_secs());
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_request_is_bounded() {
    let (whole, event) = once(&with_head_of(LIMITS.head_octets)).await;
    assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
    assert_eq!(event, None);
    let (long, event) = once(&with_head_of(LIMITS.head_octets + 1)).await;
    assert!(long.starts_with("HTTP/1.1 431"), "{long}");
    assert_eq!(event, Some(HttpEvent::Malformed));
    let with_fields = |count: usize| {
        GET_ONCE.replace("\r\n\r\n", &format!("{}\r\n\r\n", "\r\nA: b".repeat(count - 2)))
    };
    let (most, _) = once(&with_fields(LIMITS.fields)).await;
    assert!(most.starts_with("HTTP/1.1 200"), "{most}");
    let (more, event) = once(&with_fields(LIMITS.fields + 1)).await;
    assert!(more.starts_with("HTTP/1.1 431"), "{more}");
    assert_eq!(event, Some(HttpEvent::Malformed));
}

#[tokio::test(start_paused = true)]
async fn text_that_is_no_http_is_refused() {
    for text in ["\u{16}\u{3}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n"] {
        let (reply, event) = once(text).await;
        assert!(reply.starts_with("HTTP/1.1 400"), "{reply}");
        assert_eq!(event, Some(HttpEvent::Malformed));
    }
}

#[tokio::test(start_paused = true)]
async fn requests_without_a_route_get_a_reason() {
    let (reply, event) = once(&GET_ONCE.replace("/hello", "/secret")).await;
    assert!(reply.starts_with("HTTP/1.1 404") && reply.ends_with("has this path\n"), "{reply}");
    assert_eq!(event, Some(HttpEvent::Refused));
    let (reply, _) = once(&GET_ONCE.replace("GET", "DELETE")).await;
    assert!(reply.starts_with("HTTP/1.1 405") && reply.contains("allow: GET, HEAD\r\n"), "{reply}");
    let (reply, event) = once(&GET_ONCE.replace("localhost", "evil.example")).await;
    assert!(reply.starts_with("HTTP/1.1 421"), "{reply}");
    assert_eq!(event, Some(HttpEvent::Refused));
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_request_is_bounded() {
    let post = |fields: &str, body: &str| {
        format!(
            "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n\r\n{body}"
        )
    };
    let sized = |octets: usize| post(&format!("Content-Length: {octets}"), &"b".repeat(octets));
    let (most, event) = once(&sized(LIMITS.body_octets)).await;
    assert!(most.ends_with(&"b".repeat(LIMITS.body_octets)), "{most}");
    assert_eq!(event, None);
    let chunk = format!("{:x}\r\n{}\r\n", LIMITS.body_octets, "b".repeat(LIMITS.body_octets));
    let chunked = |chunks: &str| post("Transfer-Encoding: chunked", chunks);
    let (most, _) = once(&chunked(&format!("{chunk}0\r\n\r\n"))).await;
    assert!(most.starts_with("HTTP/1.1 200"), "{most}");
    for long in [sized(LIMITS.body_octets + 1), chunked(&format!("{chunk}1\r\nb\r\n0\r\n\r\n"))] {
        let (reply, event) = once(&long).await;
        assert!(reply.starts_with("HTTP/1.1 413"), "{reply}");
        assert!(reply.contains("connection: close"), "{reply}");
        assert_eq!(event, Some(HttpEvent::Refused));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_ends_the_connection() {
    let mut client = connect();
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc").await;
    let begun = Instant::now();
    let reply = client.rest().await;
    assert!(reply.starts_with("HTTP/1.1 408"), "{reply}");
    assert_eq!(begun.elapsed().as_secs(), LIMITS.body_time.as_secs());
    assert_eq!(client.event().await, Some(HttpEvent::Refused));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_a_response_is_disconnected() {
    let mut client = connect();
    client.send(&GET.replace("hello", "long")).await;
    let begun = Instant::now();
    (&mut client.served).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), LIMITS.write_time.as_secs());
    let mut events = Vec::new();
    while let Ok(event) = client.events.try_recv() {
        events.push(event);
    }
    assert_eq!(events, [HttpEvent::Request, HttpEvent::TimedOut]);
}

#[tokio::test(start_paused = true)]
async fn once_the_listener_is_left_the_request_under_way_is_answered_and_no_more() {
    let mut client = connect();
    client.send(&GET.replace("hello", "wait")).await;
    while client.events.recv().await != Some(HttpEvent::Request) {}
    client.leaving.take();
    client.go.notify_one();
    let reply = client.rest().await;
    assert!(reply.starts_with("HTTP/1.1 200") && reply.ends_with("waited\n"), "{reply}");
    let mut idle = connect();
    idle.leaving.take();
    assert_eq!(idle.rest().await, "");
}

#[test]
fn connections_are_bounded_in_all_of_a_client_and_by_descriptors() {
    let (observer, events) = std::sync::mpsc::channel();
    let observer = move |event| {
        let _ = observer.send(event);
    };
    let descriptors = Arc::new(Semaphore::new(4));
    let site = HttpSite::new(Vec::new(), LIMITS, descriptors.clone(), observer);
    let admit = |client: &str| site.admit(client.parse().unwrap());
    let mut shares = vec![admit("127.0.0.1"), admit("127.0.0.1")];
    assert!(admit("127.0.0.1").is_none(), "of one client");
    shares.push(admit("192.0.2.1"));
    assert!(shares.iter().all(Option::is_some));
    assert!(admit("192.0.2.2").is_none(), "of all clients");
    shares.clear();
    assert_eq!(descriptors.available_permits(), 4);
    let _taken = descriptors.try_acquire_many(4).unwrap();
    assert!(admit("192.0.2.2").is_none(), "no descriptor is left");
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [HttpEvent::ConnectionRefused; 3]);
}

#[test]
fn clients_that_are_not_served_have_few_connections_and_take_none_of_the_others() {
    let (observer, events) = std::sync::mpsc::channel();
    let observer = move |event| {
        let _ = observer.send(event);
    };
    let descriptors = Arc::new(Semaphore::new(9));
    let site = HttpSite::new(Vec::new(), LIMITS, descriptors, observer);
    let site = site.receiving(|client: IpAddr| match client.to_string().rsplit_once('.') {
        Some(("192.0.2", _)) => HttpReception::Served,
        Some(("198.51.100", _)) => HttpReception::Stranger,
        _ => HttpReception::Unheard,
    });
    let admit = |client: &str| site.admit(client.parse().unwrap());
    let mut strangers = vec![admit("198.51.100.1"), admit("198.51.100.1")];
    assert!(admit("198.51.100.1").is_none(), "of one client");
    strangers.push(admit("198.51.100.2"));
    assert!(strangers.iter().all(Option::is_some));
    assert!(admit("198.51.100.3").is_none(), "of all that are not served");
    let served = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(admit);
    assert!(served.iter().all(Option::is_some), "as many as ever");
    assert!(admit("203.0.113.1").is_none(), "no reply");
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [HttpEvent::ConnectionRefused; 3]);
    strangers.clear();
    assert!(admit("198.51.100.3").is_some());
}

/// TLS with the certificate of the tests.
pub(crate) fn tls() -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("../../tests/tls/server.pem"));
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../tests/tls/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(config.with_single_cert(chain, key).unwrap())
}

#[tokio::test(start_paused = true)]
async fn within_tls_a_handshake_has_its_time_and_plain_http_gets_nothing() {
    let mut plain = connect_within(Some(tls()));
    plain.send(GET).await;
    let answer = plain.stream.read_u8().await.unwrap();
    assert_eq!(answer, 21, "an alert of TLS, and no HTTP");
    assert_eq!(plain.event().await, Some(HttpEvent::HandshakeFailed));
    let began = Instant::now();
    let mut silent = connect_within(Some(tls()));
    assert_eq!(silent.rest().await, "");
    assert_eq!(began.elapsed(), LIMITS.handshake_time);
    assert_eq!(silent.event().await, Some(HttpEvent::HandshakeTimedOut));
}
