//! Each limit, at its edge.

use std::time::Duration;

use zoners_dns::Counter;

use super::peers::{ClientLike, World};
use crate::quic::server::admission::{CROWDED, MAX_CLIENT_CONNECTIONS, MAX_HANDSHAKES, RETRY_FROM};
use crate::quic::server::turns::MAX_HELD_OCTETS;
use crate::quic::terms::MAX_STREAMS;

/// Clients at addresses of their own, with a handshake that goes on or stands still.
fn connect_many(world: &mut World, count: usize, hears: usize) {
    for _ in 0..count {
        let number = world.clients.len();
        let address = format!("198.51.{}.{}", number / 250, number % 250 + 1);
        let client = world.connect(&address, ClientLike::Stranger);
        world.clients[client].hears = hears;
    }
}

#[test]
fn a_client_gets_so_many_connections_and_idle_ones_make_room() {
    let mut world = World::new();
    for _ in 0..MAX_CLIENT_CONNECTIONS {
        let client = world.connect("192.0.2.7", ClientLike::Ordinary);
        world.clients[client].address.set_port(2000 + client as u16);
        world.run();
        world.clients[client].ask();
        assert_eq!(world.run().len(), 1);
    }
    let busy = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    assert_eq!(world.count(Counter::ClientQuicRefused), 1);
    assert!(world.clients[busy].lost.is_some());

    let mut world = World::new();
    for _ in 0..=MAX_CLIENT_CONNECTIONS {
        let client = world.connect("192.0.2.7", ClientLike::Ordinary);
        world.clients[client].address.set_port(2000 + client as u16);
        world.run_after(Duration::from_millis(1));
    }
    assert_eq!(world.count(Counter::ClientQuicEvicted), 1);
    assert_eq!(world.clients[0].close_code(), Some(0), "the oldest");
    assert!(world.clients[1..].iter().all(|client| client.lost.is_none()));
    let other = world.connect("192.0.2.8", ClientLike::Ordinary);
    world.run();
    assert_eq!(world.clients[other].lost, None, "another client has room");
}

#[test]
fn clients_show_their_address_when_many_handshakes_are_under_way() {
    let mut world = World::new();
    connect_many(&mut world, RETRY_FROM, 0);
    world.run();
    assert_eq!(world.count(Counter::ClientQuicRetries), 0);
    let honest = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    assert_eq!(world.count(Counter::ClientQuicRetries), 1);
    world.clients[honest].ask();
    assert_eq!(world.run().len(), 1);
}

#[test]
fn handshakes_under_way_have_a_limit() {
    let mut world = World::new();
    connect_many(&mut world, RETRY_FROM, 0);
    // These hear the Retry and nothing more.
    connect_many(&mut world, MAX_HANDSHAKES - RETRY_FROM, 1);
    world.run();
    assert_eq!(world.server.connections(), MAX_HANDSHAKES);
    let late = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    assert_eq!(world.count(Counter::ClientQuicHandshakesFull), 1);
    assert!(world.clients[late].connection.is_handshaking());
}

#[test]
fn connections_end_without_packets_and_sooner_among_many() {
    let mut world = World::new();
    world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    for _ in 0..CROWDED / 21 {
        connect_many(&mut world, 21, usize::MAX);
        world.run();
    }
    // Late acknowledgements are packets, too.
    world.run_after(Duration::from_secs(1));
    world.run_after(Duration::from_secs(4));
    assert_eq!(world.server.connections(), CROWDED + 1);
    world.run_after(Duration::from_secs(2));
    assert_eq!(world.server.connections(), CROWDED, "the one that came last");
    world.run_after(Duration::from_secs(22));
    assert_eq!(world.server.connections(), CROWDED);
    world.run_after(Duration::from_secs(3));
    assert_eq!(world.server.connections(), 0);
}

#[test]
fn queries_of_a_connection_have_a_limit_even_if_cancelled() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let mut handed_on = 0;
    for _ in 0..MAX_STREAMS + 3 {
        let id = world.clients[client].ask();
        handed_on += world.run().len();
        world.clients[client].connection.recv_stream(id).stop(3u32.into()).unwrap();
        world.run();
    }
    assert_eq!(handed_on, MAX_STREAMS as usize);
    assert_eq!(world.count(Counter::ClientQuicExcess), 3);
    assert_eq!(world.clients[client].lost, None);
}

#[test]
fn the_client_that_takes_no_responses_is_closed_at_the_limit() {
    let mut world = World::new();
    let clients = ["192.0.2.7", "192.0.2.8", "192.0.2.9"]
        .map(|address| world.connect(address, ClientLike::Narrow(100)));
    world.run();
    let ask = |world: &mut World, client: usize, count: usize| {
        for _ in 0..count {
            world.clients[clients[client]].ask();
        }
        let queries = world.run();
        assert_eq!(queries.len(), count);
        queries.iter().for_each(|query| world.answer(query, u16::MAX));
        world.run();
        world.count(Counter::ClientQuicMemoryClosed)
    };
    // Each client has taken a hundred octets of each response.
    let most = MAX_HELD_OCTETS / (2 + usize::from(u16::MAX) - 100);
    let streams = MAX_STREAMS as usize;
    assert_eq!(ask(&mut world, 0, streams), 0);
    assert_eq!(ask(&mut world, 1, streams - 1), 0);
    assert_eq!(ask(&mut world, 2, most - 2 * streams + 1), 0);
    assert_eq!(ask(&mut world, 2, 1), 1);
    let codes = clients.map(|client| world.clients[client].close_code());
    assert_eq!(codes, [Some(4), None, None], "the one that holds the most");
}

#[test]
fn clients_without_access_are_refused() {
    let mut world = World::new();
    let client = world.connect("203.0.113.1", ClientLike::Ordinary);
    world.run();
    assert_eq!((world.count(Counter::ClientQuicRefused), world.server.connections()), (1, 0));
    assert!(world.clients[client].lost.is_some());
    assert!(world.sent.0 < 200, "{} octets", world.sent.0);
}
