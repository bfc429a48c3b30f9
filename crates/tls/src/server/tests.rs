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
    let tls = ServerTls::new(certificate(&pem)).unwrap();
    let config = tls.config(ApplicationProtocol::Dot);
    let (_, server) = connected(&client(&[&pem], b"dot"), &config).unwrap();
    let group = server.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
}

#[test]
fn a_session_is_resumed_with_a_ticket_by_each_configuration_of_the_server() {
    let pem = made(&["dns.example"]);
    let tls = ServerTls::new(certificate(&pem)).unwrap();
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
    let tls = ServerTls::new(certificate(&old)).unwrap();
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
    let tls = ServerTls::new(certificate(&pem)).unwrap();
    let config = tls.config(ApplicationProtocol::Https);
    let (_, server) = connected(&client(&[&pem], b"h2"), &config).unwrap();
    assert_eq!(server.alpn_protocol(), Some(b"h2".as_slice()));
    assert!(connected(&client(&[&pem], b"dot"), &config).is_err());
}
