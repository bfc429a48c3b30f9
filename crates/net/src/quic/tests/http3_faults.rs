//! Clients that break HTTP/3 (RFC 9114 section 8.1) or QPACK (RFC 9204 section 6).

use quinn_proto::{Connection, Dir, Side, StreamId};
use zoners_dns::Counter;
use zoners_tls::alpn;

use super::http3::{CONTROL, connected, fields, frame, get};
use super::peers::{ClientLike, World};

#[test]
fn a_fault_of_a_stream_beside_the_requests_ends_the_connection() {
    for (fault, octets, ends, code) in [
        ("a second control stream", &CONTROL[..], false, 0x103),
        ("a push", &[0x01], false, 0x103),
        ("an encoder with a table", &[0x02, 0x3F], false, 0x201),
        ("a decoder of sections that never came", &[0x03, 0x80], false, 0x202),
        ("an encoder that ends", &[0x02], true, 0x104),
    ] {
        let (mut world, client) = connected();
        world.clients[client].send_on(Dir::Uni, octets, ends);
        assert!(world.run().is_empty(), "{fault}");
        assert_eq!(world.clients[client].close_code(), Some(code), "{fault}");
        assert_eq!((world.count(Counter::ClientHttp3Faults), world.server.connections()), (1, 0));
    }
}

/// A fault with the control streams of client and server.
type Commit = fn(&mut Connection, [StreamId; 2]);

#[test]
fn a_control_stream_begins_with_settings_and_stays() {
    let control = StreamId::new(Side::Client, Dir::Uni, 0);
    let own = StreamId::new(Side::Server, Dir::Uni, 0);
    let faults: [(&str, u64, Commit); 3] = [
        ("an end", 0x104, |connection, [control, _]| {
            connection.send_stream(control).finish().unwrap();
        }),
        ("a reset", 0x104, |connection, [control, _]| {
            connection.send_stream(control).reset(0u32.into()).unwrap();
        }),
        ("no more of the server's", 0x104, |connection, [_, own]| {
            connection.recv_stream(own).stop(0u32.into()).unwrap();
        }),
    ];
    for (fault, code, commit) in faults {
        let (mut world, client) = connected();
        commit(&mut world.clients[client].connection, [control, own]);
        world.run();
        assert_eq!(world.clients[client].close_code(), Some(code), "{fault}");
        assert_eq!(world.count(Counter::ClientHttp3Faults), 1, "{fault}");
    }
    let mut world = World::speaking(&[alpn::HTTP_3], alpn::HTTP_3);
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    world.clients[client].send_on(Dir::Uni, &[0x00, 0x07, 0x01, 0x00], false);
    world.run();
    assert_eq!(world.clients[client].close_code(), Some(0x10A));
}

#[test]
fn a_request_that_breaks_the_framing_ends_the_connection() {
    for (fault, octets, code) in [
        ("a body first", frame(0x00, b"body"), 0x105),
        ("settings", frame(0x04, b""), 0x105),
        ("no QPACK", frame(0x01, &[0xFF]), 0x200),
        ("half a frame", get()[..9].to_vec(), 0x106),
    ] {
        let (mut world, client) = connected();
        world.clients[client].send(&octets, true);
        assert!(world.run().is_empty(), "{fault}");
        assert_eq!(world.clients[client].close_code(), Some(code), "{fault}");
        assert_eq!(world.count(Counter::ClientHttp3Faults), 1, "{fault}");
    }
}

#[test]
fn a_malformed_request_ends_its_stream_alone() {
    for (fault, octets, code) in [
        ("no fields", vec![], 0x10D),
        ("a tunnel", fields("CONNECT", "/", &[]), 0x10E),
        ("a field of HTTP/1.1", fields("GET", "/", &[("connection", "close")]), 0x10E),
        ("another length", fields("POST", "/", &[("content-length", "1")]), 0x10E),
    ] {
        let (mut world, client) = connected();
        let id = world.clients[client].send(&octets, true);
        assert!(world.run().is_empty(), "{fault}");
        assert_eq!(world.clients[client].heard(id), (vec![], Some(Some(code))), "{fault}");
        assert_eq!(world.count(Counter::ClientHttp3Malformed), 1, "{fault}");
        world.clients[client].send(&get(), true);
        assert_eq!(world.run().len(), 1, "{fault}");
    }
}

#[test]
fn a_client_that_lets_the_server_open_no_stream_is_closed() {
    let mut world = World::speaking(&[alpn::HTTP_3], alpn::HTTP_3);
    let client = world.connect("192.0.2.7", ClientLike::Closed);
    world.run();
    assert!(world.clients[client].lost.is_some());
    assert_eq!((world.count(Counter::ClientHttp3Faults), world.server.connections()), (1, 0));
}
