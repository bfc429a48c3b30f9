//! Conversations with servers of HTTP/2, over memory and in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use h2::server::{self, SendResponse};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zoners_dns::{IdentityId, ServerIdentity, Transport};

use super::reply::MAX_BODY_OCTETS;
use super::*;
use crate::descriptors::Descriptors;
use crate::held::{Account, Held};
use crate::pool::connection::{Health, IDLE_ENCRYPTED, UNWRITTEN_IDENTIFIED, WaitingQueries};

/// The answer of a server to a request.
#[derive(Clone, Copy)]
enum Answer {
    /// A message of so many octets.
    Message(usize),
    Status(u16),
    ContentType(&'static str),
    /// A header field with a value of so many octets.
    Header(usize),
    /// A message with one record, of a TTL of 600 seconds, and this age.
    Aged(&'static str),
    /// The stream is reset, for this reason.
    Reset(Reason),
    Nothing,
}

/// What a server has seen.
#[derive(Default)]
struct Seen {
    requests: parking_lot::Mutex<Vec<(Request<()>, Bytes)>>,
    cancelled: AtomicUsize,
}

/// A client's end of a conversation.
struct Asker {
    queries: mpsc::Sender<(Bytes, oneshot::Sender<PooledReply>)>,
    seen: Arc<Seen>,
    held: Arc<Held>,
    ended: JoinHandle<Result<(), NetworkError>>,
}

fn endpoint(name: &str, port: u16, path: &str) -> Endpoint {
    let path = Some(path.to_owned());
    let identity = ServerIdentity { name: name.to_owned(), path, ..ServerIdentity::default() };
    let endpoint = Endpoint::new(([192, 0, 2, 1], port).into(), Transport::Https);
    endpoint.identified(IdentityId::intern(identity).unwrap())
}

/// A conversation with a server that may have so many streams, and answers each request so.
fn converse(streams: u32, answer: Answer) -> Asker {
    let (here, there) = duplex(1 << 20);
    let seen = Arc::<Seen>::default();
    tokio::spawn(serve(there, streams, answer, seen.clone()));
    converse_over(here, seen)
}

fn converse_over(stream: DuplexStream, seen: Arc<Seen>) -> Asker {
    let (queries, mut incoming) = mpsc::channel(UNWRITTEN_IDENTIFIED);
    let held = Held::new(usize::MAX);
    let account: Account = held.account();
    let ended = tokio::spawn(async move {
        let (waiting, health) = (WaitingQueries::default(), Health::new(Descriptors::new(8)));
        let conversation = Conversation {
            idle: IDLE_ENCRYPTED,
            queries: &mut incoming,
            waiting: &waiting,
            account: &account,
            health: &health,
        };
        let ended = conversation.run_https(stream, endpoint("dns.example", 443, "/q")).await;
        waiting.end(Ended::By(NetworkError::Closed));
        ended
    });
    Asker { queries, seen, held, ended }
}

async fn serve(stream: DuplexStream, streams: u32, answer: Answer, seen: Arc<Seen>) {
    let mut terms = server::Builder::new();
    terms.max_concurrent_streams(streams);
    let mut connection = terms.handshake::<_, Bytes>(stream).await.unwrap();
    while let Some(Ok((request, response))) = connection.accept().await {
        tokio::spawn(respond(request, response, answer, seen.clone()));
    }
}

async fn respond(
    request: Request<h2::RecvStream>,
    mut response: SendResponse<Bytes>,
    answer: Answer,
    seen: Arc<Seen>,
) {
    let (head, mut body) = request.into_parts();
    let mut query = BytesMut::new();
    while let Some(piece) = body.data().await {
        query.extend_from_slice(&piece.unwrap());
    }
    seen.requests.lock().push((Request::from_parts(head, ()), query.freeze()));
    let mut head = Response::new(());
    head.headers_mut().insert(header::CONTENT_TYPE, DNS_MESSAGE);
    let mut message = Vec::new();
    let octets = match answer {
        Answer::Message(octets) => octets,
        Answer::Aged(age) => {
            head.headers_mut().insert(header::AGE, HeaderValue::from_static(age));
            message.extend_from_slice(&[0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
            message.extend_from_slice(&[0, 0, 1, 0, 1, 0, 0, 2, 0x58, 0, 4, 192, 0, 2, 1]);
            message.len()
        }
        Answer::Status(status) => {
            *head.status_mut() = status.try_into().unwrap();
            12
        }
        Answer::ContentType(name) => {
            head.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(name));
            12
        }
        Answer::Header(octets) => {
            head.headers_mut().insert("x", "y".repeat(octets).try_into().unwrap());
            12
        }
        Answer::Reset(reason) => return response.send_reset(reason),
        Answer::Nothing => {
            let _ = poll_fn(|context| response.poll_reset(context)).await;
            seen.cancelled.fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    let mut stream = response.send_response(head, false).unwrap();
    message.resize(octets, 0);
    let _ = stream.send_data(message.into(), true);
}

impl Asker {
    /// A query with this ID.
    async fn send(&self, id: u16) -> oneshot::Receiver<PooledReply> {
        let (sender, reply) = oneshot::channel();
        let mut query = vec![0; 12];
        query[..2].copy_from_slice(&id.to_be_bytes());
        assert!(self.queries.send((query.into(), sender)).await.is_ok());
        reply
    }

    async fn ask(&self, id: u16) -> PooledReply {
        self.send(id).await.await.unwrap()
    }

    fn requests(&self) -> usize {
        self.seen.requests.lock().len()
    }
}

/// Ends once nothing can happen without a further query: virtual time goes on only then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn http(fault: HttpFault) -> PooledReply {
    Err(Ended::Alone(NetworkError::Http(fault)))
}

#[tokio::test(start_paused = true)]
async fn a_query_is_posted_with_id_0_and_its_reply_has_its_id() {
    let asker = converse(10, Answer::Message(12));
    let reply = asker.ask(0x1234).await.unwrap();
    assert_eq!(reply[..3], [0x12, 0x34, 0]);
    let (request, query) = asker.seen.requests.lock().remove(0);
    assert_eq!(query, [0; 12][..]);
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "https://dns.example/q");
    let fields: Vec<_> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let message = &b"application/dns-message"[..];
    let expected = [("content-type", message), ("accept", message), ("content-length", b"12")];
    assert_eq!(fields, expected, "nothing else is told of this machine");
}

#[test]
fn the_uri_has_the_proven_name_and_the_port() {
    for (name, port, uri) in [
        ("dns.example", 443, "https://dns.example/q?x"),
        ("dns.example", 8443, "https://dns.example:8443/q?x"),
        ("192.0.2.1", 443, "https://192.0.2.1/q?x"),
        ("2001:db8::1", 8443, "https://[2001:db8::1]:8443/q?x"),
    ] {
        assert_eq!(uri_of(endpoint(name, port, "/q?x")).unwrap(), uri);
    }
    assert_eq!(uri_of(Endpoint { identity: None, ..endpoint("x", 443, "/") }), None);
}

#[tokio::test(start_paused = true)]
async fn replies_that_are_no_dns_messages_are_named() {
    for (answer, fault) in [
        (Answer::Status(404), HttpFault::Status(404)),
        (Answer::Status(503), HttpFault::Status(503)),
        (Answer::Status(204), HttpFault::Status(204)),
        (Answer::ContentType("text/html"), HttpFault::ContentType),
        (Answer::ContentType("application/dns-message-x"), HttpFault::ContentType),
    ] {
        let asker = converse(10, answer);
        for id in [1, 2] {
            assert_eq!(asker.ask(id).await, http(fault), "and the connection goes on");
        }
    }
    let asker = converse(10, Answer::ContentType("Application/DNS-Message; charset=x"));
    assert!(asker.ask(1).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_age_of_a_reply_is_taken_from_its_ttls() {
    for (age, ttl) in [
        ("0", 600_u32),
        ("250", 350),
        ("600", 0),
        ("99999999999", 0),
        ("250, 9", 350),
        ("-1", 600),
        ("+1", 600),
        ("", 600),
        ("a while", 600),
    ] {
        let reply = converse(10, Answer::Aged(age)).ask(1).await.unwrap();
        assert_eq!(reply[17..21], ttl.to_be_bytes(), "{age}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_has_the_octets_of_a_message_at_most() {
    let asker = converse(10, Answer::Message(MAX_BODY_OCTETS));
    assert_eq!(asker.ask(1).await.unwrap().len(), MAX_BODY_OCTETS);
    assert_eq!(asker.held.octets(), 0);
    let asker = converse(10, Answer::Message(MAX_BODY_OCTETS + 1));
    assert_eq!(asker.ask(1).await, http(HttpFault::TooLong));
    assert_eq!(asker.held.octets(), 0);
}

#[tokio::test(start_paused = true)]
async fn header_fields_of_a_reply_have_a_limit() {
    // The names and values of `:status`, `content-type` and `x`, with 32 octets for each field.
    let others = (7 + 3) + (12 + 23) + 1 + 3 * 32;
    let room = MAX_HEADER_OCTETS as usize - others;
    assert!(converse(10, Answer::Header(room - 1)).ask(1).await.is_ok());
    let told = converse(10, Answer::Header(room)).ask(1).await;
    assert_eq!(told, http(HttpFault::Protocol));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_the_server_resets_is_closed_and_the_connection_goes_on() {
    for (reason, ended) in [
        (Reason::REFUSED_STREAM, Ended::Unread),
        (Reason::ENHANCE_YOUR_CALM, Ended::Alone(NetworkError::Closed)),
        (Reason::INTERNAL_ERROR, Ended::Alone(NetworkError::Closed)),
    ] {
        let asker = converse(10, Answer::Reset(reason));
        for id in [1, 2] {
            assert_eq!(asker.ask(id).await, Err(ended));
        }
        assert_eq!(asker.requests(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn queries_of_one_id_are_requests_of_their_own() {
    let asker = converse(10, Answer::Message(12));
    let replies = [asker.send(7).await, asker.send(7).await, asker.send(7).await];
    for reply in replies {
        assert_eq!(reply.await.unwrap().unwrap()[..2], [0, 7]);
    }
    assert_eq!(asker.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_server_says_how_many_streams_it_allows() {
    let asker = converse(1, Answer::Message(12));
    let mut replies = Vec::new();
    for id in 0..20 {
        replies.push(asker.send(id).await);
    }
    for (id, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.await.unwrap().unwrap()[1], id as u8);
    }
}

#[tokio::test(start_paused = true)]
async fn queries_under_way_have_a_limit_and_abandoned_ones_make_room() {
    let asker = converse(1000, Answer::Nothing);
    let mut replies = Vec::new();
    for id in 0..MAX_UNDER_WAY as u16 + 2 {
        replies.push(asker.send(id).await);
    }
    settle().await;
    assert_eq!(asker.requests(), MAX_UNDER_WAY);
    assert_eq!(asker.seen.cancelled.load(Ordering::Relaxed), 0);
    // An abandoned query is never sent.
    replies.remove(MAX_UNDER_WAY);
    replies.remove(7);
    settle().await;
    assert_eq!(asker.seen.cancelled.load(Ordering::Relaxed), 1, "the stream is cancelled");
    assert_eq!(asker.requests(), MAX_UNDER_WAY + 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_queries_ends_after_the_idle_time() {
    let asker = converse(10, Answer::Message(12));
    assert!(asker.ask(1).await.is_ok());
    tokio::time::sleep(IDLE_ENCRYPTED - Duration::from_millis(1)).await;
    assert!(!asker.ended.is_finished());
    assert!(asker.ask(2).await.is_ok(), "and a query begins the time anew");
    tokio::time::sleep(IDLE_ENCRYPTED - Duration::from_millis(1)).await;
    assert!(!asker.ended.is_finished());
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(asker.ended.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_keeps_no_connection_without_queries() {
    let asker = converse(10, Answer::Nothing);
    let reply = asker.send(1).await;
    tokio::time::sleep(IDLE_ENCRYPTED * 2).await;
    assert!(!asker.ended.is_finished(), "a query is under way");
    drop(reply);
    tokio::time::sleep(IDLE_ENCRYPTED + FAREWELL * 2).await;
    assert_eq!(asker.ended.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_no_http_2_is_named() {
    let (here, mut there) = duplex(1 << 16);
    let asker = converse_over(here, Arc::default());
    there.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let _reply = asker.send(1).await;
    assert_eq!(asker.ended.await.unwrap(), Err(NetworkError::Http(HttpFault::Protocol)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_closed() {
    let (here, mut there) = duplex(1 << 16);
    let asker = converse_over(here, Arc::default());
    let _reply = asker.send(1).await;
    there.read_u8().await.unwrap();
    drop(there);
    let ended = asker.ended.await.unwrap();
    assert!(matches!(ended, Ok(()) | Err(NetworkError::Closed)), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_at_once_ends_the_connection_of_its_queries() {
    let (here, there) = duplex(1 << 16);
    let asker = converse_over(here, Arc::default());
    tokio::spawn(async move {
        let mut connection = server::handshake(there).await.unwrap();
        let _request = connection.accept().await.unwrap().unwrap();
        connection.abrupt_shutdown(Reason::NO_ERROR);
        while connection.accept().await.is_some() {}
    });
    assert_eq!(asker.ask(1).await, Err(Ended::By(NetworkError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_answers_what_it_has_taken() {
    let (here, there) = duplex(1 << 16);
    let asker = converse_over(here, Arc::default());
    tokio::spawn(async move {
        let mut connection = server::handshake(there).await.unwrap();
        let (request, response) = connection.accept().await.unwrap().unwrap();
        connection.graceful_shutdown();
        tokio::spawn(async move {
            settle().await;
            respond(request, response, Answer::Message(12), Arc::default()).await;
        });
        while connection.accept().await.is_some() {}
    });
    let first = asker.send(1).await;
    assert_eq!(first.await.unwrap().map(|reply| reply.len()), Ok(12));
    assert!(matches!(asker.ended.await.unwrap(), Ok(()) | Err(NetworkError::Closed)));
}
