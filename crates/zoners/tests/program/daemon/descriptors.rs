//! A daemon with few descriptors serves like a daemon with many, if not as fast.

use std::net::{Ipv4Addr, TcpStream};

use crate::common::{Daemon, Demo, client, localhost, query_for, receive, send};
use zoners_dns::{Message, OptRcode, Rtype};

const NAMES: u16 = 345;

/// A daemon forwarding every name to the demonstration.
fn forwarding(demo: &Demo, descriptors: usize) -> Daemon {
    let more = format!(
        "threads = 2\n[dnssec]\nvalidate = false\n\
         [[forward]]\nzone = \".\"\nservers = [\"{}\"]\n",
        demo.addresses[0]
    );
    Daemon::with_descriptors(descriptors, &more)
}

/// The number of successful answers to many names, asked at once.
fn answered(daemon: &Daemon, round: &str) -> usize {
    let socket = client(Ipv4Addr::LOCALHOST);
    for id in 0..NAMES {
        let query = query_for(id, &format!("n{id}.{round}.example"), Rtype::A);
        socket.send_to(&query, daemon.address).unwrap();
    }
    let mut buffer = [0; 1500];
    let good = |_: &u16| {
        let length = socket.recv(&mut buffer).unwrap();
        let reply = Message::parse(&buffer[..length].to_vec().into()).unwrap();
        reply.rcode != OptRcode::SERVFAIL
    };
    (0..NAMES).filter(good).count()
}

#[test]
fn queries_wait_for_a_free_socket_instead_of_failing() {
    let demo = Demo::start();
    for descriptors in [64, 256] {
        let daemon = forwarding(&demo, descriptors);
        assert_eq!(answered(&daemon, "one"), usize::from(NAMES), "{descriptors}");
        // Idle connections of clients take no descriptor of the queries to servers.
        let idle: Vec<_> =
            (0..descriptors + 50).map(|_| TcpStream::connect(daemon.address).unwrap()).collect();
        assert_eq!(answered(&daemon, "two"), usize::from(NAMES), "{descriptors}");
        let mut another = TcpStream::connect(daemon.address).unwrap();
        send(&mut another, &query_for(7, "n7.three.example", Rtype::A)).unwrap();
        assert_ne!(receive(&mut another).rcode, OptRcode::SERVFAIL);
        drop(idle);
    }
}

#[test]
fn a_program_with_many_idle_connections_takes_none_from_others() {
    let daemon = Daemon::start("threads = 1");
    let idle: Vec<_> = (0..300).map(|_| TcpStream::connect(daemon.address).unwrap()).collect();
    for id in 1..10 {
        let mut stream = TcpStream::connect(daemon.address).unwrap();
        send(&mut stream, &localhost(id, Rtype::A)).unwrap();
        assert_eq!(receive(&mut stream).header.id(), id);
    }
    drop(idle);
}
