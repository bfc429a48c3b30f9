//! Each limit of HTTP/3, at its edge.

use std::time::Duration;

use quinn_proto::Dir;
use zoners_dns::Counter;
use zoners_http3::{
    MAX_BODY, MAX_CLIENT_STREAMS, MAX_CONTROL_FRAMES, MAX_FIELDS, MAX_FRAMES, MAX_IGNORED,
    MAX_SECTION, RequestPieces,
};

use super::http3::{CONTROL, connect, connected, fields, frame, get};
use super::peers::World;
use crate::quic::http3_streams::REQUEST_TIME;
use crate::quic::server::turns::{MAX_CANCELLED, MAX_HELD_OCTETS};
use crate::quic::terms::{MAX_STREAMS, MAX_UNIDIRECTIONAL};

/// Writes a stream as far as the windows let; the stream ends with its octets.
fn send(
    world: &mut World,
    client: usize,
    octets: &[u8],
    ends: bool,
) -> (usize, quinn_proto::StreamId) {
    let id = world.clients[client].connection.streams().open(Dir::Bi).unwrap();
    let (mut sent, mut queries) = (0, 0);
    for _ in 0..1000 {
        let connection = &mut world.clients[client].connection;
        match connection.send_stream(id).write(&octets[sent..]) {
            Ok(more) => sent += more,
            Err(quinn_proto::WriteError::Blocked) => {}
            Err(_) => break,
        }
        if sent == octets.len() {
            let ended = ends.then(|| connection.send_stream(id).finish());
            assert!(ended.is_none_or(|ended| ended.is_ok()));
            return (queries + world.run().len(), id);
        }
        queries += world.run().len();
    }
    (queries, id)
}

/// Makes a stream that meets a limit of so many.
type Make<'a> = &'a dyn Fn(usize) -> Vec<u8>;

#[test]
fn a_request_has_limits_and_ends_alone_beyond() {
    let long = |octets: usize| {
        // The pseudo-fields, and what RFC 9114 section 4.2.2 adds to each of five fields.
        let others = ":methodGET:schemehttps:authoritya:path/a".len() + 5 * 32;
        fields("GET", "/", &[("a", &"x".repeat(octets - others))])
    };
    let many = |count: usize| fields("GET", "/", &vec![("a", ""); count - 4]);
    let body = |octets: usize| {
        let chunks = vec![0; octets];
        let frames: Vec<u8> = chunks.chunks(0x3000).flat_map(|chunk| frame(0x00, chunk)).collect();
        [fields("POST", "/", &[]), frames].concat()
    };
    let frames = |count: usize| [get(), frame(0x00, b"").repeat(count - 1)].concat();
    let ignored = |octets: usize| [get(), frame(0x21, &vec![0; octets])].concat();
    let limits: [(&str, Make<'_>, usize); 5] = [
        ("fields in octets", &long, MAX_SECTION),
        ("fields", &many, MAX_FIELDS),
        ("a body", &body, MAX_BODY),
        ("frames", &frames, MAX_FRAMES),
        ("octets without meaning", &ignored, MAX_IGNORED),
    ];
    for (limit, make, most) in limits {
        let (mut world, client) = connected();
        assert_eq!(send(&mut world, client, &make(most), true).0, 1, "{limit}");
        let (queries, id) = send(&mut world, client, &make(most + 1), true);
        assert_eq!((queries, world.count(Counter::ClientHttp3Excess)), (0, 1), "{limit}");
        assert_eq!(world.clients[client].heard(id), (vec![], Some(Some(0x107))), "{limit}");
        assert_eq!(send(&mut world, client, &get(), true).0, 1, "{limit}: the connection stays");
    }
}

#[test]
fn a_client_has_so_many_streams_at_a_time() {
    let (mut world, client) = connected();
    for _ in 1..MAX_UNIDIRECTIONAL {
        world.clients[client].send_on(Dir::Uni, &[0x21], false);
    }
    world.run();
    assert!(world.clients[client].connection.streams().open(Dir::Uni).is_none());
    for _ in 0..MAX_STREAMS {
        world.clients[client].send(&get(), true);
    }
    assert!(world.clients[client].connection.streams().open(Dir::Bi).is_none());
    assert_eq!(world.run().len(), MAX_STREAMS as usize);
    assert!(world.clients[client].connection.streams().open(Dir::Bi).is_none());
}

#[test]
fn streams_without_meaning_are_limited_between_requests() {
    let (mut world, client) = connected();
    let waste = |world: &mut World, count: usize| {
        for _ in 0..count {
            world.clients[client].send_on(Dir::Uni, &[0x21], true);
            world.run_after(Duration::from_millis(50));
        }
        world.clients[client].close_code()
    };
    // The control stream is one of them.
    assert_eq!(waste(&mut world, MAX_CLIENT_STREAMS - 1), None);
    world.clients[client].send(&get(), true);
    assert_eq!(world.run().len(), 1, "a request renews the limit");
    assert_eq!(waste(&mut world, MAX_CLIENT_STREAMS), None);
    assert_eq!(waste(&mut world, 1), Some(0x107));
    assert_eq!(world.count(Counter::ClientHttp3Excess), 1);
}

#[test]
fn frames_on_the_control_stream_are_limited_between_requests() {
    // The settings are one of them.
    for (count, code) in [(MAX_CONTROL_FRAMES - 1, None), (MAX_CONTROL_FRAMES, Some(0x107))] {
        let mut world = World::speaking(&[b"h3"], b"h3");
        let client = world.connect("192.0.2.7", super::peers::ClientLike::Ordinary);
        world.run();
        let octets = [&CONTROL[..], &[0x21, 0x00].repeat(count)].concat();
        world.clients[client].send_on(Dir::Uni, &octets, false);
        world.run();
        assert_eq!(world.clients[client].close_code(), code, "{count}");
    }
}

#[test]
fn a_request_that_is_not_whole_in_time_ends_alone() {
    let moment = Duration::from_millis(1);
    for part in [&[0x01][..], &get(), &[fields("POST", "/", &[]), vec![0x00, 0x04, b'b']].concat()]
    {
        let (mut world, client) = connected();
        let id = world.clients[client].send(part, false);
        world.run();
        world.run_after(REQUEST_TIME - moment);
        assert_eq!(world.clients[client].heard(id), (vec![], None));
        world.run_after(moment);
        assert_eq!(world.clients[client].heard(id), (vec![], Some(Some(0x10B))));
        assert_eq!(world.count(Counter::ClientHttp3Late), 1);
        world.clients[client].send(&get(), true);
        assert_eq!(world.run().len(), 1);
    }
}

/// The kind of CVE-2023-44487: each reset makes room for another stream.
#[test]
fn a_client_may_reset_so_many_requests() {
    let part = get()[..9].to_vec();
    for octets in [&part[..], &get()] {
        let (mut world, client) = connected();
        let reset = |world: &mut World| {
            let id = world.clients[client].send(octets, false);
            world.run();
            world.clients[client].connection.send_stream(id).reset(0x10Cu32.into()).unwrap();
            world.clients[client].connection.recv_stream(id).stop(0x10Cu32.into()).unwrap();
            world.run_after(Duration::from_millis(50));
        };
        (0..MAX_CANCELLED).for_each(|_| reset(&mut world));
        assert_eq!(world.clients[client].lost, None);
        reset(&mut world);
        assert_eq!(world.count(Counter::ClientQuicCancelFloods), 1);
        assert_eq!(world.clients[client].close_code(), Some(0x107));
    }
}

#[test]
fn requests_that_are_not_whole_count_into_the_bound_of_memory() {
    let mut world = World::speaking(&[b"h3"], b"h3");
    let body = vec![0; MAX_BODY];
    let frames: Vec<u8> = body.chunks(0x3000).flat_map(|chunk| frame(0x00, chunk)).collect();
    let octets = [fields("POST", "/", &[]), frames].concat();
    let fields = ":methodPOST:schemehttps:authoritya:path/".len() + 4 * 32;
    let fit = MAX_HELD_OCTETS / (size_of::<RequestPieces>() + fields + MAX_BODY);
    let clients: Vec<usize> =
        (0..fit.div_ceil(MAX_STREAMS as usize)).map(|_| connect(&mut world)).collect();
    for (number, client) in clients.iter().enumerate() {
        world.clients[*client].address.set_port(2000 + number as u16);
    }
    let mut closed = 0;
    for number in 0..=fit {
        assert_eq!(closed, 0, "{number} of {fit}");
        send(&mut world, clients[number / MAX_STREAMS as usize], &octets, false);
        closed = world.count(Counter::ClientQuicMemoryClosed);
    }
    assert_eq!(closed, 1);
}
