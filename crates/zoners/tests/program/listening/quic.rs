//! Listening over QUIC (RFC 9250), as a client sees it.

use std::net::SocketAddr;
use std::process::Output;

use quinn_proto::{ConnectionError, TransportErrorCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use zoners_dns::{Message, OptRcode, Rtype};

use crate::common::authority::Authority;
use crate::common::certificate::{certificate_keys, certify};
use crate::common::quic_client::QuicTrust;
use crate::common::waiting::until;
use crate::common::{Daemon, client, file, localhost, query_for, zoners};

/// A daemon with a listener over QUIC.
struct QuicLab {
    daemon: Daemon,
    trust: QuicTrust,
    address: SocketAddr,
}

impl QuicLab {
    fn start(more: &str) -> Self {
        QuicLab::listening("\"127.0.0.1:0\", \"quic://127.0.0.1:0\"", more)
    }

    fn listening(listen: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = certify(folder.path());
        let keys = certificate_keys(folder.path());
        file(&folder, &format!("[server]\nlisten = [{listen}]\n{keys}\n{more}\n"));
        let mut daemon = Daemon::of(folder);
        let told = daemon.line_with(", QUIC").unwrap();
        let (_, address) = told.split_once("serving on ").unwrap();
        let address = address.split(',').next().unwrap().parse().unwrap();
        QuicLab { daemon, trust: QuicTrust::of(&chain), address }
    }

    fn control(&self, command: &[&str]) -> Output {
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
fn queries_are_answered_each_on_its_stream() {
    let lab = QuicLab::start("threads = 2");
    let mut first = lab.trust.connect(lab.address).unwrap();
    assert_eq!(first.ask().unwrap().answer.len(), 1);
    let streams = [(); 5].map(|()| first.send(&localhost(0, Rtype::AAAA)));
    for stream in streams.into_iter().rev() {
        let response = first.response(stream).unwrap();
        assert!(response.starts_with(&[0, 0]), "message ID 0");
        assert_eq!(Message::parse(&response.into()).unwrap().answer.len(), 1);
    }
    // A client with a session asks in the first packet (0-RTT).
    let mut again = lab.trust.begin(lab.address);
    assert!(again.has_early_data());
    assert_eq!(again.ask().unwrap().answer.len(), 1);
    assert_eq!(lab.counter("client_queries"), 7);
    assert_eq!(lab.counter("client_quic_handshakes"), 2);
    let status = lab.json("status");
    assert_eq!(status["encrypted"][0], format!("quic://{}", lab.address));
}

#[test]
fn a_client_that_breaks_the_protocol_is_told() {
    let lab = QuicLab::start("");
    let mut client = lab.trust.connect(lab.address).unwrap();
    client.send(&localhost(7, Rtype::A));
    assert_eq!(client.close_code(), Some(2), "DOQ_PROTOCOL_ERROR");
    assert_eq!(lab.counter("client_quic_faults"), 1);
}

#[test]
fn a_new_certificate_is_shown_and_no_connection_ends() {
    let mut lab = QuicLab::start("");
    let mut connection = lab.trust.connect(lab.address).unwrap();
    assert_eq!(connection.ask().unwrap().answer.len(), 1);
    let new = QuicTrust::of(&certify(lab.daemon.folder.path()));
    lab.daemon.signal("-HUP");
    assert!(lab.daemon.logs("reload: the new configuration is in force"));
    until("the new certificate is shown", || new.connect(lab.address).is_ok());
    assert_eq!(connection.ask().unwrap().answer.len(), 1, "the connection goes on");
}

#[test]
fn a_listener_has_clients_of_its_own_and_is_left_by_a_reload() {
    let table = |allowed: &str| {
        format!("[[listen]]\naddress = \"quic://127.0.0.1:0\"\nallow = [\"{allowed}\"]")
    };
    let mut lab = QuicLab::listening("\"127.0.0.1:0\"", &table("127.0.0.1"));
    let mut connection = lab.trust.connect(lab.address).unwrap();
    assert_eq!(connection.ask().unwrap().answer.len(), 1);
    let config = lab.daemon.folder.path().join("zoners.toml");
    let before = std::fs::read_to_string(&config).unwrap();
    let denied = before.replace(&table("127.0.0.1"), &table("192.0.2.1"));
    std::fs::write(&config, denied).unwrap();
    lab.daemon.signal("-HUP");
    assert!(lab.daemon.logs("reload: the new configuration is in force"));
    let is_refused = || match lab.trust.connect(lab.address) {
        Err(ConnectionError::ConnectionClosed(close)) => {
            close.error_code == TransportErrorCode::CONNECTION_REFUSED
        }
        _ => false,
    };
    until("new clients are refused", is_refused);
    assert_eq!(
        connection.ask().unwrap().rcode,
        OptRcode::REFUSED,
        "a client that was there before"
    );
    std::fs::write(&config, before.split("[[listen]]").next().unwrap()).unwrap();
    lab.daemon.signal("-HUP");
    assert_eq!(connection.close_code(), Some(0), "DOQ_NO_ERROR");
}

#[test]
fn the_end_of_the_daemon_is_told() {
    let mut lab = QuicLab::start("threads = 2");
    let mut connections = [(); 3].map(|()| lab.trust.connect(lab.address).unwrap());
    lab.daemon.signal("-TERM");
    for connection in &mut connections {
        assert_eq!(connection.close_code(), Some(0), "DOQ_NO_ERROR");
    }
    assert!(lab.daemon.child.wait().unwrap().success());
}

#[test]
fn a_new_daemon_takes_the_sockets_over() {
    let mut lab = QuicLab::start("threads = 2");
    let mut before = lab.trust.connect(lab.address).unwrap();
    assert_eq!(before.ask().unwrap().answer.len(), 1);
    let done = lab.control(&["restart"]);
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(before.close_code(), Some(0), "DOQ_NO_ERROR");
    assert!(lab.daemon.child.wait().unwrap().success());
    for _ in 0..4 {
        let mut after = lab.trust.connect(lab.address).unwrap();
        assert_eq!(after.ask().unwrap().answer.len(), 1);
    }
    assert_eq!(lab.counter("client_quic_handshakes"), 4, "of the new daemon");
    let process = said.split_whitespace().nth(1).unwrap().parse().unwrap();
    kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_cancelled_query_is_freed() {
    let silent = client([127, 0, 0, 1]);
    let stub = format!(
        "[[stub]]\nzone = \"silent.test\"\nservers = [\"{}\"]",
        silent.local_addr().unwrap()
    );
    let lab = QuicLab::start(&stub);
    let mut client = lab.trust.connect(lab.address).unwrap();
    let stream = client.send(&query_for(0, "www.silent.test", Rtype::A));
    silent.recv(&mut [0; 512]).unwrap();
    client.cancel(stream);
    until("the query is cancelled", || lab.counter("client_quic_cancelled") == 1);
    until("the query has an outcome", || lab.counter("client_dropped") == 1);
    client.send_cancelled(&query_for(0, "at-once.silent.test", Rtype::A));
    until("the next query is cancelled", || lab.counter("client_quic_cancelled") == 2);
    until("the next query has an outcome", || lab.counter("client_dropped") == 2);
    assert_eq!(client.ask().unwrap().answer.len(), 1);
}

#[test]
fn a_query_that_gets_no_response_has_one_code_before_and_after_recursion() {
    let (folder, internet) = (tempfile::tempdir().unwrap(), Authority::start());
    internet.place("after.example", [203, 0, 113, 9]);
    let list = folder.path().join("rpz");
    let zone = "@ SOA a. b. 1 2 3 4 5\nbefore.example CNAME rpz-drop.\n32.9.113.0.203.rpz-ip CNAME rpz-drop.\n\
                blocked.example CNAME .\n";
    std::fs::write(&list, zone).unwrap();
    let list = list.display().to_string();
    let list = format!("[[policy.list]]\nname = \"rpz\"\npath = {list:?}\n");
    let lab = QuicLab::start(&format!("[dnssec]\nvalidate = false\n{}{list}", internet.stub()));
    let connect = || lab.trust.connect(lab.address).unwrap();
    let blocked = query_for(0, "blocked.example", Rtype::A);
    let is_blocked = || connect().answer(&blocked).unwrap().rcode == OptRcode::NXDOMAIN;
    until("the list is in force", is_blocked);
    let mut client = connect();
    for name in ["before.example", "after.example"] {
        let stream = client.send(&query_for(0, name, Rtype::A));
        assert_eq!(client.reset_code(stream), Ok(4), "DOQ_EXCESSIVE_LOAD: {name}");
    }
    assert!(internet.was_asked_below("after.example"));
    assert!(!internet.was_asked_below("before.example"));
}

#[test]
fn a_client_has_the_rules_of_the_name_by_which_it_asks() {
    let group = "[[policy.group]]\nname = \"own\"\nidentities = [\"phone\"]\nrecords = [\"here.test. A 192.0.2.7\"]";
    let lab = QuicLab::start(group);
    let addresses = |name: &str| {
        let mut client = lab.trust.connect_with(name, lab.address).unwrap();
        let response = client.answer(&query_for(0, "here.test", Rtype::A)).unwrap();
        response.answer.iter().flat_map(|set| set.addresses()).count()
    };
    let names = ["dns.example", "phone.dns.example", "other.dns.example"];
    assert_eq!(names.map(addresses), [0, 1, 0]);
}
