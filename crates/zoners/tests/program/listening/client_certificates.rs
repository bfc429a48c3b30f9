//! Identities by certificates of clients.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use zoners_dns::{OptRcode, Rtype};

use super::encrypted::{ClientKey, Connection, answer, handshake_as, serving_as_logged};
use crate::common::certificate::certify;
use crate::common::waiting::until;
use crate::common::{Daemon, query_for};

pub(super) const GROUP: &str = "[[policy.group]]\nname = \"own\"\nidentities = [\"phone\"]\nrecords = [\"here.test. A 192.0.2.7\"]";

/// An authority of clients.
pub(super) struct Clients(Issuer<'static, KeyPair>);

impl Clients {
    /// An authority with its certificate at a path.
    pub(super) fn at(path: &Path) -> Self {
        let (key, mut params) =
            (KeyPair::generate().unwrap(), CertificateParams::new(Vec::new()).unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(path, params.self_signed(&key).unwrap().pem()).unwrap();
        Clients(Issuer::new(params, key))
    }

    pub(super) fn certificate(&self, name: &str) -> ClientKey {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        (certificate, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }
}

/// A daemon whose listener of a scheme asks for certificates, with an authority in another folder.
struct CertifiedLab {
    daemon: Daemon,
    chain: String,
    address: SocketAddr,
    clients: Clients,
    folder: tempfile::TempDir,
}

impl CertifiedLab {
    fn start(scheme: &str, line: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clients.pem");
        let clients = Clients::at(&file);
        let table = format!(
            "[[listen]]\naddress = \"{scheme}://127.0.0.1:0\"\nclient-authority = {file:?}\n{more}\n{GROUP}"
        );
        let (daemon, chain, address) = serving_as_logged("\"127.0.0.1:0\"", &table, line);
        CertifiedLab { daemon, chain, address, clients, folder }
    }

    fn connect(
        &self,
        shown: Option<&ClientKey>,
        name: &'static str,
    ) -> std::io::Result<Connection> {
        handshake_as(shown, name, TcpStream::connect(self.address)?, &self.chain)
    }

    /// The addresses of the name that the group of the identity has alone.
    fn addresses(&self, shown: Option<&ClientKey>, name: &'static str) -> std::io::Result<usize> {
        let query = query_for(3, "here.test", Rtype::A);
        let response = answer(&mut self.connect(shown, name)?, &query)?;
        assert!([OptRcode::NOERROR, OptRcode::NXDOMAIN].contains(&response.rcode));
        Ok(response.answer.iter().flat_map(|set| set.addresses()).count())
    }
}

#[test]
fn a_client_over_tls_has_the_rules_of_its_certificate_and_not_of_the_asked_name() {
    let lab = CertifiedLab::start("tls", ", TLS", "");
    let [phone, below, other] =
        ["phone", "phone.dns.example", "other"].map(|name| lab.clients.certificate(name));
    assert_eq!(lab.addresses(Some(&phone), "dns.example").unwrap(), 1);
    assert_eq!(lab.addresses(Some(&below), "dns.example").unwrap(), 1);
    assert_eq!(lab.addresses(Some(&other), "phone.dns.example").unwrap(), 0);
    assert_eq!(lab.addresses(None, "phone.dns.example").unwrap(), 0, "a name proves nothing");
    let foreign = Clients::at(&lab.folder.path().join("foreign.pem")).certificate("phone");
    assert!(lab.addresses(Some(&foreign), "dns.example").is_err());
    until("the failure is counted", || lab.daemon.counter("client_tls_failed") == 1);
}

#[test]
fn a_required_certificate_and_a_new_authority() {
    let lab = CertifiedLab::start("tls", ", TLS", "require-client-certificate = true");
    let phone = lab.clients.certificate("phone");
    assert_eq!(lab.addresses(Some(&phone), "dns.example").unwrap(), 1);
    assert!(lab.addresses(None, "dns.example").is_err());
    let mut open = lab.connect(Some(&phone), "dns.example").unwrap();
    let query = query_for(4, "here.test", Rtype::A);
    assert!(answer(&mut open, &query).is_ok());
    // The file is watched: a replaced authority certifies no further client.
    let next = Clients::at(&lab.folder.path().join("clients.pem")).certificate("phone");
    until("the next authority counts", || lab.addresses(Some(&next), "dns.example").is_ok());
    assert!(lab.addresses(Some(&phone), "dns.example").is_err());
    assert!(answer(&mut open, &query).is_err(), "nor on a connection of before");
}

#[test]
fn a_renewed_certificate_of_the_server_ends_no_connection() {
    let mut lab = CertifiedLab::start("tls", ", TLS", "require-client-certificate = true");
    let phone = lab.clients.certificate("phone");
    let mut open = lab.connect(Some(&phone), "dns.example").unwrap();
    let query = query_for(4, "here.test", Rtype::A);
    assert!(answer(&mut open, &query).is_ok());
    certify(lab.daemon.folder.path());
    lab.daemon.signal("-HUP");
    assert!(lab.daemon.logs("reload: the new configuration is in force"));
    assert!(lab.connect(Some(&phone), "dns.example").is_err(), "the new certificate is shown");
    assert!(answer(&mut open, &query).is_ok());
}

#[test]
fn a_client_over_https_has_the_rules_of_its_certificate_and_not_of_the_path() {
    let lab = CertifiedLab::start("https", "http: listening on ", "");
    let phone = lab.clients.certificate("phone");
    let status = |shown: Option<&ClientKey>| {
        let mut connection = lab.connect(shown, "dns.example").unwrap();
        let request = "GET /dns-query HTTP/1.1\r\nHost: dns.example\r\nConnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).unwrap();
        let mut reply = Vec::new();
        let _ = connection.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply).chars().skip("HTTP/1.1 ".len()).take(3).collect::<String>()
    };
    assert_eq!([status(Some(&phone)), status(None)], ["505", "505"]);
    let foreign = Clients::at(&lab.folder.path().join("foreign.pem")).certificate("phone");
    assert!(
        lab.connect(Some(&foreign), "dns.example")
            .is_ok_and(|mut connection| connection.read(&mut [0; 64]).is_err())
    );
}
