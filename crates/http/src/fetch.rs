//! One request as a client, with bounds on time and size.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CACHE_CONTROL, CONNECTION, HOST, LOCATION, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::HttpBody;

/// Header fields of a reply, at most.
pub(crate) const MAX_FIELDS: usize = 64;
/// Octets of the head of a reply, at most.
pub(crate) const MAX_HEAD: usize = 16 * 1024;
/// The name of this client for the other side, without a release.
pub(crate) const AGENT: &str = "Zoners";

/// A reply to a request of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchedReply {
    /// The status code.
    pub status: u16,
    /// The header field `Location`.
    pub location: Option<String>,
    /// The first octets of the content.
    pub content: Vec<u8>,
}

/// Gets `path` from `host` at an address, in at most `patience`. Redirects are not followed; `most` octets of the
/// content are read.
///
/// # Errors
/// The connection cannot be made, the reply is no HTTP or comes too late.
pub async fn fetch(
    address: SocketAddr,
    (host, path): (&str, &str),
    patience: Duration,
    most: usize,
) -> io::Result<FetchedReply> {
    let request = Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(CACHE_CONTROL, "no-cache")
        .header(CONNECTION, "close")
        .body(HttpBody::default())
        .map_err(io::Error::other)?;
    let reply = timeout(patience, exchange(address, request, most)).await;
    reply.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn exchange(
    address: SocketAddr,
    request: Request<HttpBody>,
    most: usize,
) -> io::Result<FetchedReply> {
    let stream = TokioIo::new(TcpStream::connect(address).await?);
    let mut client = http1::Builder::new();
    client.max_headers(MAX_FIELDS).max_buf_size(MAX_HEAD);
    let (mut sender, connection) = client.handshake(stream).await.map_err(io::Error::other)?;
    let reply = async move {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let content = first_octets(response.into_body(), most).await;
        Ok(FetchedReply { status, location, content })
    };
    beside(connection, reply).await
}

/// Drives `connection` until there is the reply.
pub(crate) async fn beside<T>(connection: impl Future, reply: impl Future<Output = T>) -> T {
    let (mut reply, mut connection, mut is_open) = (pin!(reply), pin!(connection), true);
    loop {
        tokio::select! {
            biased;
            reply = reply.as_mut() => return reply,
            // The reply may still lie in the buffer.
            _ = connection.as_mut(), if is_open => is_open = false,
        }
    }
}

/// The first `most` octets of a body, or those that came before the connection broke.
async fn first_octets(mut body: Incoming, most: usize) -> Vec<u8> {
    let mut content = Vec::new();
    while content.len() < most {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { break };
        if let Some(octets) = frame.data_ref() {
            content.extend_from_slice(octets);
        }
    }
    content.truncate(most);
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that sends `reply` to the first request, and the request.
    async fn server(reply: Vec<u8>) -> (SocketAddr, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let _ = stream.write_all(&reply).await;
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (address, serving)
    }

    async fn fetched(reply: &[u8]) -> io::Result<FetchedReply> {
        let (address, serving) = server(reply.to_vec()).await;
        let fetched = fetch(address, ("probe.example", "/a?b"), Duration::from_secs(60), 10).await;
        let request = serving.await.unwrap();
        assert!(request.starts_with("GET /a?b HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("host: probe.example\r\n"), "{request}");
        fetched
    }

    #[tokio::test]
    async fn a_reply_has_its_status_its_location_and_the_first_octets() {
        let reply = fetched(
            b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nsuccess, and more than is read.",
        )
        .await
        .unwrap();
        assert_eq!((reply.status, &*reply.content), (200, &b"success, a"[..]));
        let reply = fetched(
            b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n",
        )
        .await
        .unwrap();
        assert_eq!(reply.location.as_deref(), Some("http://login.example/"));
        let broken = fetched(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc").await.unwrap();
        assert_eq!(broken.content, b"abc");
    }

    #[tokio::test]
    async fn what_is_no_http_is_an_error() {
        assert!(fetched(b"220 mail.example ESMTP\r\n").await.is_err());
        let long = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 100_000]].concat();
        assert!(fetched(&long).await.is_err());
    }
}
