//! A connection of HTTP/1.1: each request is answered before the next is read.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::HttpEvent;
use crate::ends::ConnectionEnds;
use crate::site::HttpSite;
use crate::write_timeout::WriteTimeout;

/// The least buffer of the HTTP library, in octets.
const MIN_BUFFER: usize = 8192;

/// Serves a connection until the client leaves, a limit is exceeded, or the sender of `leaving` is dropped: then the
/// request under way is still answered.
pub(crate) async fn serve<S>(
    stream: S,
    ends: ConnectionEnds,
    site: Arc<HttpSite>,
    mut leaving: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &site.limits;
    let answered = AtomicUsize::new(0);
    let service = service_fn(|request| async {
        let response = site.answer(request, ends.clone()).await;
        let is_last = answered.fetch_add(1, Ordering::Relaxed) + 1 >= limits.requests;
        let response = if is_last { response.closing() } else { response };
        Ok::<_, Infallible>(response.into_hyper())
    });
    let stream = TokioIo::new(WriteTimeout::new(stream, limits.write_time));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(limits.fields)
        .max_header_size(limits.head_octets)
        .max_buf_size(limits.head_octets.max(MIN_BUFFER))
        .serve_connection(stream, service);
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        biased;
        _ = leaving.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        outcome = connection.as_mut() => outcome,
    };
    if let Some(event) = outcome.err().as_ref().and_then(event) {
        site.count(event);
    }
}

/// The event behind the end of a connection; none if the client left.
fn event(error: &hyper::Error) -> Option<HttpEvent> {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => Some(HttpEvent::TimedOut),
        _ if error.is_timeout() => Some(HttpEvent::TimedOut),
        _ if error.is_parse() => Some(HttpEvent::Malformed),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
