//! Connections in virtual time, as good and bad clients have them.

use arc_swap::ArcSwap;
use hyper::client::conn::http2 as client;
use hyper::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::*;
use crate::connection::tests::tls;
use crate::connection_tls::{ConnectionTls, TlsSource};
use crate::{HostNames, HttpBody, HttpLimits, HttpResponse, Method, Route};
use std::time::Duration;
use tokio::time::Instant;

const IDLE: Duration = Duration::from_secs(30);
const STREAMS: u32 = 4;
const RESETS: usize = 5;
/// The beginning of every connection (RFC 9113 section 3.4), and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// `GET /hello` over HTTPS of the host `h`, compressed (RFC 7541).
const HEAD: &[u8] = b"\x82\x87\x44\x06/hello\x41\x01h";
/// Types and flags of frames (RFC 9113 section 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM_AND_HEADERS: u8 = 5;

struct Served {
    stream: DuplexStream,
    events: mpsc::UnboundedReceiver<HttpEvent>,
    leaving: watch::Sender<()>,
    go: Arc<Notify>,
    served: JoinHandle<()>,
}

fn connect() -> Served {
    connect_with(HttpLimits::default())
}

fn connect_with(limits: HttpLimits) -> Served {
    connect_within(None, limits)
}

/// A connection after the handshake of TLS, if there is any.
fn connect_within(tls: Option<Arc<ConnectionTls>>, limits: HttpLimits) -> Served {
    let go = Arc::<Notify>::default();
    let waiting = go.clone();
    let routes = vec![
        Route::new(Method::GET, "/hello", |_| async {
            HttpResponse::text(StatusCode::OK, "hello")
        }),
        Route::new(Method::GET, "/wait", move |_| {
            let go = waiting.clone();
            async move {
                go.notified().await;
                HttpResponse::text(StatusCode::OK, "waited")
            }
        }),
    ];
    let limits = HttpLimits {
        head_octets: 1000,
        head_time: IDLE,
        streams: STREAMS,
        resets: RESETS,
        ..limits
    };
    let (observer, events) = mpsc::unbounded_channel();
    let observer = move |event| {
        let _ = observer.send(event);
    };
    let site = HttpSite::new(routes, limits, Arc::new(Semaphore::new(9)), observer);
    site.rename(HostNames::any());
    let ends = ConnectionEnds {
        client: "127.0.0.1:1234".parse().unwrap(),
        client_names: Arc::default(),
        tls,
        local: "127.0.0.1".parse().unwrap(),
    };
    let (stream, theirs) = duplex(1 << 20);
    let (leaving, left) = watch::channel(());
    let served = tokio::spawn(serve(theirs, ends, Arc::new(site), left));
    Served { stream, events, leaving, go, served }
}

type Sender = client::SendRequest<HttpBody>;

/// A real client on the stream.
async fn requests(stream: DuplexStream) -> Sender {
    let handshake = client::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

fn get(path: &str) -> Request<HttpBody> {
    let uri = format!("https://dns.example{path}");
    Request::get(uri).body(HttpBody::default()).unwrap()
}

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

/// Whether the connection ends with a word of farewell, and its error code.
async fn farewell(mut served: Served) -> Option<u8> {
    let mut octets = Vec::new();
    let _ = served.stream.read_to_end(&mut octets).await;
    served.served.await.unwrap();
    let (mut rest, mut code) = (&octets[..], None);
    while let Some((head, after)) = rest.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (content, after) = after.split_at(length);
        code = if head[3] == GOAWAY { Some(content[7]) } else { code };
        rest = after;
    }
    code
}

#[tokio::test(start_paused = true)]
async fn a_request_does_not_wait_for_the_one_before() {
    let served = connect();
    let mut sender = requests(served.stream).await;
    let slow = tokio::spawn(sender.send_request(get("/wait")));
    let quick = sender.send_request(get("/hello")).await.unwrap();
    assert_eq!(quick.status(), StatusCode::OK);
    served.go.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(sender.send_request(get("/no")).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_and_one_with_a_request_under_way_is_not() {
    let mut served = connect();
    let mut sender = requests(served.stream).await;
    let began = Instant::now();
    let waiting = tokio::spawn(sender.send_request(get("/wait")));
    tokio::time::sleep(3 * IDLE).await;
    served.go.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::OK);
    served.served.await.unwrap();
    assert!(began.elapsed() >= 4 * IDLE && began.elapsed() <= 6 * IDLE, "{:?}", began.elapsed());
    assert_eq!(served.events.recv().await, Some(HttpEvent::Request));
    assert_eq!(served.events.recv().await, Some(HttpEvent::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_are_answered_when_the_listener_is_left() {
    let served = connect();
    let mut sender = requests(served.stream).await;
    let waiting = tokio::spawn(sender.send_request(get("/wait")));
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    drop(served.leaving);
    tokio::task::yield_now().await;
    served.go.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::OK);
    served.served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_with_the_first_request_under_another_configuration_of_tls() {
    let in_force = Arc::new(ArcSwap::from(tls()));
    let now = in_force.clone();
    let source: TlsSource = Arc::new(move || Some(now.load_full()));
    let own = ConnectionTls::new(in_force.load_full(), source);
    let served = connect_within(Some(Arc::new(own)), HttpLimits::default());
    let mut sender = requests(served.stream).await;
    let waiting = tokio::spawn(sender.send_request(get("/wait")));
    assert_eq!(sender.send_request(get("/hello")).await.unwrap().status(), StatusCode::OK);
    in_force.store(tls());
    let refused = sender.send_request(get("/hello")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::MISDIRECTED_REQUEST);
    served.go.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::OK, "asked before");
    served.served.await.unwrap();
    drop(served.leaving);
}

#[tokio::test(start_paused = true)]
async fn a_head_beyond_the_limit_is_refused() {
    let served = connect();
    let mut sender = requests(served.stream).await;
    let mut long = get("/hello");
    long.headers_mut().insert("x", "x".repeat(2000).parse().unwrap());
    let outcome = sender.send_request(long).await;
    let is_refused = outcome.is_ok_and(|response| response.status().as_u16() == 431);
    assert!(is_refused);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_begins_requests_and_resets_them_is_disconnected() {
    let mut served = connect();
    let pairs = (0..200u32).flat_map(|number| {
        let stream = 2 * number + 1;
        let begun = frame(HEADERS, END_STREAM_AND_HEADERS, stream, HEAD);
        [begun, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    });
    let octets: Vec<u8> = PREFACE.iter().copied().chain(pairs).collect();
    served.stream.write_all(&octets).await.unwrap();
    // ENHANCE_YOUR_CALM (RFC 9113 section 7).
    assert_eq!(farewell(served).await, Some(0x0B));
}

#[tokio::test(start_paused = true)]
async fn a_head_without_end_is_not_read_on() {
    let mut served = connect();
    let mut octets = [PREFACE, &frame(HEADERS, 0, 1, HEAD)].concat();
    for _ in 0..10_000 {
        octets.extend(frame(CONTINUATION, 0, 1, b"\x40\x01a\x01b"));
    }
    let _ = served.stream.write_all(&octets).await;
    assert!(farewell(served).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_disconnected() {
    let served = connect();
    let began = Instant::now();
    farewell(served).await;
    assert!(began.elapsed() >= IDLE && began.elapsed() <= IDLE + 2 * FINISH_TIME);
}

/// A real client that lets one octet of each response through.
async fn miserly(stream: DuplexStream) -> Sender {
    let mut builder = client::Builder::new(TokioExecutor::new());
    let handshake = builder.initial_stream_window_size(1).handshake(TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_response_is_disconnected() {
    let Served { stream, mut events, served, leaving, .. } = connect();
    let mut sender = miserly(stream).await;
    let response = sender.send_request(get("/hello")).await.unwrap();
    let ready = Instant::now();
    served.await.unwrap();
    let write_time = HttpLimits::default().write_time;
    let waited = ready.elapsed();
    assert!(waited >= write_time && waited <= 2 * write_time + FINISH_TIME, "{waited:?}");
    assert_eq!(events.recv().await, Some(HttpEvent::Request));
    assert_eq!(events.recv().await, Some(HttpEvent::TimedOut));
    drop((response, leaving));
}

#[tokio::test(start_paused = true)]
async fn octets_that_clients_leave_untaken_are_bounded() {
    // Room for two responses of six octets.
    let limits = HttpLimits { untaken_octets: 12, ..HttpLimits::default() };
    let Served { stream, mut events, served, leaving, .. } = connect_with(limits);
    let mut sender = miserly(stream).await;
    let begun = Instant::now();
    let mut responses = Vec::new();
    for _ in 0..2 {
        responses.push(sender.send_request(get("/hello")).await.unwrap());
    }
    assert!(!served.is_finished());
    assert!(sender.send_request(get("/hello")).await.is_err());
    served.await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "at once");
    let mut all = Vec::new();
    while let Ok(event) = events.try_recv() {
        all.push(event);
    }
    assert_eq!(all.last(), Some(&HttpEvent::UntakenClosed));
    drop((responses, leaving));
}
