//! Certificates from an ACME server, which connects to the daemon for its proofs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use zoners_dns::Rtype;

use super::encrypted::{ask, handshake};
use crate::acme_server::{AcmeServer, Conduct};
use crate::common::quic_client::QuicTrust;
use crate::common::waiting::until;
use crate::common::{Daemon, file, localhost};

/// A daemon that wants a certificate, at ports of its own.
struct AcmeLab {
    server: AcmeServer,
    /// For handshakes and for QUIC.
    encrypted: SocketAddr,
    /// For pages.
    pages: SocketAddr,
}

/// A port that is free now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl AcmeLab {
    fn new() -> Self {
        AcmeLab { server: AcmeServer::start(), encrypted: free(), pages: free() }
    }

    /// The configuration, with these lines of `[acme]`.
    fn text(&self, acme: &str) -> String {
        let AcmeLab { server, encrypted, pages } = self;
        format!(
            "[server]\nlisten = [\"127.0.0.1:0\", \"tls://{encrypted}\", \"quic://{encrypted}\"]\n\
             [acme]\ndirectory = \"{}\"\ndirectory-authority = \"FOLDER/ca.pem\"\naccept-terms = true\n\
             listen = [\"{pages}\"]\n{acme}\n",
            server.directory()
        )
    }

    fn start(&self, acme: &str) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), self.server.authority()).unwrap();
        self.start_in(folder, acme)
    }

    fn start_in(&self, folder: tempfile::TempDir, acme: &str) -> Daemon {
        self.write(&folder, acme);
        let mut daemon = Daemon::of(folder);
        assert!(daemon.is_ready());
        daemon
    }

    fn write(&self, folder: &tempfile::TempDir, acme: &str) {
        let text = self.text(acme).replace("FOLDER", &folder.path().display().to_string());
        file(folder, &text);
    }

    /// Whether a client over TLS is served with a certificate for this name.
    fn serves(&self, name: &'static str) -> bool {
        let stream = TcpStream::connect(self.encrypted).unwrap();
        let connection = handshake(name, stream, self.server.authority());
        connection.is_ok_and(|mut connection| ask(&mut connection).is_ok())
    }
}

const BOTH: &str = "names = [\"dns.example\", \"127.0.0.1\"]";

#[test]
fn a_certificate_is_had_while_others_are_served_and_outlasts_the_server() {
    let lab = AcmeLab::new();
    let mut daemon = lab.start(BOTH);
    assert!(!daemon.ask(&localhost(1, Rtype::A)).is_empty(), "served at once, in clear");
    assert!(!lab.serves("dns.example"), "there is no certificate yet");
    // The ACME server waits for the address until here.
    lab.server.proves_at(lab.encrypted, lab.pages);
    let told = daemon.line_with("acme: new certificate for dns.example, 127.0.0.1").unwrap();
    assert!(told.contains("valid for"), "{told}");
    until("TLS is served", || lab.serves("dns.example"));
    assert!(lab.serves("127.0.0.1"));
    let trust = QuicTrust::of(lab.server.authority());
    assert_eq!(trust.connect(lab.encrypted).unwrap().ask().unwrap().answer.len(), 1);
    assert_eq!(daemon.counter("acme_orders"), 1);
    assert_eq!(daemon.counter("acme_issued"), 1);
    // Another start needs no ACME server.
    lab.server.does(Conduct::Down);
    daemon.signal("-TERM");
    daemon.child.wait().unwrap();
    let folder = std::mem::replace(&mut daemon.folder, tempfile::tempdir().unwrap());
    let again = lab.start_in(folder, BOTH);
    until("TLS is served", || lab.serves("dns.example"));
    assert_eq!(again.counter("acme_orders"), 0);
    assert_eq!(lab.server.counts(), (1, 1));
}

#[test]
fn other_names_are_ordered_and_open_connections_stay() {
    let lab = AcmeLab::new();
    lab.server.proves_at(lab.encrypted, lab.pages);
    let mut daemon = lab.start(BOTH);
    assert!(daemon.logs("acme: new certificate"));
    until("TLS is served", || lab.serves("dns.example"));
    let stream = TcpStream::connect(lab.encrypted).unwrap();
    let mut open = handshake("dns.example", stream, lab.server.authority()).unwrap();
    assert!(ask(&mut open).is_ok());
    lab.write(&daemon.folder, "names = [\"other.example\"]");
    daemon.signal("-HUP");
    assert!(daemon.logs("acme: new certificate for other.example"));
    until("the other name is served", || lab.serves("other.example"));
    assert!(!lab.serves("dns.example"));
    assert!(ask(&mut open).is_ok(), "with the certificate of its handshake");
    assert_eq!(lab.server.counts(), (2, 1));
}

#[test]
fn the_port_of_pages_has_nothing_else() {
    let lab = AcmeLab::new();
    lab.server.proves_at(lab.encrypted, lab.pages);
    let mut daemon = lab.start("names = [\"dns.example\"]\nchallenge = \"http-01\"");
    assert!(daemon.logs("acme: new certificate"));
    for path in ["/", "/health", "/metrics", "/.well-known/acme-challenge/token-of-a-proof_0"] {
        let mut stream = TcpStream::connect(lab.pages).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: dns.example\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 404 "), "{path}: {reply}");
    }
}

#[test]
fn an_order_that_fails_is_told_with_its_reason_and_the_next_attempt() {
    let lab = AcmeLab::new();
    lab.server.proves_at(lab.encrypted, lab.pages);
    lab.server.does(Conduct::OtherNames);
    let mut daemon = lab.start(BOTH);
    let told = daemon.line_with("acme: no new certificate").unwrap();
    assert!(told.contains("the certificate is for other.example; next order in"), "{told}");
    until("the report has the failure", || daemon.json("status")["acme"]["failures"] == 1);
    let status = daemon.json("status");
    let next_s = status["acme"]["next_order_in_s"].as_u64().unwrap();
    assert!((35 * 3600..=44 * 3600).contains(&next_s), "{next_s}");
    let problems = status["problems"].to_string();
    assert!(problems.contains("There is no certificate for dns.example, 127.0.0.1"), "{problems}");
    assert_eq!(daemon.counter("acme_failed"), 1);
    assert!(!lab.serves("dns.example"));
}
