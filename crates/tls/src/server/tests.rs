use std::io::{Read, Write};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, NamedGroup, RootCertStore, ServerConnection,
};

use super::*;
use crate::certificate::tests::{files, made};

pub(super) fn certificate(pem: &(String, String)) -> Certificate {
    files(&pem.0, &pem.1).1.read().unwrap()
}

/// A client with trusted certificates and a named protocol.
pub(super) fn client(trusted: &[&(String, String)], protocol: &[u8]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for (chain, _) in trusted {
        roots.add(CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(provider());
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

fn flush(from: &mut Vec<u8>, to: &mut dyn FnMut(&mut &[u8])) {
    let mut octets = from.as_slice();
    while !octets.is_empty() {
        to(&mut octets);
    }
    from.clear();
}

/// Octets go to and fro until neither side has more to say.
fn talk(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), rustls::Error> {
    let mut octets = Vec::new();
    while client.wants_write() || server.wants_write() {
        while client.wants_write() {
            client.write_tls(&mut octets).unwrap();
        }
        flush(&mut octets, &mut |octets| drop(server.read_tls(octets)));
        server.process_new_packets()?;
        while server.wants_write() {
            server.write_tls(&mut octets).unwrap();
        }
        flush(&mut octets, &mut |octets| drop(client.read_tls(octets)));
        client.process_new_packets()?;
    }
    Ok(())
}

fn connected(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = ServerName::try_from("dns.example").unwrap();
    let mut client = ClientConnection::new(client.clone(), name).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    talk(&mut client, &mut server).map(|()| (client, server))
}

#[test]
fn the_key_exchange_withstands_quantum_computers() {
    let pem = made(&["dns.example"]);
    let tls = ServerTls::new(certificate(&pem), None).unwrap();
    let config = tls.config(ApplicationProtocol::Dot);
    let (_, server) = connected(&client(&[&pem], b"dot"), &config).unwrap();
    let group = server.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
}

#[test]
fn a_session_is_resumed_with_a_ticket_by_each_configuration_of_the_server() {
    let pem = made(&["dns.example"]);
    let tls = ServerTls::new(certificate(&pem), None).unwrap();
    let client = client(&[&pem], b"dot");
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
        let config = tls.config(ApplicationProtocol::Dot);
        let (_, server) = connected(&client, &config).unwrap();
        assert_eq!(server.handshake_kind(), Some(kind));
    }
}

#[test]
fn a_new_certificate_is_for_new_handshakes_and_connections_stay() {
    let (old, new) = (made(&["dns.example"]), made(&["dns.example"]));
    let tls = ServerTls::new(certificate(&old), None).unwrap();
    let config = tls.config(ApplicationProtocol::Dot);
    let (mut here, mut there) = connected(&client(&[&old], b"dot"), &config).unwrap();
    tls.replace(certificate(&new));
    here.writer().write_all(b"still").unwrap();
    talk(&mut here, &mut there).unwrap();
    let mut heard = [0; 5];
    there.reader().read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"still");
    assert!(connected(&client(&[&old], b"dot"), &config).is_err());
    assert!(connected(&client(&[&new], b"dot"), &config).is_ok());
}

#[test]
fn another_protocol_is_refused() {
    let pem = made(&["dns.example"]);
    let tls = ServerTls::new(certificate(&pem), None).unwrap();
    let config = tls.config(ApplicationProtocol::Https);
    let (_, server) = connected(&client(&[&pem], b"h2"), &config).unwrap();
    assert_eq!(server.alpn_protocol(), Some(b"h2".as_slice()));
    assert!(connected(&client(&[&pem], b"dot"), &config).is_err());
}

/// An authority of clients, with the file in a folder.
struct Clients {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    folder: tempfile::TempDir,
}

impl Clients {
    fn new() -> Self {
        let (folder, key) = (tempfile::tempdir().unwrap(), rcgen::KeyPair::generate().unwrap());
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "clients");
        std::fs::write(folder.path().join("ca"), params.self_signed(&key).unwrap().pem()).unwrap();
        Clients { issuer: rcgen::Issuer::new(params, key), folder }
    }

    fn authority(&self, is_required: bool) -> ClientAuthority {
        ClientAuthority::read(&self.folder.path().join("ca"), is_required).unwrap()
    }

    /// TLS of a server, and a client that trusts it and shows a certificate with these names.
    fn client(&self, server: &(String, String), names: &[&str]) -> Arc<ClientConfig> {
        self.client_of(server, names, &rustls::version::TLS13)
    }

    /// The same, over a version of TLS.
    fn client_of(
        &self,
        server: &(String, String),
        names: &[&str],
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Arc<ClientConfig> {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let params = rcgen::CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(server.0.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(provider());
        let config = config.with_protocol_versions(&[version]).unwrap();
        let config = config.with_root_certificates(roots);
        Arc::new(config.with_client_auth_cert(vec![certificate], key).unwrap())
    }
}

fn shown(server: &ServerConnection) -> Vec<String> {
    crate::certificate::names(server.peer_certificates().unwrap_or_default())
}

#[test]
fn a_client_shows_a_certificate_of_the_authority_or_none_unless_one_is_required() {
    let (pem, clients, others) = (made(&["dns.example"]), Clients::new(), Clients::new());
    let without = client(&[&pem], b"dot");
    for is_required in [false, true] {
        let authority = clients.authority(is_required);
        let tls = ServerTls::new(certificate(&pem), Some(&authority)).unwrap();
        for protocol in [ApplicationProtocol::Dot, ApplicationProtocol::Https] {
            let config = tls.config(protocol);
            let [phone, stranger] =
                [&clients, &others].map(|authority| authority.client(&pem, &["phone"]));
            let (_, server) = connected(&phone, &config).unwrap();
            assert_eq!(shown(&server), ["phone"]);
            assert!(connected(&stranger, &config).is_err());
        }
        let config = tls.config(ApplicationProtocol::Dot);
        match connected(&without, &config) {
            Ok((_, server)) => assert!(!is_required && shown(&server).is_empty()),
            Err(error) => assert!(
                is_required && matches!(error, rustls::Error::NoCertificatesPresented),
                "{error}"
            ),
        }
    }
}

/// The verifier looks at the time in a full handshake alone: a resumed session would outlast the certificate.
#[test]
fn a_client_with_a_certificate_resumes_no_session() {
    let (pem, clients) = (made(&["dns.example"]), Clients::new());
    let tls = ServerTls::new(certificate(&pem), Some(&clients.authority(false))).unwrap();
    for tls_version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let client = clients.client_of(&pem, &["phone"], tls_version);
        for _ in 0..3 {
            let (_, server) = connected(&client, &tls.config(ApplicationProtocol::Dot)).unwrap();
            assert_eq!(server.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(shown(&server), ["phone"]);
        }
    }
    let quic = tls.config(ApplicationProtocol::Doq);
    assert_eq!((quic.send_tls13_tickets, quic.max_early_data_size), (0, 0));
}

#[test]
fn a_port_of_udp_has_one_protocol_or_two() {
    let tls = ServerTls::new(certificate(&made(&["dns.example"])), None).unwrap();
    for (protocol, names) in [
        (ApplicationProtocol::Doq, &[alpn::DOQ][..]),
        (ApplicationProtocol::Http3, &[alpn::HTTP_3]),
        (ApplicationProtocol::DoqAndHttp3, &[alpn::DOQ, alpn::HTTP_3]),
    ] {
        let config = tls.config(protocol);
        assert_eq!(config.alpn_protocols, names);
        assert_eq!((config.send_tls13_tickets, config.max_early_data_size), (1, u32::MAX));
    }
}

#[test]
fn a_session_is_not_resumed_under_another_authority() {
    let (pem, clients, others) = (made(&["dns.example"]), Clients::new(), Clients::new());
    let tls = |authority: Option<ClientAuthority>| {
        let tls = ServerTls::new(certificate(&pem), authority.as_ref()).unwrap();
        tls.config(ApplicationProtocol::Dot)
    };
    let phone = clients.client(&pem, &["phone"]);
    connected(&phone, &tls(Some(clients.authority(false)))).unwrap();
    assert!(connected(&phone, &tls(Some(others.authority(false)))).is_err());
    let (_, server) = connected(&phone, &tls(None)).unwrap();
    assert_eq!(server.handshake_kind(), Some(HandshakeKind::Full));
    assert!(shown(&server).is_empty());
}

#[test]
fn authorities_are_alike_by_their_certificates_and_their_demand() {
    let (clients, others) = (Clients::new(), Clients::new());
    assert_eq!(clients.authority(true), clients.authority(true));
    assert_ne!(clients.authority(true), clients.authority(false));
    assert_ne!(clients.authority(true), others.authority(true));
    let file = clients.folder.path().join("ca");
    std::fs::write(&file, "none").unwrap();
    let told = ClientAuthority::read(&file, true).unwrap_err().to_string();
    assert!(told.contains("must have a certificate in PEM form"), "{told}");
}

/// A client that takes any certificate, as an ACME server does.
fn acme_server() -> Arc<ClientConfig> {
    let trusting = client(&[], ACME_TLS);
    let mut config = (*trusting).clone();
    let any = Arc::new(crate::client::unproven::UnprovenPeer);
    config.dangerous().set_certificate_verifier(any);
    Arc::new(config)
}

#[test]
fn a_challenge_is_answered_before_there_is_a_certificate_and_nothing_else() {
    let challenges = AlpnChallenges::default();
    let tls = ServerTls::answering(challenges.clone(), None).unwrap();
    let pem = made(&["dns.example"]);
    let config = tls.config(ApplicationProtocol::Dot);
    assert!(connected(&acme_server(), &config).is_err(), "no challenge is open");
    challenges.add("DNS.example", &[7; 32]).unwrap();
    let (asking, server) = connected(&acme_server(), &config).unwrap();
    assert_eq!(server.alpn_protocol(), Some(ACME_TLS));
    let shown = asking.peer_certificates().unwrap()[0].to_vec();
    // The extension of RFC 8737: critical, an OCTET STRING with the digest.
    let extension = [&[0x04, 0x20][..], &[7; 32]].concat();
    assert!(shown.windows(extension.len()).any(|part| part == extension));
    assert!(connected(&client(&[&pem], b"dot"), &config).is_err(), "there is no certificate");
    tls.replace(certificate(&pem));
    assert!(connected(&client(&[&pem], b"dot"), &config).is_ok());
    assert!(connected(&acme_server(), &config).is_ok(), "both at a time");
    challenges.clear();
    assert!(connected(&acme_server(), &config).is_err());
}
