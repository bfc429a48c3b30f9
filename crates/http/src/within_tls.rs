//! Connections within TLS: the handshake, and the version of HTTP on which client and server agree there.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use zoners_tls::{ServerStream, alpn};

use crate::connection_tls::{ConnectionTls, TlsSource};
use crate::ends::ConnectionEnds;
use crate::site::HttpSite;
use crate::{HttpEvent, connection, http2};

/// Serves a connection from the handshake on.
pub(crate) async fn serve<S>(
    stream: S,
    ends: ConnectionEnds,
    (site, source): (Arc<HttpSite>, TlsSource),
    leaving: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(config) = source() else { return site.count(HttpEvent::HandshakeFailed) };
    let tls = Arc::new(ConnectionTls::new(config.clone(), source));
    // Boxed, so that an open connection has no room for its handshake.
    let accepted: Result<io::Result<_>, _> =
        timeout(site.limits.handshake_time, Box::pin(ServerStream::accept(stream, config))).await;
    let stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) => return site.count(HttpEvent::HandshakeFailed),
        Err(_) => return site.count(HttpEvent::HandshakeTimedOut),
    };
    site.count(HttpEvent::Handshake);
    let ends =
        ConnectionEnds { client_names: stream.client_names().into(), tls: Some(tls), ..ends };
    match stream.application_protocol() == Some(alpn::HTTP_2) {
        true => http2::serve(stream, ends, site, leaving).await,
        false => connection::serve(stream, ends, site, leaving).await,
    }
}
