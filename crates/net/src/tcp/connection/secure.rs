//! TLS on a connection.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zoners_dns::{Counter, Counters, Endpoint};
use zoners_tls::client::{ClientTls, ExpectedPeer, TlsHandshake};

/// A handshake fails after this time.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// Begins TLS with the server at `to`, which proves its identity if it has one.
///
/// # Errors
/// The server has not proven its identity, speaks no TLS of ours or is too slow, or the stream broke.
pub(super) async fn begin(
    tls: &ClientTls,
    to: Endpoint,
    stream: TcpStream,
    counters: &Counters,
) -> io::Result<TlsStream<TcpStream>> {
    let peer = match to.identity.and_then(|identity| identity.identity()) {
        None => ExpectedPeer::Any(to.address.ip()),
        Some(identity) if identity.pins.is_empty() => ExpectedPeer::Named(&identity.name),
        Some(identity) => ExpectedPeer::Pinned(&identity.name, &identity.pins),
    };
    let begun = tokio::time::timeout(HANDSHAKE, tls.connect(peer, stream)).await;
    let (stream, handshake) = begun.map_err(|_| io::ErrorKind::TimedOut.into()).flatten()?;
    counters.count(Counter::UpstreamTlsHandshakes);
    if handshake == TlsHandshake::Resumed {
        counters.count(Counter::UpstreamTlsResumed);
    }
    Ok(stream)
}
