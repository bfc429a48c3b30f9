//! Clients that break the rules (RFC 9250 section 4.3.3).

use std::time::Duration;

use zoners_dns::Counter;

use super::peers::{ClientLike, World, query};
use crate::quic::{MAX_QUERY, Reception};

#[test]
fn a_fault_ends_the_connection_with_a_protocol_error() {
    let second = [query(0, 0), query(0, 0)].concat();
    for (fault, stream) in [
        ("a message ID", query(1, 0)),
        ("a second query", second),
        ("half a query", query(0, 0)[..9].to_vec()),
        ("no query", vec![]),
        ("a keepalive", with_keepalive()),
    ] {
        let mut world = World::new();
        let client = world.connect("192.0.2.7", ClientLike::Ordinary);
        world.run();
        world.clients[client].send(&stream, true);
        assert!(world.run().is_empty(), "{fault}");
        assert_eq!(world.clients[client].close_code(), Some(2), "{fault}");
        assert_eq!((world.count(Counter::ClientQuicFaults), world.server.connections()), (1, 0));
    }
}

/// A query with an OPT record that holds edns-tcp-keepalive.
fn with_keepalive() -> Vec<u8> {
    let mut framed = query(0, 0);
    framed.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 11, 0, 0]);
    framed[13] = 1;
    framed[1] = framed.len() as u8 - 2;
    framed
}

#[test]
fn a_query_that_is_too_long_ends_its_stream_alone() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let long = (MAX_QUERY as u16 + 1).to_be_bytes();
    let id = world.clients[client].send(&long, false);
    assert!(world.run().is_empty());
    assert_eq!(world.clients[client].heard(id), (vec![], Some(Some(4))));
    assert_eq!(world.count(Counter::ClientQuicExcess), 1);
    world.clients[client].ask();
    assert_eq!(world.run().len(), 1);
}

#[test]
fn a_cancelled_query_gets_no_answer() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let connection = &mut world.clients[client];
    let half = connection.send(&query(0, 0)[..9], false);
    connection.connection.send_stream(half).reset(3u32.into()).unwrap();
    let whole = connection.ask();
    let queries = world.run();
    assert_eq!(queries.len(), 1);
    assert_eq!(world.server.next_cancelled(), None, "half a query is none");
    world.clients[client].connection.recv_stream(whole).stop(3u32.into()).unwrap();
    world.run();
    assert_eq!(world.server.next_cancelled(), Some(queries[0].stream));
    assert_eq!(world.count(Counter::ClientQuicCancelled), 1);
    world.answer(&queries[0], 20);
    world.run();
    assert_eq!(world.clients[client].lost, None);
    assert_eq!(world.server.next_cancelled(), None);
    world.clients[client].ask();
    assert_eq!(world.run().len(), 1);
}

#[test]
fn a_handshake_that_stands_still_ends_and_amplifies_little() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.clients[client].hears = 0;
    world.run();
    // The client repeats nothing.
    world.clients.clear();
    for _ in 0..60 {
        world.run_after(Duration::from_millis(100));
    }
    assert_eq!(world.count(Counter::ClientQuicHandshakesFailed), 1);
    assert_eq!(world.server.connections(), 0);
    assert!(world.sent.0 <= 3 * 1200, "{} octets for one datagram", world.sent.0);
}

#[test]
fn rubbish_is_nothing() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let mut outbox = crate::quic::Outbox::default();
    let peer = crate::datagrams::Peer { address: world.clients[client].address, ours: None };
    for first in 0..=u8::MAX {
        for length in [0, 1, 7, 20, 1199, 1200, 4096] {
            let mut datagram = vec![first; length];
            datagram.iter_mut().skip(1).for_each(|octet| *octet = octet.wrapping_mul(31));
            world.server.receive(world.now, peer, &datagram, |_| Reception::Served, &mut outbox);
            let answered: usize = outbox.datagrams().iter().map(|(octets, _)| octets.len()).sum();
            assert!(answered <= length, "{answered} octets for {length}");
            outbox.clear();
        }
    }
    world.clients[client].ask();
    assert_eq!(world.run().len(), 1);
}
