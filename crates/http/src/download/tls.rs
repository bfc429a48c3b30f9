//! TLS of a client, with the authorities of the system.

use std::io;

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zoners_tls::client::{ClientTls, ExpectedPeer};

use crate::url::{HttpUrl, UrlHost};

/// The name of HTTP/1.1 in ALPN (RFC 7301 section 6).
const HTTP_1_1: &[u8] = b"http/1.1";

/// TLS of a client. The roots take about a megabyte, so that a value is made for downloads and dropped after.
#[derive(Clone, Debug)]
pub struct TlsClient(ClientTls);

impl TlsClient {
    /// Trusts the certificate authorities of the system, or those of the environment variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`.
    ///
    /// # Errors
    /// There are no authorities; the text says why.
    pub fn with_system_roots() -> Result<Self, String> {
        ClientTls::with_system_authorities().map(TlsClient::of)
    }

    /// Trusts the certificate authorities of a PEM text alone.
    ///
    /// # Errors
    /// The text has no certificate of an authority.
    pub fn with_roots(pem: &[u8]) -> Result<Self, String> {
        let tls = ClientTls::with_authorities(pem).map(TlsClient::of);
        tls.map_err(|why| format!("no certificate authority is known: the text {why}"))
    }

    fn of(tls: ClientTls) -> Self {
        TlsClient(tls.speaking(HTTP_1_1))
    }

    /// Begins TLS with the host of an address.
    pub(super) async fn connect(
        &self,
        url: &HttpUrl,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = match url.host() {
            UrlHost::Name(name) => name.clone(),
            UrlHost::Address(address) => address.to_string(),
        };
        let (stream, _) = self.0.connect(ExpectedPeer::Named(&name), stream).await?;
        Ok(stream)
    }
}
