//! Downloads from servers that do well and from servers that do badly, over sockets of the loopback interface.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use rustls::pki_types::CertificateDer;

const CA: &[u8] = include_bytes!("../../tests/tls/ca.pem");
const KEY: &[u8] = include_bytes!("../../tests/tls/server.key");
const SERVER: &[u8] = include_bytes!("../../tests/tls/server.pem");
const EXPIRED: &[u8] = include_bytes!("../../tests/tls/expired.pem");

/// Every name but `nowhere.example` has the address of the loopback interface.
pub(super) struct Loopback;

impl HostAddresses for Loopback {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        match host {
            "nowhere.example" => Err("NXDOMAIN".to_owned()),
            "empty.example" => Ok(Vec::new()),
            _ => Ok(vec!["127.0.0.1".parse().unwrap()]),
        }
    }
}

/// Waits that no test reaches, unless the test shortens one.
pub(super) fn limits() -> DownloadLimits {
    let long = Duration::from_secs(600);
    DownloadLimits {
        octets: 1000,
        redirects: 3,
        connect: long,
        head: long,
        stall: long,
        total: long,
    }
}

/// A server that sends the replies in turn, each over a connection of its own, and returns the requests. A
/// connection stays open to its end if `stays_open`.
pub(super) async fn server(
    replies: Vec<Vec<u8>>,
    stays_open: bool,
) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut requests, mut open) = (Vec::new(), Vec::new());
        for reply in replies {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.push(request(&mut stream).await);
            let _ = stream.write_all(&reply).await;
            if stays_open {
                open.push(stream);
            }
        }
        if stays_open {
            std::future::pending::<()>().await;
        }
        requests
    });
    (address, serving)
}

pub(super) async fn request(stream: &mut TcpStream) -> String {
    let mut octets = Vec::new();
    while !octets.windows(4).any(|part| part == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            Ok(length) if length > 0 => octets.extend_from_slice(&piece[..length]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

const ACCEPT: &str = "text/plain";

/// Downloads `/list` of `host` with these validators; also the content of the sink.
async fn get(
    host: &str,
    server: SocketAddr,
    validators: &Validators,
    limits: &DownloadLimits,
) -> (Result<Downloaded, DownloadError>, Vec<u8>) {
    let url = format!("{host}:{}/list", server.port()).parse().unwrap();
    let tls = TlsClient::with_roots(CA).unwrap();
    let mut sink = Vec::new();
    let download = Download { url: &url, accept: ACCEPT, validators, limits };
    let outcome = download.run(&Loopback, Some(&tls), &mut sink).await;
    (outcome, sink)
}

/// The outcome of a download from a server that closes after its reply.
async fn reply(text: &str) -> (Result<Downloaded, DownloadError>, Vec<u8>) {
    let (address, _serving) = server(vec![text.as_bytes().to_vec()], false).await;
    get("http://lists.example", address, &Validators::default(), &limits()).await
}

/// The error of a download from a server that leaves the connection open after its reply.
async fn error_of_open(text: &str, limits: &DownloadLimits) -> DownloadError {
    let (address, serving) = server(vec![text.as_bytes().to_vec()], true).await;
    let outcome = get("http://lists.example", address, &Validators::default(), limits).await.0;
    serving.abort();
    outcome.unwrap_err()
}

#[tokio::test]
async fn a_whole_reply_is_downloaded_however_its_end_is_told() {
    let whole = |octets, etag: Option<&str>| {
        let validators = Validators { etag: etag.map(str::to_owned), last_modified: None };
        Downloaded::Complete { validators, octets }
    };
    let (done, sink) =
        reply("HTTP/1.1 200 OK\r\nETag: \"7\"\r\nContent-Length: 4\r\n\r\nlist").await;
    assert_eq!((done.unwrap(), &*sink), (whole(4, Some("\"7\"")), &b"list"[..]));
    let chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nli\r\n2\r\nst\r\n0\r\n\r\n";
    let (done, sink) = reply(chunks).await;
    assert_eq!((done.unwrap(), &*sink), (whole(4, None), &b"list"[..]));
    let (done, sink) = reply("HTTP/1.0 200 OK\r\n\r\nlist").await;
    assert_eq!((done.unwrap(), &*sink), (whole(4, None), &b"list"[..]));
}

#[tokio::test]
async fn a_known_version_is_named_and_nothing_is_downloaded_again() {
    let replies = vec![b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()];
    let (address, serving) = server(replies, false).await;
    let date = "Thu, 26 Nov 2026 15:00:00 GMT".to_owned();
    let known = Validators { etag: Some("W/\"1\"".to_owned()), last_modified: Some(date.clone()) };
    let (done, sink) = get("http://lists.example", address, &known, &limits()).await;
    assert_eq!((done.unwrap(), sink.len()), (Downloaded::Unchanged, 0));
    let request = &serving.await.unwrap()[0];
    let host = format!("host: lists.example:{}\r\n", address.port());
    assert!(request.starts_with("GET /list HTTP/1.1\r\n") && request.contains(&host), "{request}");
    assert!(request.contains("if-none-match: W/\"1\"\r\n"), "{request}");
    assert!(request.contains(&format!("if-modified-since: {date}\r\n")), "{request}");
}

#[tokio::test]
async fn a_word_that_nothing_has_changed_is_an_error_without_a_known_version() {
    let (outcome, _) = reply("HTTP/1.1 304 Not Modified\r\n\r\n").await;
    assert!(matches!(outcome, Err(DownloadError::Status { code: 304, .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_status_of_failure_comes_with_the_pause_that_the_server_wants() {
    let (outcome, sink) =
        reply("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 4\r\n\r\noops").await;
    let Err(DownloadError::Status { code: 503, retry_after_s: Some(120) }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(sink.is_empty());
}

#[tokio::test]
async fn redirects_are_followed_up_to_a_number() {
    let to = |place: &str| format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\n\r\n").into_bytes();
    let last = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlist".to_vec();
    let (address, serving) = server(vec![to("/b"), to("//nowhere.example/c"), last], false).await;
    let outcome = get("http://lists.example", address, &Validators::default(), &limits()).await.0;
    assert!(matches!(outcome, Err(DownloadError::NoAddress(host, _)) if host == "nowhere.example"));
    serving.abort();
    let (address, _serving) = server(vec![to("/list"); 9], false).await;
    let outcome = get("http://lists.example", address, &Validators::default(), &limits()).await.0;
    assert!(matches!(outcome, Err(DownloadError::TooManyRedirects(3))), "{outcome:?}");
    let replies = vec![to("/b"), b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlist".to_vec()];
    let (address, serving) = server(replies, false).await;
    let (outcome, sink) =
        get("http://lists.example", address, &Validators::default(), &limits()).await;
    assert!(outcome.is_ok() && sink == b"list", "{outcome:?}");
    assert!(serving.await.unwrap()[1].starts_with("GET /b HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_redirect_without_a_place_or_to_another_protocol_is_an_error() {
    for location in
        ["", "Location: ftp://lists.example/list\r\n", "Location: http://a:b@c.example/\r\n"]
    {
        let (outcome, _) = reply(&format!("HTTP/1.1 301 Moved\r\n{location}\r\n")).await;
        assert!(matches!(outcome, Err(DownloadError::BadRedirect(_))), "{location} {outcome:?}");
    }
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_no_download() {
    for text in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Len",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nlist",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlist\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nlist\r\n0\r\n\r\n",
        "220 mail.example ESMTP\r\n",
    ] {
        let (outcome, _) = reply(text).await;
        assert!(matches!(outcome, Err(DownloadError::Broken(_))), "{text:?} {outcome:?}");
    }
}

#[tokio::test]
async fn a_large_content_ends_at_the_bound_whether_or_not_its_length_is_told() {
    let (outcome, sink) = reply("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nlist").await;
    assert!(matches!(outcome, Err(DownloadError::TooLarge(1000))), "{outcome:?}");
    assert!(sink.is_empty());
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(100_000));
    let (outcome, sink) = reply(&endless).await;
    assert!(matches!(outcome, Err(DownloadError::TooLarge(1000))), "{outcome:?}");
    assert!(sink.len() <= 1000);
}

#[tokio::test]
async fn compressed_content_and_a_huge_head_are_refused() {
    let (outcome, _) =
        reply("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nlist").await;
    assert!(matches!(outcome, Err(DownloadError::Encoded(name)) if name == "gzip"));
    let (outcome, _) = reply(&format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000))).await;
    assert!(matches!(outcome, Err(DownloadError::Broken(_))));
}

#[tokio::test]
async fn a_server_that_hangs_is_left_at_each_stage() {
    let short = Duration::from_millis(50);
    let late = |error| match error {
        DownloadError::Late(wait) => wait,
        other => panic!("{other:?}"),
    };
    let silent = error_of_open("", &DownloadLimits { head: short, ..limits() }).await;
    assert_eq!(late(silent), DownloadWait::Head);
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nlist";
    let stalled = error_of_open(begun, &DownloadLimits { stall: short, ..limits() }).await;
    assert_eq!(late(stalled), DownloadWait::Octets);
    let whole = error_of_open(begun, &DownloadLimits { total: short, ..limits() }).await;
    assert_eq!(late(whole), DownloadWait::Total);
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_left_in_time() {
    let limits = DownloadLimits { connect: Duration::from_millis(50), ..limits() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let outcome = get("https://lists.example", address, &Validators::default(), &limits).await.0;
    assert!(matches!(outcome, Err(DownloadError::Late(DownloadWait::Connection))), "{outcome:?}");
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_time_of_the_whole_download() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dripping = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let limits = DownloadLimits { total: Duration::from_millis(200), octets: u64::MAX, ..limits() };
    let outcome = get("http://lists.example", address, &Validators::default(), &limits).await.0;
    assert!(matches!(outcome, Err(DownloadError::Late(DownloadWait::Total))), "{outcome:?}");
    dripping.await.unwrap();
}

#[tokio::test]
async fn a_sink_that_takes_no_more_ends_the_download() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let replies = vec![b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlist".to_vec()];
    let (address, _serving) = server(replies, false).await;
    let url = format!("http://{address}/list").parse().unwrap();
    let (validators, limits) = (Validators::default(), limits());
    let download = Download { url: &url, accept: ACCEPT, validators: &validators, limits: &limits };
    let outcome = download.run(&Loopback, None, &mut Full).await;
    assert!(matches!(outcome, Err(DownloadError::Sink(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_host_without_an_address_or_a_server_is_named() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let error = |host: &'static str| async move {
        let outcome = get(host, nowhere, &Validators::default(), &limits()).await.0;
        outcome.unwrap_err().to_string()
    };
    assert_eq!(error("http://nowhere.example").await, "nowhere.example has no address: NXDOMAIN");
    assert!(error("http://empty.example").await.contains("no A and no AAAA record"));
    assert!(error("http://lists.example").await.starts_with("no connection to lists.example: "));
}

/// A server over TLS with a certificate, which replies once.
async fn secure_server(certificate: &'static [u8], reply: &'static [u8]) -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(certificate).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config = ServerConfig::builder_with_provider(zoners_tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(reply).await;
        let _ = stream.shutdown().await;
    });
    address
}

#[tokio::test]
async fn a_server_with_a_certificate_for_its_name_is_believed() {
    let address = secure_server(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlist").await;
    let (outcome, sink) =
        get("https://lists.example", address, &Validators::default(), &limits()).await;
    assert!(outcome.is_ok() && sink == b"list", "{outcome:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_an_old_one_and_an_unknown_authority_are_refused() {
    let refused = |host: &'static str, certificate| async move {
        let address = secure_server(certificate, b"HTTP/1.1 200 OK\r\n\r\nlist").await;
        let (outcome, sink) = get(host, address, &Validators::default(), &limits()).await;
        assert!(sink.is_empty());
        let Err(DownloadError::Tls(_, why)) = outcome else { panic!("{outcome:?}") };
        why
    };
    let why = refused("https://other.example", SERVER).await;
    assert!(why.contains("not valid for name"), "{why}");
    let why = refused("https://127.0.0.1", SERVER).await;
    assert!(why.contains("not valid for"), "{why}");
    let why = refused("https://lists.example", EXPIRED).await;
    assert!(why.contains("expired"), "{why}");
    let address = secure_server(SERVER, b"HTTP/1.1 200 OK\r\n\r\nlist").await;
    let url = format!("https://lists.example:{}/", address.port()).parse().unwrap();
    let (validators, limits) = (Validators::default(), limits());
    let download = Download { url: &url, accept: ACCEPT, validators: &validators, limits: &limits };
    // An authority which has not signed this certificate: the expired one of the server itself.
    let stranger = TlsClient::with_roots(EXPIRED).unwrap();
    let outcome = download.run(&Loopback, Some(&stranger), &mut Vec::new()).await;
    let Err(DownloadError::Tls(_, why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("UnknownIssuer") || why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_refused() {
    let reply =
        b"HTTP/1.1 302 Found\r\nLocation: http://lists.example/\r\nContent-Length: 0\r\n\r\n";
    let address = secure_server(SERVER, reply).await;
    let outcome = get("https://lists.example", address, &Validators::default(), &limits()).await.0;
    assert!(matches!(outcome, Err(DownloadError::Downgrade(_))), "{outcome:?}");
}

#[test]
fn a_text_without_authorities_is_refused() {
    assert!(TlsClient::with_roots(b"nothing").unwrap_err().contains("no certificate authority"));
}
