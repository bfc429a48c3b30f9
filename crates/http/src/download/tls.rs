//! TLS of a client, with the authorities of the system.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::url::{HttpUrl, UrlHost};

/// TLS of a client. The roots take about a megabyte, so that a value is made for downloads and dropped after.
#[derive(Clone)]
pub struct TlsClient(TlsConnector);

impl TlsClient {
    /// Trusts the certificate authorities of the system, or those of the environment variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`.
    ///
    /// # Errors
    /// There are no authorities; the text says why.
    pub fn with_system_roots() -> Result<Self, String> {
        let found = rustls_native_certs::load_native_certs();
        TlsClient::trusting(found.certs.into_iter()).map_err(|why| match found.errors.first() {
            Some(error) => format!("{why}: {error}"),
            None => why,
        })
    }

    /// Trusts the certificate authorities of a PEM text alone.
    ///
    /// # Errors
    /// The text has no certificate of an authority.
    pub fn with_roots(pem: &[u8]) -> Result<Self, String> {
        TlsClient::trusting(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok))
    }

    fn trusting(roots: impl Iterator<Item = CertificateDer<'static>>) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        // A system may have roots that rustls does not read; the rest suffices.
        let (added, _) = store.add_parsable_certificates(roots);
        if added == 0 {
            return Err("no certificate authority of the system is found".to_owned());
        }
        let config = ClientConfig::builder_with_provider(zoners_tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = config.with_root_certificates(store).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsClient(TlsConnector::from(Arc::new(config))))
    }

    /// Begins TLS with the host of an address.
    pub(super) async fn connect(
        &self,
        url: &HttpUrl,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = match url.host() {
            UrlHost::Name(name) => ServerName::try_from(name.clone()).map_err(io::Error::other)?,
            UrlHost::Address(address) => ServerName::IpAddress((*address).into()),
        };
        self.0.connect(name, stream).await
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClient")
    }
}
