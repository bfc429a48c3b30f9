//! The HTTP service on real sockets: hosts, limits, and listeners that follow the configuration.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::common::heard::take;
use crate::common::networks::in_a_network;
use crate::common::waiting::{PATIENCE, until};
use crate::common::{Daemon, file};

/// The connections that one client may have.
const MOST_OF_A_CLIENT: usize = 32;
const HERE: &str = "127.0.0.1:8053";

fn configuration(http: &str) -> String {
    format!(
        "[server]\ncontrol = \"\"\nlisten = [\"127.0.0.1:53\"]\nhttp = [{http}]\nhttp-names = [\"dns.lan\"]\n"
    )
}

/// A daemon with these addresses of the HTTP service.
fn daemon(http: &str) -> Daemon {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, &configuration(http));
    let mut daemon = Daemon::of(folder);
    assert!(daemon.is_ready());
    daemon
}

/// A connection from one address of this machine to another; none if nobody listens.
fn connect(from: &str, to: &str) -> Option<TcpStream> {
    let (from, to): (SocketAddr, SocketAddr) =
        (format!("{from}:0").parse().unwrap(), to.parse().unwrap());
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.bind(&from.into()).unwrap();
    socket.connect(&to.into()).ok()?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Some(stream)
}

/// Everything that comes until the connection ends.
fn rest(mut stream: &TcpStream) -> String {
    let mut read = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut read);
    String::from_utf8(read).unwrap()
}

/// The reply to a GET or the like, after which the connection ends; empty if there is none.
fn ask(from: &str, to: &str, line: &str, host: &str) -> String {
    let Some(mut stream) = connect(from, to) else { return String::new() };
    let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(request.as_bytes());
    rest(&stream)
}

fn is_served(to: &str) -> bool {
    ask("127.0.0.1", to, "GET /health", "localhost").contains("cache-control: no-store")
}

#[test]
fn health_is_served_to_those_who_name_the_service() {
    in_a_network(|| {
        let _daemon = daemon("\"127.0.0.1\"");
        for host in [HERE, "localhost", "dns.lan:8053"] {
            let reply = ask("127.0.0.1", HERE, "GET /health", host);
            let healthy = reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\nok\n");
            // There are no servers in this network, which the daemon may have noticed.
            assert!(healthy || reply.starts_with("HTTP/1.1 503 "), "{reply}");
        }
        let reply = ask("127.0.0.1", HERE, "GET /health", "rebound.example");
        assert!(reply.starts_with("HTTP/1.1 421 "), "{reply}");
        let reply = ask("127.0.0.1", HERE, "POST /health", "localhost");
        assert!(reply.starts_with("HTTP/1.1 405 "), "{reply}");
        let reply = ask("127.0.0.1", HERE, "GET /", "localhost");
        assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
        let reply = ask("127.0.0.1", HERE, "HEAD /nothing", "localhost");
        assert!(reply.starts_with("HTTP/1.1 404 ") && reply.ends_with("\r\n\r\n"), "{reply}");
    });
}

#[test]
fn metrics_are_served_where_the_configuration_says_so() {
    in_a_network(|| {
        let mut daemon = daemon("\"127.0.0.1\"");
        let ask = |path: &str| ask("127.0.0.1", HERE, &format!("GET {path}"), "localhost");
        assert!(ask("/ready").starts_with("HTTP/1.1 200 OK\r\n"));
        let reply = ask("/metrics");
        assert!(reply.starts_with("HTTP/1.1 404 ") && reply.contains("http-metrics"), "{reply}");
        let configuration = configuration("\"127.0.0.1\"") + "http-metrics = true\n";
        file(&daemon.folder, &configuration);
        daemon.signal("-HUP");
        assert!(daemon.line_with("reload: ").unwrap().contains("is in force"));
        let reply = ask("/metrics");
        let (head, text) = reply.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert_eq!(value("zoners_client_queries_received_total "), "0");
        assert_eq!(value("zoners_client_queries_total{outcome=\"cached\"} "), "0");
        assert_eq!(value("zoners_listen_addresses "), "1");
    });
}

#[test]
fn requests_sent_together_are_answered_in_order() {
    in_a_network(|| {
        let _daemon = daemon("\"127.0.0.1\"");
        let mut stream = connect("127.0.0.1", HERE).unwrap();
        let request =
            |line: &str, more: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
        let all = [
            request("GET /nothing", ""),
            request("DELETE /health", ""),
            request("GET /health", "Accept: application/json\r\nConnection: close\r\n"),
        ];
        stream.write_all(all.concat().as_bytes()).unwrap();
        let replies = rest(&stream);
        let at = |text: &str| replies.find(text).unwrap_or_else(|| panic!("{text}: {replies}"));
        assert!(at("HTTP/1.1 404 ") < at("HTTP/1.1 405 "), "{replies}");
        assert!(at("HTTP/1.1 405 ") < at("{\"version\":1,\"healthy\":"), "{replies}");
    });
}

#[test]
fn a_client_with_many_slow_connections_takes_no_more_and_no_one_elses() {
    in_a_network(|| {
        let _daemon = daemon("\"0.0.0.0:8053\"");
        until("it listens", || is_served(HERE));
        let slow = || {
            let mut stream = connect("127.0.0.1", HERE).unwrap();
            // The connection may be closed already.
            let _ = stream.write_all(b"GET /health HT");
            stream
        };
        let mut streams: Vec<TcpStream> = (0..MOST_OF_A_CLIENT + 1).map(|_| slow()).collect();
        // The last one has no slot, and ends without a reply.
        assert_eq!(rest(&streams.pop().unwrap()), "");
        let reply = ask("127.0.0.2", HERE, "GET /health", "localhost");
        assert!(reply.starts_with("HTTP/1.1 "), "another client is served: {reply}");
        streams.pop();
        until("a slot is free again", || is_served(HERE));
    });
}

#[test]
fn a_reload_changes_where_http_is_served() {
    in_a_network(|| {
        let mut daemon = daemon("\"127.0.0.1\"");
        let mut reload = |http: &str| {
            file(&daemon.folder, &configuration(http));
            daemon.signal("-HUP");
            daemon.line_with("reload: ").unwrap()
        };
        let other = "127.0.0.2:8053";
        assert!(is_served(HERE) && !is_served(other));
        assert!(reload("\"127.0.0.1\", \"127.0.0.2\"").contains("is in force"));
        assert!(is_served(HERE) && is_served(other));
        let idle = connect("127.0.0.1", HERE).unwrap();
        assert!(reload("\"127.0.0.2\"").contains("is in force"));
        assert_eq!(rest(&idle), "", "an idle connection of the left listener ends");
        until("it is left", || !is_served(HERE));
        assert!(is_served(other));
        let _taken = take("127.0.0.3:8053");
        let told = reload("\"127.0.0.2\", \"127.0.0.3\"");
        assert!(told.contains("reload: refused"), "{told}");
        let told = daemon.line_with("server.http: ").unwrap();
        assert!(told.contains("127.0.0.3:8053: Address already in use"), "{told}");
        assert!(is_served(other));
    });
}
