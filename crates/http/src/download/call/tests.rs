//! Requests with a body, to servers that do well and badly.

use std::time::Duration;

use super::super::tests::{Loopback, limits, request, server};
use super::*;

/// The outcome of a request for `/order`, and the request as the server has seen it.
async fn call(
    reply: &str,
    method: Method,
    body: Option<&'static str>,
) -> (Result<HttpReply, DownloadError>, String) {
    let (address, serving) = server(vec![reply.as_bytes().to_vec()], false).await;
    let url = format!("http://acme.example:{}/order", address.port()).parse().unwrap();
    let body = body.map(|body| ("application/jose+json", Bytes::from(body)));
    let call = HttpCall { method, url: &url, body, limits: &limits() };
    let outcome = call.run(&Loopback, None).await;
    (outcome, serving.await.unwrap().remove(0))
}

#[tokio::test]
async fn a_body_is_sent_and_every_status_is_a_reply() {
    let refusal = "HTTP/1.1 400 Bad Request\r\nReplay-Nonce: abc\r\nContent-Length: 2\r\n\r\n{}";
    let (reply, request) = call(refusal, Method::POST, Some("{\"a\":1}")).await;
    let reply = reply.unwrap();
    assert_eq!((reply.status.as_u16(), &*reply.content), (400, &b"{}"[..]));
    assert_eq!(reply.headers["replay-nonce"], "abc");
    let request = request.to_lowercase();
    assert!(request.starts_with("post /order http/1.1\r\n"), "{request}");
    assert!(request.contains("content-type: application/jose+json\r\n"), "{request}");
    assert!(request.contains("content-length: 7\r\n"), "{request}");
}

#[tokio::test]
async fn a_head_has_no_content() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 999999\r\nReplay-Nonce: n\r\n\r\n";
    let (reply, request) = call(head, Method::HEAD, None).await;
    assert!(reply.unwrap().content.is_empty());
    assert!(request.starts_with("HEAD /order HTTP/1.1\r\n"), "{request}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let away = "HTTP/1.1 307 Away\r\nLocation: http://other.example/\r\nContent-Length: 0\r\n\r\n";
    let (reply, _) = call(away, Method::POST, Some("secret")).await;
    assert_eq!(reply.unwrap().status, 307);
}

#[tokio::test]
async fn a_content_without_end_is_an_error() {
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1001));
    let (reply, _) = call(&endless, Method::GET, None).await;
    assert!(matches!(reply, Err(DownloadError::TooLarge(1000))), "{reply:?}");
    let most = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1000));
    assert_eq!(call(&most, Method::GET, None).await.0.unwrap().content.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("http://acme.example:{port}/").parse().unwrap();
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let limits = DownloadLimits { head: Duration::from_secs(30), ..limits() };
    let call = HttpCall { method: Method::GET, url: &url, body: None, limits: &limits };
    let outcome = call.run(&Loopback, None).await;
    assert!(matches!(outcome, Err(DownloadError::Late(DownloadWait::Head))), "{outcome:?}");
    silent.abort();
}
