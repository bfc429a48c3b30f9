//! The terms of connections, made once for the workers of a listener.

use std::sync::Arc;
use std::time::Duration;

use quinn_proto::crypto::rustls::{NoInitialCipherSuite, QuicServerConfig};
use quinn_proto::{EndpointConfig, HashedConnectionIdGenerator, ServerConfig, TransportConfig};
use zoners_tls::alpn;

use super::message_pieces::MAX_QUERY;
use super::transport::{Allowance, transport};

/// Queries of one connection at a time, each on a stream.
pub(super) const MAX_STREAMS: u32 = 64;
/// Unidirectional streams of a client of HTTP/3 at a time: one for control, two for QPACK, and some without meaning.
pub(super) const MAX_UNIDIRECTIONAL: u32 = 8;
/// Octets of a query that a client may send without waiting, with the length in front.
const STREAM_WINDOW: u32 = MAX_QUERY as u32 + 2;
/// Octets of all unread queries of a connection. A turn reads all queries.
const CONNECTION_WINDOW: u32 = 16 * 1024;
/// Octets of responses of a connection that are sent and not acknowledged.
const SEND_WINDOW: u64 = 16 * 1024;
/// Octets of a client's handshake that came in a wrong order: a certificate of a client is longer than all else.
const CRYPTO_BUFFER: usize = 8 * 1024;
/// A connection without packets ends after this time, as long as a NAT remembers UDP (RFC 9308 section 3.2) …
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// … and after this time if it was opened while there were many.
const CROWDED_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The terms of the connections of a listener. Clones share the keys, so that a token or a reset made by one worker is
/// good at all workers.
#[derive(Clone, Debug)]
pub struct QuicTerms {
    pub(super) endpoint: Arc<EndpointConfig>,
    pub(super) server: Arc<ServerConfig>,
    pub(super) crowded: Arc<ServerConfig>,
}

impl QuicTerms {
    /// Terms with the TLS of a server that names `doq`, `h3` or both in ALPN; `key` is random.
    ///
    /// # Errors
    /// TLS lacks version 1.3 or the cipher suite of first packets.
    pub fn new(tls: Arc<rustls::ServerConfig>, key: u64) -> Result<Self, NoInitialCipherSuite> {
        let mut endpoint = EndpointConfig::default();
        endpoint.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(key)));
        let has_http3 = tls.alpn_protocols.iter().any(|name| name == alpn::HTTP_3);
        let unidirectional = if has_http3 { MAX_UNIDIRECTIONAL } else { 0 };
        let mut server = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
        server.transport_config(Arc::new(of_clients(IDLE_TIMEOUT, unidirectional)));
        let mut crowded = server.clone();
        crowded.transport_config(Arc::new(of_clients(CROWDED_IDLE_TIMEOUT, unidirectional)));
        Ok(QuicTerms {
            endpoint: Arc::new(endpoint),
            server: Arc::new(server),
            crowded: Arc::new(crowded),
        })
    }

    /// The same, with a PING after each such time without packets.
    #[cfg(test)]
    pub(crate) fn pinging(mut self, interval: Duration) -> Self {
        let mut transport = of_clients(IDLE_TIMEOUT, 0);
        transport.keep_alive_interval(Some(interval));
        Arc::make_mut(&mut self.server).transport_config(Arc::new(transport));
        self
    }
}

fn of_clients(idle: Duration, unidirectional: u32) -> TransportConfig {
    let allowed = Allowance {
        streams: [MAX_STREAMS, unidirectional],
        stream_window: STREAM_WINDOW,
        connection_window: CONNECTION_WINDOW,
        send_window: SEND_WINDOW,
    };
    let mut transport = transport(idle, allowed);
    transport.crypto_buffer_size(CRYPTO_BUFFER);
    transport
}
