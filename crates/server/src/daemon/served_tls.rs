//! TLS of all listeners, with the certificate of the configuration in force.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use zoners_dns::{Random, Transport};
use zoners_net::quic::QuicTerms;
use zoners_tls::{ApplicationProtocol, Certificate, ClientAuthority, ServerConfig, ServerTls};

use crate::config::ListenerAuthority;

/// TLS of all listeners; clones share the state. Without a certificate, there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct ServedTls {
    common: Arc<ArcSwapOption<TlsInForce>>,
    /// TLS of the listeners that ask clients for certificates.
    of_listeners: Arc<ArcSwap<Vec<ListenerTls>>>,
}

#[derive(Debug)]
struct TlsInForce {
    tls: ServerTls,
    /// The terms of each protocol over QUIC, made for the first listener with that protocol.
    quic: Mutex<Vec<(ApplicationProtocol, QuicTerms)>>,
}

/// TLS of the listeners of a table. Without TLS, no client is served there.
#[derive(Debug)]
struct ListenerTls {
    clients: ListenerAuthority,
    tls: Option<Arc<ServerTls>>,
}

impl ServedTls {
    /// Puts the certificate and the authorities of the configuration in force into service, for handshakes to come.
    /// Tickets of sessions outlast certificates of the server, and end with the authority of clients.
    pub(super) fn put(&self, certificate: Option<&Certificate>, authorities: &[ListenerAuthority]) {
        self.put_at_listeners(certificate, authorities);
        let Some(certificate) = certificate.cloned() else { return self.common.store(None) };
        match self.common.load_full() {
            Some(in_force) => in_force.tls.replace(certificate),
            None => {
                let tls = server_tls(certificate, None);
                let in_force = tls.map(|tls| TlsInForce { tls, quic: Mutex::default() });
                self.common.store(in_force.map(Arc::new));
            }
        }
    }

    fn put_at_listeners(
        &self,
        certificate: Option<&Certificate>,
        authorities: &[ListenerAuthority],
    ) {
        let before = self.of_listeners.load();
        let listeners = authorities.iter().map(|clients| {
            let known = before.iter().find(|known| known.clients == *clients);
            let tls = match (certificate.cloned(), known.and_then(|known| known.tls.clone())) {
                (None, _) => None,
                (Some(certificate), Some(tls)) => {
                    tls.replace(certificate);
                    Some(tls)
                }
                (Some(certificate), None) => {
                    server_tls(certificate, Some(&clients.authority)).map(Arc::new)
                }
            };
            ListenerTls { clients: clients.clone(), tls }
        });
        let listeners = Arc::new(listeners.collect());
        self.of_listeners.store(listeners);
    }

    /// The terms of connections over QUIC with a protocol, the same for all workers; a lack of terms is logged.
    pub(super) fn quic(&self, protocol: ApplicationProtocol, random: &Random) -> Option<QuicTerms> {
        let Some(in_force) = self.common.load_full() else {
            tracing::error!("quic: no client is served: no certificate is in force");
            return None;
        };
        let mut all = in_force.quic.lock();
        if let Some((_, terms)) = all.iter().find(|(known, _)| *known == protocol) {
            return Some(terms.clone());
        }
        let made = QuicTerms::new(in_force.tls.config(protocol), random.bits());
        let told = made.inspect_err(|error| tracing::error!("quic: no client is served: {error}"));
        let terms = told.ok()?;
        all.push((protocol, terms.clone()));
        Some(terms)
    }

    /// The certificate in force.
    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.common.load().as_ref().and_then(|in_force| in_force.tls.certificate())
    }

    /// The configuration of connections with a protocol, if there is a certificate.
    pub(super) fn config(&self, protocol: ApplicationProtocol) -> Option<Arc<ServerConfig>> {
        self.common.load().as_ref().map(|in_force| in_force.tls.config(protocol))
    }

    /// The configuration of connections of a configured listener over a transport, if there is a certificate.
    pub(super) fn config_at(
        &self,
        listener: Option<SocketAddr>,
        transport: Transport,
    ) -> Option<Arc<ServerConfig>> {
        let protocol = match transport {
            Transport::Https => ApplicationProtocol::Https,
            _ => ApplicationProtocol::Dot,
        };
        let listeners = self.of_listeners.load();
        match listeners.iter().find(|own| own.is_of(listener, transport)) {
            Some(own) => own.tls.as_ref().map(|tls| tls.config(protocol)),
            None => self.config(protocol),
        }
    }

    /// Whether a handshake of now would have this configuration too. A renewed certificate of the server is within the
    /// same configuration, and another authority of clients is not.
    pub(super) fn is_in_force(
        &self,
        listener: Option<SocketAddr>,
        transport: Transport,
        config: &Arc<ServerConfig>,
    ) -> bool {
        self.config_at(listener, transport).is_some_and(|now| Arc::ptr_eq(&now, config))
    }

    /// Whether a configured listener asks clients for certificates.
    pub(super) fn asks_clients(&self, listener: Option<SocketAddr>, transport: Transport) -> bool {
        self.of_listeners.load().iter().any(|own| own.is_of(listener, transport))
    }
}

impl ListenerTls {
    fn is_of(&self, listener: Option<SocketAddr>, transport: Transport) -> bool {
        let address = &self.clients.address;
        listener == Some(address.address) && address.is_over(transport)
    }
}

/// TLS with a certificate; a failure is logged.
fn server_tls(certificate: Certificate, clients: Option<&ClientAuthority>) -> Option<ServerTls> {
    let made = ServerTls::new(certificate, clients);
    made.inspect_err(|error| tracing::error!("tls: no client is served: {error}")).ok()
}
