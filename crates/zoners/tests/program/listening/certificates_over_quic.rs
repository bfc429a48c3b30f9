//! Identities by certificates of clients over QUIC and over HTTP/3. Each test has a network of its own, as a port of UDP
//! and of TCP is to be free.

use std::net::SocketAddr;

use quinn_proto::ConnectionError;
use zoners_dns::{Message, Rtype};

use super::client_certificates::{Clients, GROUP};
use super::encrypted::ClientKey;
use crate::common::certificate::{certificate_keys, certify};
use crate::common::http3_client::Http3Client;
use crate::common::networks::in_a_network;
use crate::common::quic_client::{QuicClient, QuicTrust};
use crate::common::waiting::until;
use crate::common::{Daemon, file, query_for};

/// A daemon with both protocols at a port that asks for certificates.
struct Lab {
    daemon: Daemon,
    chain: String,
    clients: Clients,
    folder: tempfile::TempDir,
}

impl Lab {
    fn start(more: &str) -> Self {
        let (folder, of_clients) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let authority = of_clients.path().join("clients.pem");
        let clients = Clients::at(&authority);
        let (chain, keys) = (certify(folder.path()), certificate_keys(folder.path()));
        let table = |scheme: &str| {
            let address = format!("address = \"{scheme}://127.0.0.1:8443\"");
            format!("[[listen]]\n{address}\nclient-authority = {authority:?}\n{more}\n")
        };
        let tables = table("quic") + &table("https");
        let server = format!("[server]\nlisten = [\"127.0.0.1:0\"]\n{keys}\n");
        file(&folder, &(server + &tables + GROUP));
        let mut daemon = Daemon::of(folder);
        assert!(daemon.is_ready_and("HTTPS at /dns-query, over HTTP/3 too"));
        Lab { daemon, chain, clients, folder: of_clients }
    }

    fn trust(&self, shown: Option<ClientKey>, protocol: &[u8]) -> QuicTrust {
        QuicTrust::showing(shown, &self.chain, protocol)
    }

    fn phone(&self) -> Option<ClientKey> {
        Some(self.clients.certificate("phone"))
    }

    fn over_quic(&self, shown: Option<ClientKey>) -> Result<QuicClient, ConnectionError> {
        self.trust(shown, b"doq").connect_with("phone.dns.example", address())
    }

    fn over_http3(&self, shown: Option<ClientKey>) -> Result<Http3Client, ConnectionError> {
        Ok(Http3Client::begin(self.trust(shown, b"h3").connect(address())?))
    }

    fn foreign(&self) -> Option<ClientKey> {
        Some(Clients::at(&self.folder.path().join("foreign.pem")).certificate("phone"))
    }
}

fn address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8443))
}

/// A query for the name that the group of the identity has alone.
fn here() -> Vec<u8> {
    query_for(0, "here.test", Rtype::A)
}

fn addresses(response: Result<Message, ConnectionError>) -> Result<usize, ConnectionError> {
    response.map(|response| response.answer.iter().flat_map(|set| set.addresses()).count())
}

fn ask_over_quic(client: Result<QuicClient, ConnectionError>) -> Result<usize, ConnectionError> {
    addresses(client?.answer(&here()))
}

fn ask_over_http3(client: Result<Http3Client, ConnectionError>) -> Result<usize, ConnectionError> {
    addresses(client?.ask("/dns-query/phone", &here()))
}

#[test]
fn a_client_has_the_rules_of_its_certificate_and_not_of_the_asked_name() {
    in_a_network(|| {
        let lab = Lab::start("");
        let other = || Some(lab.clients.certificate("other"));
        assert_eq!(ask_over_quic(lab.over_quic(lab.phone())), Ok(1));
        assert_eq!(ask_over_http3(lab.over_http3(lab.phone())), Ok(1));
        assert_eq!(ask_over_quic(lab.over_quic(other())), Ok(0));
        assert_eq!(ask_over_http3(lab.over_http3(other())), Ok(0));
        assert_eq!(ask_over_quic(lab.over_quic(None)), Ok(0), "a name proves nothing");
        assert_eq!(ask_over_http3(lab.over_http3(None)), Ok(0), "a path proves nothing");
        assert!(ask_over_quic(lab.over_quic(lab.foreign())).is_err());
        assert!(ask_over_http3(lab.over_http3(lab.foreign())).is_err());
        until("both failures are counted", || {
            lab.daemon.counter("client_quic_handshakes_failed") == 2
        });
    });
}

#[test]
fn a_client_with_a_certificate_resumes_no_session() {
    in_a_network(|| {
        let lab = Lab::start("");
        for protocol in [b"doq", &b"h3"[..]] {
            let trust = lab.trust(lab.phone(), protocol);
            let client = trust.connect(address()).unwrap();
            let answered = match protocol {
                b"doq" => ask_over_quic(Ok(client)),
                _ => ask_over_http3(Ok(Http3Client::begin(client))),
            };
            assert_eq!(answered, Ok(1));
            assert!(!trust.begin(address()).has_early_data());
        }
    });
}

#[test]
fn a_required_certificate_and_a_new_authority() {
    in_a_network(|| {
        let lab = Lab::start("require-client-certificate = true");
        assert!(ask_over_quic(lab.over_quic(None)).is_err());
        assert!(ask_over_http3(lab.over_http3(None)).is_err());
        let mut quic = lab.over_quic(lab.phone()).unwrap();
        let mut http3 = lab.over_http3(lab.phone()).unwrap();
        assert_eq!(addresses(quic.answer(&here())), Ok(1));
        assert_eq!(addresses(http3.ask("/dns-query", &here())), Ok(1));
        // The file is watched: a replaced authority certifies no further client.
        let next = Clients::at(&lab.folder.path().join("clients.pem"));
        let phone = || Some(next.certificate("phone"));
        until("the next authority counts", || ask_over_quic(lab.over_quic(phone())) == Ok(1));
        assert_eq!(quic.close_code(), Some(0), "DOQ_NO_ERROR: nor on a connection of before");
        assert_eq!(http3.0.close_code(), Some(0x100), "H3_NO_ERROR");
        assert_eq!(ask_over_http3(lab.over_http3(phone())), Ok(1));
        assert!(ask_over_quic(lab.over_quic(lab.phone())).is_err());
    });
}

#[test]
fn a_renewed_certificate_of_the_server_ends_no_connection() {
    in_a_network(|| {
        let mut lab = Lab::start("require-client-certificate = true");
        let mut client = lab.over_quic(lab.phone()).unwrap();
        assert_eq!(addresses(client.answer(&here())), Ok(1));
        certify(lab.daemon.folder.path());
        lab.daemon.signal("-HUP");
        assert!(lab.daemon.logs("reload: the new configuration is in force"));
        until("the new certificate is shown", || lab.over_quic(lab.phone()).is_err());
        assert_eq!(addresses(client.answer(&here())), Ok(1));
    });
}
