//! TLS of a client.
//!
//! A peer proves its identity by a certificate of a known authority, or by a pinned key (RFC 7858 section 4.2), or is
//! taken as it is (RFC 9539 section 4.6.3.4). Sessions of the three are kept apart, since a resumed session proves
//! what its first handshake has proven.

mod fault;
mod pinned;
#[cfg(test)]
mod tests;
pub(crate) mod unproven;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{alpn, provider};
pub use fault::PeerFault;
use pinned::PinnedKeys;
use unproven::UnprovenPeer;

/// Sessions kept for resumption in each of the stores, one for a peer; the oldest gives way.
const MAX_SESSIONS: usize = 256;

/// The SHA-256 digest of the public key of a certificate (SubjectPublicKeyInfo).
pub type KeyDigest = [u8; 32];

/// What the peer of a connection must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedPeer<'a> {
    /// Nothing: encryption is opportunistic. The address tells sessions apart.
    Any(IpAddr),
    /// To be the server of this name or address, for a known authority.
    Named(&'a str),
    /// To have one of these keys; the name goes to the peer (SNI) and is not proven.
    Pinned(&'a str, &'a [KeyDigest]),
}

/// The way in which a connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsHandshake {
    /// With certificate.
    Full,
    /// From a session before.
    Resumed,
}

/// TLS to servers; ALPN is `dot` unless [`ClientTls::speaking`] says otherwise. Clones share the sessions.
#[derive(Clone)]
pub struct ClientTls(Arc<Connectors>);

struct Connectors {
    /// The application protocol in ALPN (RFC 7301).
    protocol: &'static [u8],
    authorities: Option<Arc<WebPkiServerVerifier>>,
    any: Option<TlsConnector>,
    named: Option<TlsConnector>,
    /// The same with HTTP/2 in ALPN, once a server is asked over HTTPS.
    over_https: OnceLock<ClientTls>,
    /// The same for servers over QUIC.
    over_quic: OnceLock<ClientTls>,
    /// By the pinned keys, which come from configurations alone.
    pinned: Mutex<HashMap<Vec<KeyDigest>, TlsConnector>>,
}

impl Default for ClientTls {
    fn default() -> Self {
        ClientTls::without_authorities()
    }
}

impl ClientTls {
    /// TLS with peers that prove a pinned key, or nothing; no certificate is trusted.
    #[must_use]
    pub fn without_authorities() -> Self {
        ClientTls::with(None, alpn::DOT)
    }

    /// Trusts the certificate authorities of the system, or those of the environment variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`. Takes about a megabyte, and some milliseconds to read.
    ///
    /// # Errors
    /// There are no authorities; the text says why.
    pub fn with_system_authorities() -> Result<Self, String> {
        let found = rustls_native_certs::load_native_certs();
        let none = || match found.errors.first() {
            Some(error) => format!("no certificate authority of the system is found: {error}"),
            None => "no certificate authority of the system is found".to_owned(),
        };
        ClientTls::trusting(found.certs.iter().cloned()).ok_or_else(none)
    }

    /// Trusts the certificate authorities of a PEM text alone.
    ///
    /// # Errors
    /// The text has no certificate of an authority.
    pub fn with_authorities(pem: &[u8]) -> Result<Self, String> {
        let found = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
        ClientTls::trusting(found).ok_or_else(|| "must have a certificate in PEM form".to_owned())
    }

    fn trusting(authorities: impl Iterator<Item = CertificateDer<'static>>) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        // A system may have certificates that rustls does not read; the rest suffices.
        roots.add_parsable_certificates(authorities);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        Some(ClientTls::with(Some(verifier.build().ok()?), alpn::DOT))
    }

    /// The same with a further application protocol in ALPN, and an empty session store.
    #[must_use]
    pub fn speaking(&self, protocol: &'static [u8]) -> Self {
        ClientTls::with(self.0.authorities.clone(), protocol)
    }

    /// The same with HTTP/2 in ALPN. Clones share these sessions too.
    #[must_use]
    pub fn over_https(&self) -> &Self {
        self.0.over_https.get_or_init(|| self.speaking(alpn::HTTP_2))
    }

    /// The same for DNS over QUIC; a connection of QUIC does the handshake itself ([`ClientTls::config_for`]).
    #[must_use]
    pub fn over_quic(&self) -> &Self {
        self.0.over_quic.get_or_init(|| self.speaking(alpn::DOQ))
    }

    /// The terms for a handshake with a peer.
    ///
    /// # Errors
    /// The peer must prove a name, and no authority is trusted.
    pub fn config_for(&self, peer: ExpectedPeer<'_>) -> io::Result<Arc<ClientConfig>> {
        let connector = self.connector_for(peer).ok_or_else(fault::no_authority)?;
        Ok(connector.config().clone())
    }

    fn with(authorities: Option<Arc<WebPkiServerVerifier>>, protocol: &'static [u8]) -> Self {
        ClientTls(Arc::new(Connectors {
            protocol,
            any: connector(Arc::new(UnprovenPeer), protocol),
            named: authorities.clone().and_then(|verifier| connector(verifier, protocol)),
            over_https: OnceLock::new(),
            over_quic: OnceLock::new(),
            pinned: Mutex::default(),
            authorities,
        }))
    }

    /// Begins TLS on a stream to a peer, and says how.
    ///
    /// # Errors
    /// The peer has not proven what it must ([`PeerFault::of`] says why), speaks no TLS of ours, or the stream broke.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        peer: ExpectedPeer<'_>,
        stream: S,
    ) -> io::Result<(TlsStream<S>, TlsHandshake)> {
        let name = match peer {
            // An address is never sent (RFC 6066 section 3), so that no SNI tells a zone.
            ExpectedPeer::Any(address) => ServerName::IpAddress(address.into()),
            ExpectedPeer::Named(name) | ExpectedPeer::Pinned(name, _) => {
                ServerName::try_from(name.to_owned()).map_err(io::Error::other)?
            }
        };
        let connector = self.connector_for(peer).ok_or_else(fault::no_authority)?;
        let stream = connector.connect(name, stream).await?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        Ok((stream, if resumed { TlsHandshake::Resumed } else { TlsHandshake::Full }))
    }

    fn connector_for(&self, peer: ExpectedPeer<'_>) -> Option<TlsConnector> {
        match peer {
            ExpectedPeer::Any(_) => self.0.any.clone(),
            ExpectedPeer::Named(_) => self.0.named.clone(),
            ExpectedPeer::Pinned(_, keys) => {
                let mut pinned = self.0.pinned.lock().unwrap_or_else(PoisonError::into_inner);
                match pinned.get(keys) {
                    Some(connector) => Some(connector.clone()),
                    None => {
                        let verifier = Arc::new(PinnedKeys(keys.to_vec()));
                        let connector = connector(verifier, self.0.protocol)?;
                        pinned.insert(keys.to_vec(), connector.clone());
                        Some(connector)
                    }
                }
            }
        }
    }
}

/// Begins connections to peers accepted by the verifier, with a separate store of sessions.
fn connector(
    verifier: Arc<dyn ServerCertVerifier>,
    protocol: &'static [u8],
) -> Option<TlsConnector> {
    let config = ClientConfig::builder_with_provider(provider());
    let config = config.with_safe_default_protocol_versions().ok()?.dangerous();
    let mut config = config.with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    config.resumption = Resumption::in_memory_sessions(MAX_SESSIONS);
    Some(TlsConnector::from(Arc::new(config)))
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}
