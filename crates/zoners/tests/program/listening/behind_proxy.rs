//! Listening behind a load balancer that names the clients (PROXY protocol, version 2).

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use zoners_dns::{OptRcode, Rtype};

use super::encrypted::{ask, handshake, serving_as_logged};
use crate::common::waiting::until;
use crate::common::{Daemon, localhost, receive, send};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The proxy speaks for itself.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
const SERVED: [u8; 4] = [203, 0, 113, 7];
const STRANGER: [u8; 4] = [198, 51, 100, 7];

/// A table in which this machine is a proxy, and clients of the documentation's network are served.
fn table(scheme: &str) -> String {
    format!(
        "[[listen]]\naddress = \"{scheme}://127.0.0.1:0\"\nallow = [\"203.0.113.0/24\"]\nproxies = [\"127.0.0.1\"]"
    )
}

/// The header in which the proxy names `client`, with a field behind the addresses.
fn header(client: [u8; 4]) -> Vec<u8> {
    let field = [4, 0, 2, 0, 0];
    let length = 12 + field.len() as u8;
    let addresses = [&client[..], &[192, 0, 2, 80], &[0x30, 0x39, 3, 0x55]].concat();
    [SIGNATURE, &[0x21, 0x11, 0, length][..], &addresses, &field].concat()
}

fn connect(to: SocketAddr, header: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(header).unwrap();
    stream
}

/// A daemon that serves over TCP as a table says, and the address.
fn serving(table: &str) -> (Daemon, SocketAddr) {
    let mut daemon = Daemon::start(table);
    let told = daemon.line_with(", TCP").unwrap();
    let (_, address) = told.split_once("serving on ").unwrap();
    let address = address.split(',').next().unwrap().parse().unwrap();
    (daemon, address)
}

/// The answers on a connection that begins with `header`.
fn rcode(to: SocketAddr, header: &[u8]) -> OptRcode {
    let mut stream = connect(to, header);
    send(&mut stream, &localhost(7, Rtype::A)).unwrap();
    receive(&mut stream).rcode
}

/// Whether the daemon closes a connection that begins with `octets` and says no word.
fn is_closed(to: SocketAddr, octets: &[u8]) -> bool {
    let mut stream = connect(to, octets);
    let _ = stream.shutdown(Shutdown::Write);
    !matches!(stream.read(&mut [0; 512]), Ok(1..))
}

#[test]
fn the_client_of_the_header_is_the_client() {
    let (daemon, address) = serving(&table("tcp"));
    assert_eq!(rcode(address, &header(SERVED)), OptRcode::NOERROR);
    assert_eq!(rcode(address, &header(STRANGER)), OptRcode::REFUSED);
    assert_eq!(rcode(address, LOCAL), OptRcode::REFUSED, "the proxy itself is no client");
    assert_eq!(daemon.counter("client_proxy_headers"), 3);
    let without_header = [&[0, 29][..], &localhost(7, Rtype::A)].concat();
    assert!(is_closed(address, &without_header));
    assert!(is_closed(address, &header(SERVED)[..20]), "cut off");
    until("both are counted", || daemon.counter("client_proxy_failed") == 2);
    assert_eq!(daemon.counter("client_proxy_headers"), 3);
}

#[test]
fn nobody_else_is_believed() {
    let (mut daemon, address) =
        serving(&table("tcp").replace("[\"127.0.0.1\"]", "[\"192.0.2.1\"]"));
    let octets = [&header(SERVED)[..], &[0, 29], &localhost(7, Rtype::A)].concat();
    assert!(is_closed(address, &octets));
    assert_eq!(rcode(address, b""), OptRcode::REFUSED, "by its own address");
    assert_eq!(daemon.counter("client_proxy_headers"), 0);
    // A reload makes this machine a proxy, at the same socket.
    daemon.reconfigure(&table("tcp"));
    assert!(daemon.logs("reload: the new configuration is in force"));
    until("the header is read", || rcode(address, &header(SERVED)) == OptRcode::NOERROR);
}

#[test]
fn the_header_stands_before_tls() {
    let (_daemon, chain, address) = serving_as_logged("\"127.0.0.1:0\"", &table("tls"), ", TLS");
    let rcode = |client| {
        let stream = connect(address, &header(client));
        ask(&mut handshake("dns.example", stream, &chain).unwrap()).unwrap().rcode
    };
    assert_eq!(rcode(SERVED), OptRcode::NOERROR);
    assert_eq!(rcode(STRANGER), OptRcode::REFUSED);
    assert!(handshake("dns.example", connect(address, b""), &chain).is_err());
}

#[test]
fn a_client_over_https_has_the_connections_of_its_own_address() {
    let (daemon, chain, address) =
        serving_as_logged("\"127.0.0.1:0\"", &table("https"), "http: listening on ");
    let of = |client| handshake("dns.example", connect(address, &header(client)), &chain);
    let _held = [(); 2].map(|()| of(STRANGER).unwrap());
    assert!(of(STRANGER).is_err(), "closed at once");
    assert!(of([198, 51, 100, 8]).is_ok() && of(SERVED).is_ok());
    assert!(handshake("dns.example", connect(address, b""), &chain).is_err());
    assert_eq!(daemon.counter("client_proxy_headers"), 5);
    until("the fault is counted", || daemon.counter("client_proxy_failed") == 1);
}
