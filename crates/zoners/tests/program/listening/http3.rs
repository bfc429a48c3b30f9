//! Listening over HTTP/3 (RFC 9114), as a client sees it. Each test has a network of its own, as a port of UDP and of TCP
//! is to be free.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::Arc;

use quinn_proto::ConnectionError;
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use zoners_dns::{Message, OptRcode, Rtype};

use crate::common::certificate::{certificate_keys, certify};
use crate::common::http3_client::Http3Client;
use crate::common::networks::in_a_network;
use crate::common::quic_client::QuicTrust;
use crate::common::waiting::until;
use crate::common::{Daemon, client, file, localhost, query_for, zoners};
use crate::daemon::service::ACTIVATE;

const HTTPS: &str = "\"127.0.0.1:0\", \"https://127.0.0.1:8443\"";
const SHARED: &str = "\"127.0.0.1:0\", \"https://127.0.0.1:8443\", \"quic://127.0.0.1:8443\"";
/// A query for the addresses of the root, as a parameter.
const ROOT: &str = "/dns-query?dns=AAAAAAABAAAAAAAAAAABAAE";

fn address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8443))
}

/// A daemon with a listener of DNS over HTTPS.
struct Lab {
    daemon: Daemon,
    chain: String,
}

impl Lab {
    fn start(listen: &str, more: &str) -> Self {
        Lab::logging(listen, more, "HTTPS at /dns-query, over HTTP/3 too")
    }

    /// A daemon that tells such a line at its start.
    fn logging(listen: &str, more: &str, line: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = certify(folder.path());
        let keys = certificate_keys(folder.path());
        file(&folder, &format!("[server]\nlisten = [{listen}]\n{keys}\n{more}\n"));
        let mut daemon = Daemon::of(folder);
        assert!(daemon.is_ready_and(line));
        Lab { daemon, chain }
    }

    fn connect(&self) -> Result<Http3Client, ConnectionError> {
        Http3Client::connect(&self.chain, address())
    }

    fn reload(&mut self, from: &str, to: &str) {
        let config = self.daemon.folder.path().join("zoners.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&config, text.replace(from, to)).unwrap();
        self.daemon.signal("-HUP");
        assert!(self.daemon.logs("reload: the new configuration is in force"));
    }

    fn control(&self, command: &[&str]) -> std::process::Output {
        let socket = self.daemon.folder.path().join("run/zoners.sock").display().to_string();
        zoners(&[command, &["--control", &socket]].concat())
    }

    fn json(&self, command: &str) -> Value {
        serde_json::from_slice(&self.control(&[command, "--json"]).stdout).unwrap()
    }

    fn counter(&self, name: &str) -> u64 {
        self.json("stats")["counters"][name].as_u64().unwrap()
    }
}

#[test]
fn queries_are_answered_as_over_http2() {
    in_a_network(|| {
        let group = "[[policy.group]]\nname = \"own\"\nidentities = [\"phone\"]\nrecords = [\"here.test. A 192.0.2.7\"]";
        let lab = Lab::start(HTTPS, &format!("threads = 2\n{group}"));
        let mut client = lab.connect().unwrap();
        let local = client.ask("/dns-query", &localhost(0, Rtype::A)).unwrap();
        assert_eq!(local.answer.len(), 1);
        let here = query_for(0, "here.test", Rtype::A);
        let addresses = |client: &mut Http3Client, path: &str| {
            let message = client.ask(path, &here).unwrap();
            message.answer.iter().flat_map(|set| set.addresses()).count()
        };
        assert_eq!(addresses(&mut client, "/dns-query"), 0);
        assert_eq!(addresses(&mut client, "/dns-query/phone"), 1, "the path tells the identity");
        let get = client.get("/dns-query?dns=AAABAAABAAAAAAAACWxvY2FsaG9zdAAAAQAB").unwrap();
        assert_eq!(
            (&*get.status, get.field("content-type")),
            ("200", Some("application/dns-message"))
        );
        assert!(get.field("cache-control").is_some_and(|kept| kept.starts_with("max-age=")));
        assert!(get.field("date").is_some() && get.field("alt-svc").is_none());
        for (method, path, body, status) in [
            ("GET", "/", &b""[..], "404"),
            ("PUT", "/dns-query", b"", "405"),
            ("GET", "/dns-query", b"", "400"),
            ("POST", "/dns-query", &[0; 4097], "413"),
        ] {
            let stream = client.send(method, path, body);
            assert_eq!(client.answer(stream).unwrap().status, status, "{method} {path}");
        }
        assert_eq!((lab.counter("client_http3_connections"), lab.counter("http_requests")), (1, 8));
        assert_eq!(lab.counter("client_queries"), 4);
        let (status, place) = (lab.json("status"), "https://127.0.0.1:8443/dns-query");
        let both = serde_json::json!([place]);
        assert_eq!((&status["encrypted"], &status["http3"]), (&both, &both));
        let told = String::from_utf8_lossy(&lab.control(&["status"]).stdout).into_owned();
        assert!(told.contains(&format!("{place} (HTTP/3 too)")), "{told}");
    });
}

#[test]
fn many_queries_of_a_turn_are_answered_and_one_is_cancelled() {
    in_a_network(|| {
        let silent = client([127, 0, 0, 1]);
        let stub = format!(
            "[[stub]]\nzone = \"silent.test\"\nservers = [\"{}\"]",
            silent.local_addr().unwrap()
        );
        let lab = Lab::start(HTTPS, &stub);
        let mut client = lab.connect().unwrap();
        let lost = client.send("POST", "/dns-query", &query_for(0, "www.silent.test", Rtype::A));
        let streams =
            [(); 60].map(|()| client.send("POST", "/dns-query", &localhost(0, Rtype::AAAA)));
        for stream in streams {
            assert_eq!(client.answer(stream).unwrap().status, "200");
        }
        silent.recv(&mut [0; 512]).unwrap();
        client.0.cancel(lost);
        until("the query is cancelled", || lab.counter("client_quic_cancelled") == 1);
        until("the query has an outcome", || lab.counter("client_dropped") == 1);
        assert_eq!(client.get(ROOT).unwrap().status, "200");
    });
}

#[test]
fn a_client_that_was_there_before_asks_in_its_first_packet() {
    in_a_network(|| {
        let lab = Lab::start(HTTPS, "");
        let trust = QuicTrust::speaking(&lab.chain, b"h3");
        let mut first = Http3Client::begin(trust.connect(address()).unwrap());
        assert_eq!(first.get(ROOT).unwrap().status, "200");
        let again = trust.begin(address());
        assert!(again.has_early_data());
        assert_eq!(Http3Client::begin(again).get(ROOT).unwrap().status, "200");
    });
}

#[test]
fn a_port_is_shared_with_dns_over_quic() {
    in_a_network(|| {
        let mut lab = Lab::start(SHARED, "");
        let doq = QuicTrust::of(&lab.chain);
        let (mut phone, mut browser) = (doq.connect(address()).unwrap(), lab.connect().unwrap());
        assert_eq!(phone.ask().unwrap().answer.len(), 1);
        assert_eq!(browser.get(ROOT).unwrap().status, "200");
        let encrypted = lab.json("status")["encrypted"].clone();
        let expected = ["https://127.0.0.1:8443/dns-query", "quic://127.0.0.1:8443"];
        assert_eq!(encrypted, serde_json::json!(expected));
        lab.reload("[server]", "[server]\nhttp3 = false");
        until("HTTP/3 is no more", || lab.connect().is_err());
        assert_eq!(doq.connect(address()).unwrap().ask().unwrap().answer.len(), 1);
        assert_eq!(phone.ask().unwrap().answer.len(), 1, "the connection goes on");
        lab.reload("http3 = false", "http3 = true");
        until("HTTP/3 is there again", || {
            lab.connect().is_ok_and(|mut client| client.get(ROOT).is_ok())
        });
    });
}

#[test]
fn a_reload_changes_the_path_and_the_clients() {
    in_a_network(|| {
        let table =
            "[[listen]]\naddress = \"https://127.0.0.1:8443/dns-query\"\nallow = [\"127.0.0.1\"]";
        let mut lab = Lab::start("\"127.0.0.1:0\"", table);
        let mut client = lab.connect().unwrap();
        assert_eq!(client.get(ROOT).unwrap().status, "200");
        lab.reload("/dns-query", "/q");
        let query = localhost(0, Rtype::A);
        let has_new = || lab.connect().unwrap().get("/q").unwrap().status == "400";
        until("the new path is served", has_new);
        assert_eq!(client.ask("/q", &query).unwrap().answer.len(), 1);
        assert_eq!(client.get(ROOT).unwrap().status, "404");
        lab.reload("allow = [\"127.0.0.1\"]", "allow = []");
        until("new clients are refused", || lab.connect().is_err());
        let refused = client.ask("/q", &query).unwrap();
        assert_eq!(refused.rcode, OptRcode::REFUSED, "a client that was there before");
    });
}

#[test]
fn a_new_daemon_takes_the_socket_over() {
    in_a_network(|| {
        let mut lab = Lab::start(HTTPS, "threads = 2");
        let mut before = lab.connect().unwrap();
        assert_eq!(before.get(ROOT).unwrap().status, "200");
        let done = lab.control(&["restart"]);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(before.0.close_code(), Some(0x100), "H3_NO_ERROR");
        assert!(lab.daemon.child.wait().unwrap().success());
        for _ in 0..4 {
            assert_eq!(lab.connect().unwrap().get(ROOT).unwrap().status, "200");
        }
        assert_eq!(lab.counter("client_http3_connections"), 4, "of the new daemon");
        let process = said.split_whitespace().nth(1).unwrap().parse().unwrap();
        kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
    });
}

#[test]
fn a_port_of_another_program_is_told_and_ends_nothing() {
    in_a_network(|| {
        let other = UdpSocket::bind(address()).unwrap();
        let mut lab = Lab::logging(HTTPS, "", "listen: not served: HTTP/3 at 127.0.0.1:8443");
        let told = lab.json("status")["not_served"][0].as_str().unwrap().to_owned();
        assert!(told.starts_with("HTTP/3 at 127.0.0.1:8443: Address already in use"), "{told}");
        assert_eq!(alt_svc(&lab.chain), None, "HTTP/2 is served, and HTTP/3 is not told");
        assert_eq!(
            (protocols(&lab), &lab.json("status")["http3"]),
            ("h2".to_owned(), &Value::Null)
        );
        drop(other);
        lab.reload("[server]", "[server]\nhttp3 = true");
        until("HTTP/3 is served", || lab.connect().is_ok());
        assert!(alt_svc(&lab.chain).is_some());
        assert_eq!(protocols(&lab), "h2,h3");
        lab.reload("http3 = true", "http3 = false");
        until("the port is left", || UdpSocket::bind(address()).is_ok());
        assert_eq!(alt_svc(&lab.chain), None);
    });
}

#[test]
fn clients_of_http2_learn_of_http3() {
    in_a_network(|| {
        let lab = Lab::start(HTTPS, "");
        assert_eq!(alt_svc(&lab.chain).as_deref(), Some("h3=\":8443\"; ma=86400"));
        let mut lab = lab;
        lab.reload("[server]", "[server]\nhttp3 = false");
        assert_eq!(alt_svc(&lab.chain), None);
    });
}

#[test]
fn the_server_binds_a_socket_that_the_service_manager_lacks() {
    in_a_network(|| {
        let folder = tempfile::tempdir().unwrap();
        let chain = certify(folder.path());
        let keys = certificate_keys(folder.path());
        let text = format!("[server]\nlisten = [{HTTPS}]\ncontrol = \"\"\nthreads = 2\n{keys}\n");
        let config = file(&folder, &text);
        let mut child = Command::new("python3")
            .args(["-c", ACTIVATE, env!("CARGO_BIN_EXE_zoners"), "serve", "--config"])
            .arg(config)
            .env("XDG_STATE_HOME", folder.path())
            .spawn()
            .unwrap();
        until("HTTP/3 is served", || {
            Http3Client::connect(&chain, address()).is_ok_and(|mut client| client.get(ROOT).is_ok())
        });
        child.kill().unwrap();
        child.wait().unwrap();
    });
}

/// The protocols of the designated resolver (RFC 9462).
fn protocols(lab: &Lab) -> String {
    let answer = lab.daemon.ask(&query_for(7, "_dns.resolver.arpa", Rtype::SVCB));
    let answer = Message::parse(&answer.into()).unwrap();
    let service = answer.answer[0].parsed().next().unwrap().data().to_string();
    let (_, protocols) = service.split_once("alpn=").unwrap();
    protocols.split_whitespace().next().unwrap().trim_matches('"').to_owned()
}

/// The field of an answer over HTTP/2 that names further ways (RFC 7838).
fn alt_svc(chain: &str) -> Option<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let asking = async {
        let stream = tokio::net::TcpStream::connect(address()).await.unwrap();
        let name = ServerName::try_from("dns.example").unwrap();
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = tls.connect(name, stream).await.unwrap();
        let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get(format!("https://dns.example{ROOT}")).body(()).unwrap();
        let (response, _) = client.send_request(request, true).unwrap();
        let response = response.await.unwrap();
        let field = response.headers().get("alt-svc")?;
        Some(field.to_str().unwrap().to_owned())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(asking)
}
