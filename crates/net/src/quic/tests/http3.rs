//! Requests of HTTP/3 and their answers.

use std::time::Duration;

use quinn_proto::{Dir, StreamId};
use zoners_dns::Counter;
use zoners_http3::{JudgedRequest, append_answer, append_fields};
use zoners_tls::alpn;

use super::peers::{ClientLike, World, message, query};
use crate::quic::{Asked, CloseCode, QuicQuery};

/// The start of a control stream: its type, and empty settings.
pub(super) const CONTROL: [u8; 3] = [0x00, 0x04, 0x00];

/// A frame.
pub(super) fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = 0x4000 | u16::try_from(content.len()).unwrap();
    [&[kind][..], &length.to_be_bytes(), content].concat()
}

/// The frame of the fields of a request.
pub(super) fn fields(method: &str, path: &str, further: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [(":method", method), (":scheme", "https"), (":authority", "a"), (":path", path)];
    let all = pseudo.iter().chain(further).map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let mut section = Vec::new();
    append_fields(all, &mut section);
    frame(0x01, &section)
}

/// A request with a query for the root in its path.
pub(super) fn get() -> Vec<u8> {
    fields("GET", path(0), &[])
}

const UPDATE: u8 = 5;

/// The path with the query for the root, or with an update.
fn path(opcode: u8) -> &'static str {
    match opcode {
        UPDATE => "/dns-query?dns=AAAoAAABAAAAAAAAAAABAAE",
        _ => "/dns-query?dns=AAAAAAABAAAAAAAAAAABAAE",
    }
}

/// A server of HTTP/3 with a client that has begun its control stream.
pub(super) fn connected() -> (World, usize) {
    let mut world = World::speaking(&[alpn::HTTP_3], alpn::HTTP_3);
    let client = connect(&mut world);
    (world, client)
}

/// A client that has begun its control stream.
pub(super) fn connect(world: &mut World) -> usize {
    let client = world.connect("192.0.2.7", ClientLike::Ordinary);
    world.run();
    world.clients[client].send_on(Dir::Uni, &CONTROL, false);
    world.run();
    client
}

fn request(query: &QuicQuery) -> &JudgedRequest {
    match &query.asked {
        Asked::Request(request) => request,
        Asked::Message(message) => panic!("{message:?}"),
    }
}

fn answer(world: &mut World, query: &QuicQuery) -> Vec<u8> {
    let mut octets = Vec::new();
    append_answer(200, &[(b"cache-control", b"max-age=7")], b"answer", &mut octets);
    world.server.answer(query.stream, &octets);
    world.run();
    octets
}

/// What the server has said on its control stream.
fn control(world: &mut World, client: usize) -> Vec<u8> {
    let id = StreamId::new(quinn_proto::Side::Server, Dir::Uni, 0);
    let (octets, end) = world.clients[client].heard(id);
    assert_eq!(end, None, "the stream lives as long as the connection");
    octets
}

#[test]
fn a_request_is_answered_on_its_stream() {
    let (mut world, client) = connected();
    let settings = [0x00, 0x04, 0x05, 0x06, 0x80, 0x00, 0x40, 0x00];
    assert_eq!(control(&mut world, client), settings, "16 KiB of fields");
    assert_eq!(world.count(Counter::ClientHttp3Connections), 1);
    let id = world.clients[client].send(&get(), true);
    let queries = world.run();
    assert_eq!(queries.len(), 1);
    assert_eq!(request(&queries[0]).path, path(0).as_bytes());
    assert_eq!(queries[0].server_name.as_deref(), Some("localhost"));
    let octets = answer(&mut world, &queries[0]);
    assert_eq!(world.clients[client].heard(id), (octets, Some(None)));
}

#[test]
fn a_request_comes_in_pieces_with_a_body() {
    let (mut world, client) = connected();
    let octets = [fields("POST", "/dns-query", &[]), frame(0x00, b"body")].concat();
    let id = world.clients[client].connection.streams().open(Dir::Bi).unwrap();
    for octet in &octets {
        assert_eq!(world.clients[client].connection.send_stream(id).write(&[*octet]), Ok(1));
        assert!(world.run().is_empty());
    }
    world.clients[client].connection.send_stream(id).finish().unwrap();
    assert_eq!(request(&world.run()[0]).body, b"body");
}

#[test]
fn what_has_no_meaning_is_ignored() {
    let (mut world, client) = connected();
    // Types of the form 31 * N + 33 are there to be ignored (RFC 9114 section 7.2.8 and 6.2.3).
    world.clients[client].send_on(Dir::Uni, &[0x21, 1, 2, 3], true);
    world.clients[client].send_on(Dir::Uni, &[0x02], false);
    world.clients[client].send_on(Dir::Uni, &[0x03], false);
    let octets = [frame(0x21, b"grease"), get(), frame(0x21, b"")].concat();
    world.clients[client].send(&octets, true);
    assert_eq!(world.run().len(), 1);
    assert_eq!(world.clients[client].lost, None);
}

#[test]
fn both_protocols_share_a_port() {
    let mut world = World::speaking(&[alpn::DOQ, alpn::HTTP_3], alpn::HTTP_3);
    let browser = connect(&mut world);
    world.clients[browser].send(&get(), true);
    assert_eq!(request(&world.run()[0]).method, b"GET");
    world.protocol = alpn::DOQ.to_vec();
    let phone = world.connect("192.0.2.8", ClientLike::Stranger);
    world.run();
    world.clients[phone].ask();
    assert_eq!(message(&world.run()[0]), &query(0, 0)[2..]);
    assert_eq!(world.count(Counter::ClientHttp3Connections), 1);
    // DNS over QUIC has no streams of one direction (RFC 9250 section 4.2).
    world.clients[phone].send_on(Dir::Uni, &CONTROL, false);
    world.run();
    assert_eq!(world.clients[phone].close_code(), Some(2));
    assert_eq!(world.clients[browser].lost, None);
}

#[test]
fn a_protocol_that_is_turned_to_is_for_further_connections() {
    let (mut world, old) = connected();
    world.server.turn_to(super::peers::terms());
    let new = world.connect("192.0.2.8", ClientLike::Stranger);
    world.run();
    assert!(world.clients[new].lost.is_some(), "no common protocol");
    world.clients[old].send(&get(), true);
    assert_eq!(world.run().len(), 1);
}

#[test]
fn codes_are_those_of_http3() {
    let (mut world, client) = connected();
    let ids = [(); 2].map(|()| world.clients[client].send(&get(), true));
    let queries = world.run();
    world.server.give_up(queries[0].stream, CloseCode::InternalError);
    world.clients[client].connection.recv_stream(ids[1]).stop(0x10Cu32.into()).unwrap();
    world.run();
    assert_eq!(world.clients[client].heard(ids[0]), (vec![], Some(Some(0x102))));
    assert_eq!(world.server.next_cancelled(), Some(queries[1].stream));
    assert_eq!(world.count(Counter::ClientQuicCancelled), 1);
    world.server.close_idle(world.now);
    world.run();
    assert_eq!(world.clients[client].close_code(), Some(0x100));
}

#[test]
fn a_client_with_a_request_under_way_hears_of_the_end_once() {
    let (mut world, client) = connected();
    control(&mut world, client);
    let id = world.clients[client].send(&get(), true);
    let queries = world.run();
    for goaway in [&[0x07, 0x01, 0x04][..], &[]] {
        world.server.close_idle(world.now);
        world.run();
        assert_eq!(control(&mut world, client), goaway, "no request from stream 4 on");
    }
    let octets = answer(&mut world, &queries[0]);
    assert_eq!(world.clients[client].heard(id), (octets, Some(None)));
}

#[test]
fn early_data_is_answered_at_once_if_a_replay_does_no_harm() {
    let (mut world, _) = connected();
    let client = world.connect("192.0.2.8", ClientLike::Ordinary);
    assert!(world.clients[client].connection.has_0rtt(), "a session ticket");
    world.clients[client].hears = 0;
    world.clients[client].send_on(Dir::Uni, &CONTROL, false);
    let post =
        |opcode| [fields("POST", "/dns-query", &[]), frame(0x00, &query(0, opcode)[2..])].concat();
    let kept = [fields("GET", path(UPDATE), &[]), post(UPDATE), fields("GET", "/", &[])];
    for octets in [get(), post(0)].iter().chain(&kept) {
        world.clients[client].send(octets, true);
    }
    let methods = |queries: &[QuicQuery]| -> Vec<Vec<u8>> {
        queries.iter().map(|query| request(query).method.clone()).collect()
    };
    assert_eq!(methods(&world.run()), [&b"GET"[..], b"POST"]);
    world.clients[client].hears = usize::MAX;
    let late = world.run_after(Duration::from_secs(2));
    assert_eq!(methods(&late), [&b"GET"[..], b"POST", b"GET"]);
}
