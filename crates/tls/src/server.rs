//! TLS of a server.

pub(crate) mod alpn_challenge;
pub(crate) mod asked_name;
pub(crate) mod client_authority;
pub(crate) mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert,
    ServerSessionMemoryCache,
};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;

use crate::{Certificate, alpn, provider};
use alpn_challenge::{ACME_TLS, AlpnChallenges};
use client_authority::ClientAuthority;

/// Session tickets for a client after a handshake: a client of DNS resumes one connection at a time.
const TICKETS: usize = 1;
/// Sessions over QUIC that are stored for each set of protocols; the oldest goes first.
const MAX_QUIC_SESSIONS: usize = 1024;

/// What is spoken within TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationProtocol {
    /// DNS over TLS (RFC 7858). Clients need not name the protocol.
    Dot,
    /// HTTP/2, or HTTP/1.1.
    Https,
    /// HTTP/1.1 alone.
    Http1,
    /// DNS over QUIC (RFC 9250).
    Doq,
    /// HTTP/3 (RFC 9114).
    Http3,
    /// DNS over QUIC and HTTP/3, at one port of UDP.
    DoqAndHttp3,
}

/// TLS of servers with one certificate, which a reload replaces.
///
/// Sessions over TCP are in tickets with the client, encrypted with a key that is replaced every six hours and forgotten
/// six hours later; nothing is stored for a client. There is no 0-RTT over TCP: a stream of DNS may carry what is not to
/// be replayed, and rustls has 0-RTT with stored sessions alone. Over QUIC each query has its own stream, so that a
/// server tells apart what may come in 0-RTT; such sessions are stored, and each is good for one 0-RTT alone.
///
/// Where clients show certificates, no session is resumed: rustls carries the certificate on from ticket to ticket, and
/// looks at the time and at the authority in a full handshake alone.
pub struct ServerTls {
    certificate: Arc<ServedCertificate>,
    dot: Arc<ServerConfig>,
    https: Arc<ServerConfig>,
    http1: Arc<ServerConfig>,
    doq: Arc<ServerConfig>,
    http3: Arc<ServerConfig>,
    doq_and_http3: Arc<ServerConfig>,
}

impl ServerTls {
    /// TLS with a certificate, and with tickets of its own; clients show certificates of `clients`, if there is such an
    /// authority, and then get no tickets.
    ///
    /// # Errors
    /// The system gives no random octets, or the crypto library lacks what TLS needs.
    pub fn new(
        certificate: Certificate,
        clients: Option<&ClientAuthority>,
    ) -> Result<Self, rustls::Error> {
        let tls = ServerTls::answering(AlpnChallenges::default(), clients)?;
        tls.replace(certificate);
        Ok(tls)
    }

    /// As [`ServerTls::new`], without a certificate so far: handshakes fail until there is one, but for those of an ACME
    /// server, to which `challenges` answer.
    ///
    /// # Errors
    /// As [`ServerTls::new`].
    pub fn answering(
        challenges: AlpnChallenges,
        clients: Option<&ClientAuthority>,
    ) -> Result<Self, rustls::Error> {
        let certificate = ServedCertificate { certificate: ArcSwapOption::empty(), challenges };
        let certificate = Arc::new(certificate);
        let tickets = if clients.is_none() { Some(Ticketer::new()?) } else { None };
        let verifier = ClientAuthority::verifier(clients)?;
        let sides = || (certificate.clone(), verifier.clone());
        let quic_config = |protocol| quic_config(sides(), clients.is_none(), protocol);
        let config = |protocol| config(sides(), tickets.clone(), protocol);
        let (dot, https) = (config(ApplicationProtocol::Dot)?, config(ApplicationProtocol::Https)?);
        let http1 = config(ApplicationProtocol::Http1)?;
        let doq = quic_config(ApplicationProtocol::Doq)?;
        let http3 = quic_config(ApplicationProtocol::Http3)?;
        let doq_and_http3 = quic_config(ApplicationProtocol::DoqAndHttp3)?;
        Ok(ServerTls { certificate, dot, https, http1, doq, http3, doq_and_http3 })
    }

    /// The certificate of handshakes to come, if there is one.
    #[must_use]
    pub fn certificate(&self) -> Option<Arc<Certificate>> {
        self.certificate.certificate.load_full()
    }

    /// Puts another certificate into force, for handshakes to come.
    pub fn replace(&self, certificate: Certificate) {
        self.certificate.certificate.store(Some(Arc::new(certificate)));
    }

    /// The configuration of connections with this protocol.
    #[must_use]
    pub fn config(&self, protocol: ApplicationProtocol) -> Arc<ServerConfig> {
        match protocol {
            ApplicationProtocol::Dot => self.dot.clone(),
            ApplicationProtocol::Https => self.https.clone(),
            ApplicationProtocol::Http1 => self.http1.clone(),
            ApplicationProtocol::Doq => self.doq.clone(),
            ApplicationProtocol::Http3 => self.http3.clone(),
            ApplicationProtocol::DoqAndHttp3 => self.doq_and_http3.clone(),
        }
    }
}

/// TLS 1.3 and 1.2. Without tickets, no session is resumed.
fn config(
    (certificate, clients): (Arc<ServedCertificate>, Arc<dyn ClientCertVerifier>),
    tickets: Option<Arc<dyn ProducesTickets>>,
    protocol: ApplicationProtocol,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificate);
    config.alpn_protocols = protocol.names().iter().map(|name| name.to_vec()).collect();
    // Last: a client that speaks anything else gets the certificate, and no challenge.
    config.alpn_protocols.push(ACME_TLS.to_vec());
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    if let Some(tickets) = tickets {
        config.ticketer = tickets;
        config.send_tls13_tickets = TICKETS;
    }
    Ok(Arc::new(config))
}

/// TLS 1.3 for QUIC, with 0-RTT if sessions are resumed. Each configuration has sessions of its own: 0-RTT holds to the
/// transport parameters of the session, and these differ (RFC 9000 section 7.4.1).
fn quic_config(
    (certificate, clients): (Arc<ServedCertificate>, Arc<dyn ClientCertVerifier>),
    resumes: bool,
    protocol: ApplicationProtocol,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificate);
    config.alpn_protocols = protocol.names().iter().map(|name| name.to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    if resumes {
        config.session_storage = ServerSessionMemoryCache::new(MAX_QUIC_SESSIONS);
        config.send_tls13_tickets = TICKETS;
        // QUIC has a limit of its own (RFC 9001 section 4.6.1).
        config.max_early_data_size = u32::MAX;
    }
    Ok(Arc::new(config))
}

impl ApplicationProtocol {
    /// The names in ALPN (RFC 7301), the preferred one first.
    fn names(self) -> &'static [&'static [u8]] {
        match self {
            ApplicationProtocol::Dot => &[alpn::DOT],
            ApplicationProtocol::Https => &[alpn::HTTP_2, alpn::HTTP_1_1],
            ApplicationProtocol::Http1 => &[alpn::HTTP_1_1],
            ApplicationProtocol::Doq => &[alpn::DOQ],
            ApplicationProtocol::Http3 => &[alpn::HTTP_3],
            ApplicationProtocol::DoqAndHttp3 => &[alpn::DOQ, alpn::HTTP_3],
        }
    }
}

/// The certificate in force, whatever name a client asks for: clients of DNS often have an address and no name. An ACME
/// server gets the certificate of its challenge.
#[derive(Debug)]
struct ServedCertificate {
    certificate: ArcSwapOption<Certificate>,
    challenges: AlpnChallenges,
}

impl ResolvesServerCert for ServedCertificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if AlpnChallenges::is_asked(&hello) {
            return self.challenges.answer(&hello);
        }
        self.certificate.load().as_ref().map(|certificate| certificate.certified())
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
