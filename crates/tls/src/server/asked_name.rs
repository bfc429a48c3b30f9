//! The name of the server by which a client asks (SNI, RFC 6066 section 3).

use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The name by which the client of one connection asks. For an unbuffered connection, rustls passes the name
/// only to the resolver of certificates.
#[derive(Debug)]
pub struct AskedName {
    certificates: Arc<dyn ResolvesServerCert>,
    name: OnceLock<Box<str>>,
}

impl AskedName {
    /// A configuration for one connection, and the place of the name.
    #[must_use]
    pub fn of(config: &ServerConfig) -> (Arc<ServerConfig>, Arc<Self>) {
        let mut own = config.clone();
        let certificates = config.cert_resolver.clone();
        let asked = Arc::new(AskedName { certificates, name: OnceLock::new() });
        own.cert_resolver = asked.clone();
        (Arc::new(own), asked)
    }

    /// The name in lower case, after the handshake; `None` if the client has named none.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.name.get().map(|name| &**name)
    }
}

impl ResolvesServerCert for AskedName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            let _ = self.name.set(name.into());
        }
        self.certificates.resolve(hello)
    }
}
