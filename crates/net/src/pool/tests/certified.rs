//! Servers with a certificate of their own for `dns.example`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;

/// TLS of a server that speaks `protocols` (ALPN), and the certificate.
pub(super) struct Certified {
    pub(super) config: ServerConfig,
    pub(super) certificate: CertificateDer<'static>,
    /// The certificate as PEM.
    pub(super) pem: String,
}

impl Certified {
    pub(super) fn new(protocols: &[&[u8]]) -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["dns.example".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(zoners_tls::provider());
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Certified { config, certificate: cert.der().clone(), pem: cert.pem() }
    }
}

/// Takes clients of TLS, each with `serve` on a task of its own; returns the address and the number of connections so far.
pub(super) async fn serve_within_tls<F>(
    config: ServerConfig,
    serve: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send,
{
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, to) = listening().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            let (acceptor, serve) = (acceptor.clone(), serve.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream).await;
                }
            });
        }
    });
    (to.address, connections)
}

/// A pool that trusts a certificate.
pub(super) fn trusting(pem: &str) -> Pool {
    let pool = pool();
    pool.set_tls(ClientTls::with_authorities(pem.as_bytes()).unwrap());
    pool
}
