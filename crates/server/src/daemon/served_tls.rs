//! TLS of all listeners, with the certificate of the configuration in force.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use zoners_dns::Random;
use zoners_net::quic::QuicTerms;
use zoners_tls::{ApplicationProtocol, Certificate, ServerConfig, ServerTls};

/// TLS of all listeners; clones share the state. Without a certificate, there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct ServedTls(Arc<ArcSwapOption<TlsInForce>>);

#[derive(Debug)]
struct TlsInForce {
    tls: ServerTls,
    /// Made for the first listener over QUIC.
    quic: OnceLock<Option<QuicTerms>>,
}

impl ServedTls {
    /// Puts the certificate of the configuration in force into service, for handshakes to come. Tickets of sessions
    /// outlast certificates.
    pub(super) fn put(&self, certificate: Option<&Certificate>) {
        let Some(certificate) = certificate.cloned() else { return self.0.store(None) };
        match self.0.load_full() {
            Some(in_force) => in_force.tls.replace(certificate),
            None => match ServerTls::new(certificate) {
                Ok(tls) => {
                    self.0.store(Some(Arc::new(TlsInForce { tls, quic: OnceLock::new() })));
                }
                Err(error) => tracing::error!("tls: no client is served: {error}"),
            },
        }
    }

    /// The terms of connections over QUIC, the same for all workers; a lack of terms is logged.
    pub(super) fn quic(&self, random: &Random) -> Option<QuicTerms> {
        let Some(in_force) = self.0.load_full() else {
            tracing::error!("quic: no client is served: no certificate is in force");
            return None;
        };
        let make = || {
            let tls = in_force.tls.config(ApplicationProtocol::Doq);
            let made = QuicTerms::new(tls, random.bits());
            made.inspect_err(|error| tracing::error!("quic: no client is served: {error}")).ok()
        };
        in_force.quic.get_or_init(make).clone()
    }

    /// The certificate in force.
    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.0.load().as_ref().map(|in_force| in_force.tls.certificate())
    }

    /// The configuration of connections with a protocol, if there is a certificate.
    pub(super) fn config(&self, protocol: ApplicationProtocol) -> Option<Arc<ServerConfig>> {
        self.0.load().as_ref().map(|in_force| in_force.tls.config(protocol))
    }
}
