//! Queries and their answers.

use std::time::Duration;

use super::peers::{ClientLike, World, message, query};
use crate::quic::CloseCode;

#[test]
fn each_query_is_answered_on_its_stream() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    let ids = [(); 3].map(|()| {
        world.run();
        world.clients[client].ask()
    });
    let queries = world.run();
    // The first two came in turns before.
    assert_eq!(queries.len(), 1);
    assert_eq!(message(&queries[0])[..], query(0, 0)[2..]);
    assert_eq!(queries[0].client, world.clients[client].address);
    assert_eq!(queries[0].server_name.as_deref(), Some("localhost"));
    world.answer(&queries[0], 20);
    world.run();
    assert_eq!(
        world.clients[client].heard(ids[2]),
        ([&[0, 20][..], &[0; 20]].concat(), Some(None))
    );
    assert_eq!(world.clients[client].heard(ids[0]), (vec![], None));
}

#[test]
fn answers_of_one_turn_share_packets() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let ids: Vec<_> = (0..10).map(|_| world.clients[client].ask()).collect();
    let queries = world.run();
    assert_eq!(queries.len(), 10);
    let (_, before) = world.sent;
    queries.iter().for_each(|query| world.answer(query, 60));
    world.run();
    assert_eq!(world.sent.1 - before, 1, "a datagram for ten answers");
    assert!(ids.into_iter().all(|id| world.clients[client].heard(id).0.len() == 62));
}

#[test]
fn a_long_answer_comes_as_the_client_takes_it() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Narrow(1000));
    world.run();
    let id = world.clients[client].ask();
    let queries = world.run();
    world.answer(&queries[0], u16::MAX);
    let (mut octets, mut end) = (0, None);
    for _ in 0..100 {
        world.run();
        let (heard, ended) = world.clients[client].heard(id);
        assert!(heard.len() <= 1000);
        octets += heard.len();
        end = ended;
        if end.is_some() {
            break;
        }
    }
    assert_eq!((octets, end), (2 + usize::from(u16::MAX), Some(None)));
}

#[test]
fn a_query_without_an_answer_ends_its_stream() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let id = world.clients[client].ask();
    let queries = world.run();
    world.server.give_up(queries[0].stream, CloseCode::InternalError);
    world.run();
    assert_eq!(world.clients[client].heard(id), (vec![], Some(Some(1))));
    assert_eq!(world.clients[client].lost, None);
}

#[test]
fn an_answer_for_a_client_that_is_gone_goes_nowhere() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let query = world.ask_and_leave(client);
    assert_eq!(world.server.connections(), 0);
    // The number of the connection is used again.
    let other = world.connect("192.0.2.8", ClientLike::Ordinary);
    world.run();
    world.answer(&query, 20);
    let id = world.clients[other].ask();
    assert_eq!(world.run().len(), 1);
    assert_eq!(world.clients[other].heard(id), (vec![], None));
}

#[test]
fn early_data_is_answered_at_once_if_a_replay_does_no_harm() {
    let mut world = World::new();
    world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    const UPDATE: u8 = 5;
    let client = world.connect("192.0.2.8", ClientLike::Ordinary);
    assert!(world.clients[client].connection.has_0rtt(), "a session ticket");
    world.clients[client].hears = 0;
    world.clients[client].ask();
    world.clients[client].send(&query(0, UPDATE), true);
    let early = world.run();
    assert_eq!(early.iter().map(|query| message(query)[2]).collect::<Vec<_>>(), [0]);
    assert_eq!(early[0].server_name.as_deref(), Some("localhost"));
    world.clients[client].hears = usize::MAX;
    let late = world.run_after(std::time::Duration::from_secs(2));
    assert_eq!(late.iter().map(|query| message(query)[2]).collect::<Vec<_>>(), [UPDATE << 3]);
}

#[test]
fn the_longest_answer_comes_over_several_windows() {
    let mut world = World::new();
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    let stream = world.clients[client].ask();
    let query = world.run().remove(0);
    world.answer(&query, u16::MAX);
    let (mut heard, mut end) = (0, None);
    for _ in 0..100 {
        world.run_after(Duration::from_millis(30));
        if end.is_none() {
            let (octets, ended) = world.clients[client].heard(stream);
            (heard, end) = (heard + octets.len(), ended);
        }
    }
    assert_eq!((heard, end), (2 + usize::from(u16::MAX), Some(None)));
}
