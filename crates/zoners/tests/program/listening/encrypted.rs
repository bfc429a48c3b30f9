//! Listening over TLS, as a client sees it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use zoners_dns::{Message, Rtype};

use crate::common::certificate::{certificate_keys, certify};
use crate::common::waiting::until;
use crate::common::{Daemon, file, localhost, query_for};

/// A daemon that serves over TLS as `listen` says, the certificate, and the address.
fn serving(listen: &str, more: &str) -> (Daemon, String, SocketAddr) {
    serving_as_logged(listen, more, ", TLS")
}

/// As [`serving`]; the address comes from the log line that contains `line`.
pub(super) fn serving_as_logged(
    listen: &str,
    more: &str,
    line: &str,
) -> (Daemon, String, SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    let chain = certify(folder.path());
    let keys = certificate_keys(folder.path());
    file(&folder, &format!("[server]\nlisten = [{listen}]\n{keys}\n{more}\n"));
    let mut daemon = Daemon::of(folder);
    let told = daemon.line_with(line).unwrap();
    let (_, address) = told.rsplit_once(" on ").unwrap();
    let address = address.split(',').next().unwrap().parse().unwrap();
    (daemon, chain, address)
}

/// The certificate of a client, and its key.
pub(super) type ClientKey = (CertificateDer<'static>, PrivateKeyDer<'static>);
pub(super) type Connection = StreamOwned<ClientConnection, TcpStream>;

/// A connection to a server with this certificate.
fn connect(to: SocketAddr, chain: &str) -> std::io::Result<Connection> {
    connect_with("dns.example", to, chain)
}

/// A connection to a server of this name.
fn connect_with(name: &'static str, to: SocketAddr, chain: &str) -> std::io::Result<Connection> {
    handshake(name, TcpStream::connect(to)?, chain)
}

/// A connection to a server of this name, over a stream.
pub(super) fn handshake(
    name: &'static str,
    stream: TcpStream,
    chain: &str,
) -> std::io::Result<Connection> {
    handshake_as(None, name, stream, chain)
}

/// The same with a certificate of the client.
pub(super) fn handshake_as(
    shown: Option<&ClientKey>,
    name: &'static str,
    stream: TcpStream,
    chain: &str,
) -> std::io::Result<Connection> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let config = match shown {
        Some((certificate, key)) => {
            config.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let name = ServerName::try_from(name).unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(tls, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// Asks for an address of `localhost`.
pub(super) fn ask(connection: &mut Connection) -> std::io::Result<Message> {
    answer(connection, &localhost(7, Rtype::A))
}

/// The response to a query.
pub(super) fn answer(connection: &mut Connection, query: &[u8]) -> std::io::Result<Message> {
    connection.write_all(&[&(query.len() as u16).to_be_bytes()[..], query].concat())?;
    let mut length = [0; 2];
    connection.read_exact(&mut length)?;
    let mut reply = vec![0; u16::from_be_bytes(length).into()];
    connection.read_exact(&mut reply)?;
    Ok(Message::parse(&reply.into()).unwrap())
}

#[test]
fn a_new_certificate_comes_into_force_and_no_connection_ends() {
    let (mut daemon, old, address) = serving("\"tls://127.0.0.1:0\"", "");
    let mut connection = connect(address, &old).unwrap();
    assert_eq!(ask(&mut connection).unwrap().answer.len(), 1);
    let new = certify(daemon.folder.path());
    daemon.signal("-HUP");
    assert!(daemon.logs("reload: the new configuration is in force"));
    until("the new certificate is shown", || connect(address, &new).is_ok());
    assert!(connect(address, &old).is_err());
    assert_eq!(ask(&mut connection).unwrap().answer.len(), 1, "the connection goes on");
    // A certificate that cannot be used refuses the reload.
    std::fs::write(daemon.folder.path().join("chain.pem"), "none").unwrap();
    daemon.signal("-HUP");
    let told = daemon.line_with("server.certificate: ").unwrap();
    assert!(told.contains("chain.pem: must have a certificate in PEM form"), "{told}");
    assert_eq!(ask(&mut connect(address, &new).unwrap()).unwrap().answer.len(), 1);
}

#[test]
fn a_listener_has_clients_of_its_own() {
    let table = "allow = []\n[[listen]]\naddress = \"tls://127.0.0.1:0\"\nallow = [\"127.0.0.1\"]";
    let (_daemon, chain, address) = serving("\"127.0.0.1:0\"", table);
    let mut connection = connect(address, &chain).unwrap();
    assert_eq!(ask(&mut connection).unwrap().answer.len(), 1);
    let table = "[[listen]]\naddress = \"tls://127.0.0.1:0\"\nallow = [\"192.0.2.1\"]";
    let (_daemon, chain, address) = serving("\"127.0.0.1:0\"", table);
    let refused = ask(&mut connect(address, &chain).unwrap()).unwrap();
    assert_eq!(refused.rcode, zoners_dns::OptRcode::REFUSED);
}

/// The status of a request over HTTP/1.1, which a path of DNS over HTTPS refuses politely.
fn http_status(to: SocketAddr, chain: &str, path: &str) -> String {
    let mut connection = connect(to, chain).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: dns.example\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut reply = Vec::new();
    let _ = connection.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).chars().skip("HTTP/1.1 ".len()).take(3).collect()
}

#[test]
fn a_client_without_access_has_two_connections_over_https() {
    let table = "[[listen]]\naddress = \"https://127.0.0.1:0\"\nallow = [\"192.0.2.1\"]";
    let (_daemon, chain, address) =
        serving_as_logged("\"127.0.0.1:0\"", table, "http: listening on ");
    let held = [(); 2].map(|()| connect(address, &chain).unwrap());
    assert!(connect(address, &chain).is_err(), "closed at once");
    drop(held);
    until("a connection is free again", || connect(address, &chain).is_ok());
}

#[test]
fn a_reload_changes_the_path_of_dns_over_https() {
    let listen = "\"127.0.0.1:0\", \"https://127.0.0.1:0/dns-query\"";
    let (mut daemon, chain, address) = serving_as_logged(listen, "", "http: listening on ");
    assert_eq!(http_status(address, &chain, "/dns-query"), "505");
    assert_eq!(http_status(address, &chain, "/dns-query/phone"), "505", "the path of an identity");
    assert_eq!(http_status(address, &chain, "/dns-query/phone/x"), "404");
    let config = daemon.folder.path().join("zoners.toml");
    let text = std::fs::read_to_string(&config).unwrap().replace("/dns-query", "/q");
    std::fs::write(&config, text).unwrap();
    daemon.signal("-HUP");
    assert!(daemon.logs("reload: the new configuration is in force"));
    until("the new path is served", || http_status(address, &chain, "/q") == "505");
    assert_eq!(http_status(address, &chain, "/dns-query"), "404");
}

#[test]
fn a_client_has_the_rules_of_the_name_by_which_it_asks() {
    let group = "[[policy.group]]\nname = \"own\"\nidentities = [\"phone\"]\nrecords = [\"here.test. A 192.0.2.7\"]";
    let (_daemon, chain, address) = serving("\"tls://127.0.0.1:0\"", group);
    let addresses = |name: &'static str| {
        let mut connection = connect_with(name, address, &chain).unwrap();
        let response = answer(&mut connection, &query_for(3, "here.test", Rtype::A)).unwrap();
        response.answer.iter().flat_map(|set| set.addresses()).count()
    };
    let names = ["dns.example", "phone.dns.example", "other.dns.example"];
    assert_eq!(names.map(addresses), [0, 1, 0]);
}
