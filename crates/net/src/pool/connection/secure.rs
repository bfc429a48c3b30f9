//! TLS on a connection.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zoners_dns::{Counter, Counters, Endpoint, HttpFault, NetworkError, Transport};
use zoners_tls::alpn;
use zoners_tls::client::{ClientTls, ExpectedPeer, PeerFault, TlsHandshake};

use crate::failure;

/// A handshake fails after this time.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// The fault of a server that agrees on no HTTP/2.
const NO_HTTP_2: NetworkError = NetworkError::Http(HttpFault::NoHttp2);

/// Begins TLS with the server at `to`. A server with an identity proves the identity.
///
/// # Errors
/// The server has not proven its identity, speaks no TLS of ours or is too slow, or the stream broke.
pub(super) async fn begin(
    tls: &ClientTls,
    to: Endpoint,
    stream: TcpStream,
    counters: &Counters,
) -> Result<TlsStream<TcpStream>, NetworkError> {
    let is_https = to.transport == Transport::Https;
    let tls = if is_https { tls.over_https() } else { tls };
    let begun = tokio::time::timeout(HANDSHAKE, tls.connect(expected(to), stream)).await;
    // TCP is open, but the server did not complete TLS in time.
    let begun = begun.map_err(|_| NetworkError::Handshake)?;
    let (stream, handshake) = begun.map_err(|error| match PeerFault::of(&error) {
        Some(PeerFault::NoProtocol) if is_https => NO_HTTP_2,
        _ => failure::classify(&error),
    })?;
    // A server that is silent about ALPN may speak HTTP/1.1 alone.
    if is_https && stream.get_ref().1.alpn_protocol() != Some(alpn::HTTP_2) {
        return Err(NO_HTTP_2);
    }
    counters.count(Counter::UpstreamTlsHandshakes);
    if handshake == TlsHandshake::Resumed {
        counters.count(Counter::UpstreamTlsResumed);
    }
    Ok(stream)
}

/// What the server at `to` must prove.
pub(super) fn expected(to: Endpoint) -> ExpectedPeer<'static> {
    match to.identity.and_then(|identity| identity.identity()) {
        None => ExpectedPeer::Any(to.address.ip()),
        Some(identity) if identity.pins.is_empty() => ExpectedPeer::Named(&identity.name),
        Some(identity) => ExpectedPeer::Pinned(&identity.name, &identity.pins),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_server_that_says_nothing_fails_the_handshake() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tls);
        let stream = TcpStream::connect(to.address).await.unwrap();
        let (_silent, _) = listener.accept().await.unwrap();
        tokio::time::pause();
        let begun = begin(&ClientTls::default(), to, stream, &Counters::default()).await;
        assert_eq!(begun.err(), Some(NetworkError::Handshake));
    }
}
