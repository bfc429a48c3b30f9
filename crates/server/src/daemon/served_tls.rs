//! TLS of all listeners, with the certificate of the configuration in force.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use zoners_dns::{Random, Transport};
use zoners_net::quic::QuicTerms;
use zoners_tls::{
    AlpnChallenges, ApplicationProtocol, Certificate, ClientAuthority, ServerConfig, ServerTls,
};

use crate::config::ListenerAuthority;

/// TLS of all listeners; clones share the state. Without a certificate, and without hope of one, there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct ServedTls {
    common: Arc<ArcSwapOption<TlsInForce>>,
    /// TLS of the listeners that ask clients for certificates.
    of_listeners: Arc<ArcSwap<Vec<ListenerTls>>>,
    /// The challenges of an ACME server, which every listener answers.
    challenges: AlpnChallenges,
}

/// TLS of a listener: common to all, or with certificates of clients.
#[derive(Debug)]
pub(super) struct TlsInForce {
    tls: ServerTls,
    asks_clients: bool,
    /// The terms of each protocol over QUIC, made for the first listener with that protocol.
    quic: Mutex<Vec<(ApplicationProtocol, QuicTerms)>>,
}

/// TLS of the listeners of a table. Without TLS, no client is served there.
#[derive(Debug)]
struct ListenerTls {
    clients: ListenerAuthority,
    tls: Option<Arc<TlsInForce>>,
}

impl ServedTls {
    /// Puts the certificate and the authorities of the configuration in force into service, for handshakes to come.
    /// Tickets of sessions outlast certificates of the server, and end with the authority of clients.
    ///
    /// Where a certificate is awaited, handshakes fail until there is one, but for those of challenges; a former
    /// certificate stays in force meanwhile.
    pub(super) fn put(
        &self,
        certificate: Option<&Certificate>,
        is_awaited: bool,
        authorities: &[ListenerAuthority],
    ) {
        if certificate.is_none() && !is_awaited {
            self.of_listeners.store(Arc::new(authorities.iter().map(ListenerTls::none).collect()));
            return self.common.store(None);
        }
        let certificate = certificate.cloned().or_else(|| self.certificate().map(unshared));
        self.put_at_listeners(certificate.as_ref(), authorities);
        let in_force = self.common.load_full().or_else(|| self.make(None));
        if let (Some(in_force), Some(certificate)) = (&in_force, certificate) {
            in_force.tls.replace(certificate);
        }
        self.common.store(in_force);
    }

    /// The challenges of an ACME server, which every listener answers.
    pub(super) fn challenges(&self) -> AlpnChallenges {
        self.challenges.clone()
    }

    fn put_at_listeners(
        &self,
        certificate: Option<&Certificate>,
        authorities: &[ListenerAuthority],
    ) {
        let before = self.of_listeners.load();
        let listeners = authorities.iter().map(|clients| {
            let known = before.iter().find(|known| known.clients == *clients);
            let tls = known.and_then(|known| known.tls.clone());
            let tls = tls.or_else(|| self.make(Some(&clients.authority)));
            if let (Some(in_force), Some(certificate)) = (&tls, certificate.cloned()) {
                in_force.tls.replace(certificate);
            }
            ListenerTls { clients: clients.clone(), tls }
        });
        let listeners = Arc::new(listeners.collect());
        self.of_listeners.store(listeners);
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
        self.at(listener, transport).map(|in_force| in_force.tls.config(protocol))
    }

    /// TLS of a configured listener over a transport, if there is a certificate. A renewed certificate of the server is
    /// within the same TLS, and another authority of clients is not.
    pub(super) fn at(
        &self,
        listener: Option<SocketAddr>,
        transport: Transport,
    ) -> Option<Arc<TlsInForce>> {
        let listeners = self.of_listeners.load();
        match listeners.iter().find(|own| own.is_of(listener, transport)) {
            Some(own) => own.tls.clone(),
            None => self.common.load_full(),
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

    /// TLS without a certificate so far; a failure is logged.
    fn make(&self, clients: Option<&ClientAuthority>) -> Option<Arc<TlsInForce>> {
        let made = ServerTls::answering(self.challenges.clone(), clients);
        let made = made.inspect_err(|error| tracing::error!("tls: no client is served: {error}"));
        let (tls, asks_clients) = (made.ok()?, clients.is_some());
        Some(Arc::new(TlsInForce { tls, asks_clients, quic: Mutex::default() }))
    }
}

impl TlsInForce {
    /// Whether clients are asked for certificates.
    pub(super) fn asks_clients(&self) -> bool {
        self.asks_clients
    }

    /// The terms of connections over QUIC with a protocol, the same for all workers; a lack of terms is logged.
    pub(super) fn quic(&self, protocol: ApplicationProtocol, random: &Random) -> Option<QuicTerms> {
        let mut all = self.quic.lock();
        if let Some((_, terms)) = all.iter().find(|(known, _)| *known == protocol) {
            return Some(terms.clone());
        }
        let made = QuicTerms::new(self.tls.config(protocol), random.bits());
        let told = made.inspect_err(|error| tracing::error!("quic: no client is served: {error}"));
        let terms = told.ok()?;
        all.push((protocol, terms.clone()));
        Some(terms)
    }
}

impl ListenerTls {
    /// No TLS: no client is served.
    fn none(clients: &ListenerAuthority) -> Self {
        ListenerTls { clients: clients.clone(), tls: None }
    }

    fn is_of(&self, listener: Option<SocketAddr>, transport: Transport) -> bool {
        let address = &self.clients.address;
        listener == Some(address.address) && address.is_over(transport)
    }
}

/// A certificate with the same key.
fn unshared(certificate: Arc<Certificate>) -> Certificate {
    Arc::unwrap_or_clone(certificate)
}
