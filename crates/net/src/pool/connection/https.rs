//! DNS over HTTPS on a connection (RFC 8484): each query is a request of HTTP/2, on a stream of its own.

mod reply;

use std::future::{poll_fn, ready};
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{FuturesUnordered, StreamExt};
use h2::Reason;
use h2::client::{self, ResponseFuture, SendRequest};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use zoners_dns::{Endpoint, HttpFault, NetworkError};

use super::waiting::{WaitingKey, numbered};
use super::{Conversation, Ended, PooledReply, WaitingQueries, refuse_all};
use crate::failure;
use reply::read_reply;

/// The media type of queries and replies (RFC 8484 section 6).
const DNS_MESSAGE: HeaderValue = HeaderValue::from_static("application/dns-message");
/// The port that a URI need not name.
const PORT: u16 = 443;
/// Queries under way on one connection: servers should allow as many (RFC 9113 section 6.5.2), and may allow fewer.
/// Further queries wait, or open a connection.
pub(in crate::pool) const MAX_UNDER_WAY: usize = 100;
/// The header fields of a reply have fewer octets, as HTTP/2 counts (RFC 9113 section 6.5.2).
pub(in crate::pool) const MAX_HEADER_OCTETS: u32 = 8 * 1024;
/// Octets of one reply, and of all replies of a connection, that a server may send before the octets are read.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 128 * 1024;
/// The time in which a server is told that the connection ends.
const FAREWELL: Duration = Duration::from_secs(1);

impl Conversation<'_> {
    /// Sends queries as requests to the URI of the server, and delivers replies.
    ///
    /// # Errors
    /// The connection broke, or the server broke HTTP/2.
    pub(super) async fn run_https(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        to: Endpoint,
    ) -> Result<(), NetworkError> {
        let uri = uri_of(to).ok_or(NetworkError::Unreachable)?;
        let (requests, connection) = terms().handshake(stream).await.map_err(meaning)?;
        let account = self.account;
        let (mut connection, mut asking) =
            (pin!(connection), pin!(self.request_all(requests, &uri)));
        let ended = tokio::select! {
            biased;
            () = account.given_up() => return Err(NetworkError::NoSocket),
            ended = &mut connection => ended.map_err(meaning),
            () = &mut asking => {
                // Without requests the connection says goodbye, and ends.
                let _ = tokio::time::timeout(FAREWELL, connection).await;
                return Ok(());
            }
        };
        // Replies that came before the end are delivered.
        let _ = tokio::time::timeout(FAREWELL, asking).await;
        ended
    }

    /// Requests all queries, up to the idle time.
    async fn request_all(self, mut requests: SendRequest<Bytes>, uri: &Uri) {
        let Conversation { idle, queries, waiting, account, health } = self;
        let mut under_way = FuturesUnordered::new();
        loop {
            let is_idle = under_way.is_empty();
            let has_room = under_way.len() < MAX_UNDER_WAY;
            // The server says how many streams it allows.
            let next = async {
                poll_fn(|context| requests.poll_ready(context)).await.ok()?;
                queries.recv().await
            };
            let next = tokio::select! {
                biased;
                Some(()) = under_way.next() => continue,
                next = next, if has_room => next,
                () = tokio::time::sleep(idle), if is_idle => None,
            };
            let Some((query, reply)) = next else { break };
            let Some((key, response)) = begin(&mut requests, uri, &query, reply, waiting) else {
                continue;
            };
            under_way.push(async move {
                let read = tokio::select! {
                    biased;
                    // The drop of the response cancels the stream.
                    () = poll_fn(|context| waiting.poll_abandoned(key, context)) => return,
                    read = read_reply(response, account) => read,
                };
                health.hear();
                if let Some(reply) = waiting.take(key) {
                    let _ = reply.send(read.map(|octets| numbered(octets, key.id)));
                }
            });
        }
        // The server takes no further query, or no query is to come. Queries under way still get their replies.
        drop(requests);
        refuse_all(queries, Ended::By(NetworkError::Closed));
        under_way.for_each(|()| ready(())).await;
    }
}

/// Sends a query; the key, and the response to come. A query that cannot be sent fails.
fn begin(
    requests: &mut SendRequest<Bytes>,
    uri: &Uri,
    query: &Bytes,
    reply: oneshot::Sender<PooledReply>,
    waiting: &WaitingQueries,
) -> Option<(WaitingKey, ResponseFuture)> {
    let key = waiting.admit(query, reply)?;
    match send(requests, uri, query) {
        Ok(response) => Some((key, response)),
        Err(error) => {
            let reply = waiting.take(key)?;
            let _ = reply.send(Err(ended(error)));
            None
        }
    }
}

fn send(
    requests: &mut SendRequest<Bytes>,
    uri: &Uri,
    query: &Bytes,
) -> Result<ResponseFuture, h2::Error> {
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.clone();
    request.headers_mut().insert(header::CONTENT_TYPE, DNS_MESSAGE);
    request.headers_mut().insert(header::ACCEPT, DNS_MESSAGE);
    request.headers_mut().insert(header::CONTENT_LENGTH, query.len().into());
    let (response, mut body) = requests.send_request(request, false)?;
    // Queries of the same content are the same to a cache of HTTP (RFC 8484 section 4.1).
    body.send_data(numbered(BytesMut::from(&query[..]), 0), true)?;
    Ok(response)
}

/// The URI of a server: the path of its template, at the name that the server proves.
fn uri_of(to: Endpoint) -> Option<Uri> {
    let identity = to.identity?.identity()?;
    let host = match identity.name.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => identity.name.clone(),
    };
    let authority = match to.address.port() {
        PORT => host,
        port => format!("{host}:{port}"),
    };
    let path = PathAndQuery::try_from(identity.path.as_deref()?).ok()?;
    let authority = Authority::try_from(authority).ok()?;
    Uri::builder().scheme(Scheme::HTTPS).authority(authority).path_and_query(path).build().ok()
}

/// The terms of a connection of HTTP/2. A server pushes nothing.
fn terms() -> client::Builder {
    let mut terms = client::Builder::new();
    terms
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEADER_OCTETS);
    terms
}

/// The end of a query by an error of HTTP/2, on its stream or with its connection.
fn ended(error: h2::Error) -> Ended {
    let is_refused = error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM);
    match error.is_reset() {
        true if is_refused => Ended::Unread,
        true => Ended::Alone(meaning(error)),
        false => Ended::By(meaning(error)),
    }
}

/// The meaning of an error of HTTP/2 for the path to a server.
fn meaning(error: h2::Error) -> NetworkError {
    // The server ended a stream or the connection.
    if error.is_remote() {
        return NetworkError::Closed;
    }
    match error.into_io() {
        Some(error) => failure::classify(&error),
        None => NetworkError::Http(HttpFault::Protocol),
    }
}

#[cfg(test)]
mod tests;
