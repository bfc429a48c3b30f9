//! Each limit, at its edge.

use std::sync::Arc;
use std::time::Duration;

use quinn_proto::TransportConfig;
use zoners_dns::Counter;

use super::peers::{ClientLike, World, query, terms};
use crate::quic::server::admission::{CROWDED, MAX_CLIENT_CONNECTIONS, MAX_HANDSHAKES, RETRY_FROM};
use crate::quic::server::turns::{MAX_CANCELLED, MAX_HELD_OCTETS};
use crate::quic::terms::MAX_STREAMS;

/// Clients at addresses of their own, with a handshake that goes on or stands still.
fn connect_many(world: &mut World, count: usize, hears: usize) {
    connect_many_like(world, ClientLike::Stranger, count, hears);
}

fn connect_many_like(world: &mut World, is_like: ClientLike, count: usize, hears: usize) {
    for _ in 0..count {
        let number = world.clients.len();
        let address = format!("198.51.{}.{}", number / 250, number % 250 + 1);
        let client = world.connect(&address, is_like);
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
fn handshakes_that_end_by_the_idle_time_of_the_client_make_room() {
    let mut world = World::new();
    connect_many_like(&mut world, ClientLike::Impatient, RETRY_FROM, 0);
    world.run();
    assert_eq!(world.server.connections(), RETRY_FROM);
    // The clients repeat nothing.
    world.clients.clear();
    let mut failed = 0;
    for _ in 0..40 {
        world.run_after(Duration::from_millis(100));
        failed += world.count(Counter::ClientQuicHandshakesFailed);
    }
    assert_eq!((failed, world.server.connections()), (RETRY_FROM, 0));
    world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    assert_eq!(world.count(Counter::ClientQuicRetries), 0, "no handshake was under way");
    assert_eq!(world.server.connections(), 1);
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
fn a_client_may_cancel_so_many_queries_beyond_those_with_a_response() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let cancel = |world: &mut World| {
        let id = world.clients[client].ask();
        assert_eq!(world.run().len(), 1);
        world.clients[client].connection.recv_stream(id).stop(3u32.into()).unwrap();
        world.run();
    };
    (0..MAX_CANCELLED).for_each(|_| cancel(&mut world));
    world.clients[client].ask();
    let queries = world.run();
    world.answer(&queries[0], 20);
    cancel(&mut world);
    assert_eq!((world.clients[client].lost.clone(), world.server.connections()), (None, 1));
    cancel(&mut world);
    assert_eq!(world.count(Counter::ClientQuicCancelFloods), 1);
    assert_eq!(world.clients[client].close_code(), Some(4));
}

#[test]
fn queries_of_a_connection_have_a_limit() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    for _ in 0..MAX_STREAMS {
        world.clients[client].ask();
    }
    assert!(world.clients[client].connection.streams().open(quinn_proto::Dir::Bi).is_none());
    assert!(world.clients[client].connection.streams().open(quinn_proto::Dir::Uni).is_none());
    let queries = world.run();
    assert_eq!(queries.len(), MAX_STREAMS as usize);
    assert!(world.clients[client].connection.streams().open(quinn_proto::Dir::Bi).is_none());
    queries.iter().for_each(|query| world.answer(query, 20));
    // The client acknowledges a little later.
    world.run();
    world.run_after(Duration::from_millis(100));
    world.clients[client].ask();
    assert_eq!(world.run().len(), 1, "answers make room");
}

#[test]
fn a_connection_has_so_many_queries_under_way_whatever_its_streams() {
    let mut terms = terms();
    let mut transport = TransportConfig::default();
    transport.max_concurrent_bidi_streams((2 * MAX_STREAMS).into());
    Arc::make_mut(&mut terms.server).transport_config(Arc::new(transport));
    let mut world = World::with_terms(terms);
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    for _ in 0..MAX_STREAMS {
        world.clients[client].ask();
    }
    let queries = world.run();
    assert_eq!(queries.len(), MAX_STREAMS as usize);
    assert_eq!(world.count(Counter::ClientQuicExcess), 0);
    let excess = world.clients[client].ask();
    assert!(world.run().is_empty());
    assert_eq!(world.count(Counter::ClientQuicExcess), 1);
    assert_eq!(world.clients[client].heard(excess), (vec![], Some(Some(4))));
    world.answer(&queries[0], 20);
    world.clients[client].ask();
    assert_eq!(world.run().len(), 1, "a response makes room");
}

#[test]
fn a_query_cancelled_before_its_end_is_never_handed_on() {
    let whole = query(0, 0);
    let (first, rest) = whole.split_at(9);
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    for round in 0..=MAX_STREAMS {
        let id = world.clients[client].send(first, false);
        assert!(world.run().is_empty());
        world.clients[client].connection.recv_stream(id).stop(3u32.into()).unwrap();
        // The rest comes in the datagram of the cancellation, or in a later one.
        if round % 2 == 1 {
            world.clients[client].hears = 0;
            assert!(world.run().is_empty());
        }
        let mut stream = world.clients[client].connection.send_stream(id);
        assert_eq!(stream.write(rest), Ok(rest.len()));
        stream.finish().unwrap();
        assert!(world.run().is_empty(), "round {round}");
        world.clients[client].hears = usize::MAX;
        assert!(world.run_after(Duration::from_secs(1)).is_empty());
    }
    assert_eq!(world.server.next_cancelled(), None, "no query was handed on");
    world.clients[client].ask();
    assert_eq!(world.run().len(), 1);
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
    let sent = world.sent;
    world.connect("10.0.0.1", ClientLike::Ordinary);
    world.run();
    assert_eq!((world.count(Counter::ClientQuicUnheard), world.server.connections()), (1, 0));
    assert_eq!(world.sent, sent);
}

#[test]
fn a_client_may_change_its_port_and_no_more() {
    let mut world = World::new();
    for (number, (first, moved, goes_on)) in [
        ("192.0.2.7", "192.0.2.7", true),
        ("2001:db8::1", "2001:db8::2", true),
        ("192.0.2.8", "192.0.2.9", false),
        ("2001:db8::1", "2001:db8:0:1::1", false),
    ]
    .into_iter()
    .enumerate()
    {
        let client = world.connect(first, ClientLike::Ordinary);
        world.clients[client].address.set_port(2000 + number as u16);
        world.run();
        world.clients[client].address = std::net::SocketAddr::new(moved.parse().unwrap(), 3000);
        world.clients[client].ask();
        let queries = world.run();
        assert_eq!(queries.len(), usize::from(goes_on), "{first} to {moved}");
        assert!(queries.iter().all(|query| query.client == world.clients[client].address));
        assert_eq!(world.count(Counter::ClientQuicMoved) > 0, !goes_on);
    }
}

#[test]
fn a_connection_that_ends_frees_its_queries() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let query = world.ask_and_leave(client);
    assert_eq!(world.server.next_cancelled(), Some(query.stream));
    assert_eq!(world.server.next_cancelled(), None);
}
