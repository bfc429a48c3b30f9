//! TLS of all listeners, with the certificate of the configuration in force.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use zoners_tls::{ApplicationProtocol, Certificate, ServerConfig, ServerTls};

/// TLS of all listeners; clones share the state. Without a certificate, there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct ServedTls(Arc<ArcSwapOption<ServerTls>>);

impl ServedTls {
    /// Puts the certificate of the configuration in force into service, for handshakes to come. Tickets of sessions
    /// outlast certificates.
    pub(super) fn put(&self, certificate: Option<&Certificate>) {
        let Some(certificate) = certificate.cloned() else { return self.0.store(None) };
        match self.0.load_full() {
            Some(tls) => tls.replace(certificate),
            None => match ServerTls::new(certificate) {
                Ok(tls) => self.0.store(Some(Arc::new(tls))),
                Err(error) => tracing::error!("tls: no client is served: {error}"),
            },
        }
    }

    /// The certificate in force.
    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.0.load().as_ref().map(|tls| tls.certificate())
    }

    /// The configuration of connections with a protocol, if there is a certificate.
    pub(super) fn config(&self, protocol: ApplicationProtocol) -> Option<Arc<ServerConfig>> {
        self.0.load().as_ref().map(|tls| tls.config(protocol))
    }
}
