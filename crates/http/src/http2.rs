//! A connection of HTTP/2 (RFC 9113): requests are answered beside each other.
//!
//! The library bounds what a client may send: streams under way, header fields with their continuations, streams that
//! were reset (CVE-2023-44487), and unread content by windows. A client may keep its own windows closed, so that responses
//! wait here: idle connections and clients that take no responses are disconnected.

mod untaken;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::HttpEvent;
use crate::ends::ConnectionEnds;
use crate::site::HttpSite;
use crate::write_timeout::WriteTimeout;
use untaken::{Pace, UntakenBody};

/// Octets of content that a client may send ahead, on a stream …
const STREAM_WINDOW: u32 = 64 * 1024;
/// … and on a connection.
const CONNECTION_WINDOW: u32 = 128 * 1024;
/// Octets of a response that wait for the client, on a stream.
const SEND_BUFFER: usize = 64 * 1024;
/// The time for requests under way, once the connection is to be closed.
const FINISH_TIME: Duration = Duration::from_secs(1);

/// Serves a connection until the client leaves, a limit is exceeded, no request comes for a time, another configuration of
/// TLS is in force, or the sender of `leaving` is dropped: then the requests under way are still answered.
pub(crate) async fn serve<S>(
    stream: S,
    ends: ConnectionEnds,
    site: Arc<HttpSite>,
    mut leaving: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = site.limits.clone();
    let pace = Arc::new(Pace::of(&site));
    let outdated = Arc::<Notify>::default();
    let (of_requests, paced, told) = (site.clone(), pace.clone(), outdated.clone());
    let service = service_fn(move |request| {
        let (site, ends, busy) = (of_requests.clone(), ends.clone(), paced.begin());
        if ends.are_outdated() {
            told.notify_one();
        }
        // Boxed, since the library moves the future of a request five times until a task has it.
        Box::pin(async move {
            let response = site.answer(request, ends).await.into_hyper();
            let (head, body) = response.into_parts();
            let body = UntakenBody::new(body, busy, &site).await;
            Ok::<_, Infallible>(Response::from_parts(head, body))
        })
    });
    let stream = TokioIo::new(WriteTimeout::new(stream, limits.write_time));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_octets).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits.resets)
        .max_local_error_reset_streams(limits.resets)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .serve_connection(stream, service);
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        biased;
        _ = leaving.changed() => None,
        outcome = connection.as_mut() => Some(outcome),
        () = pace.over(limits.head_time, limits.write_time) => {
            site.count(HttpEvent::TimedOut);
            None
        }
        () = pace.given_up() => return,
        () = outdated.notified() => None,
    };
    let outcome = match outcome {
        Some(outcome) => outcome,
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(FINISH_TIME, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Some(event) = outcome.err().as_ref().and_then(event) {
        site.count(event);
    }
}

/// The event behind the end of a connection; none if the client left.
fn event(error: &hyper::Error) -> Option<HttpEvent> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        match inner.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => return Some(HttpEvent::TimedOut),
            Some(_) => return None,
            None => cause = inner.source(),
        }
    }
    Some(HttpEvent::Malformed)
}

#[cfg(test)]
mod tests;
