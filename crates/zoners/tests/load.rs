//! The daemon under attack: clients in good faith are answered. A separate test program, since the load would slow
//! the remaining tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must say so"
)]

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "program/common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::waiting::{PATIENCE, travel};
use common::{Daemon, client, query_for, receive, send};
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::packet::ClientQuery;
use zoners_dns::{Message, OptRcode, RRset, Records, Rtype};

/// An authoritative server that has an address for any name, after `delay`, and is silent for names
/// with "hopeless". Ends with the test.
fn authority(delay: Duration) -> SocketAddr {
    let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            let Ok(request) = ClientQuery::read(&buffer[..length]) else { continue };
            let question = request.question();
            if question.name.to_string().contains("hopeless") {
                continue;
            }
            let address = Records::from_iter([[192, 0, 2, 1]]);
            let mut reply = compose(&Response {
                question: &question,
                rcode: OptRcode::NOERROR,
                flags: ResponseFlags { aa: true, ..ResponseFlags::default() },
                answer: &[RRset::new(question.name.clone(), Rtype::A, 60, address)],
                authority: &[],
                additional: &[],
                signatures: false,
            });
            reply[..2].copy_from_slice(&buffer[..2]);
            let socket = socket.clone();
            std::thread::spawn(move || {
                travel(delay);
                socket.send_to(&reply, from)
            });
        }
    });
    address
}

fn stub(authority: SocketAddr) -> String {
    format!("[[stub]]\nzone = \"example\"\nservers = [\"{authority}\"]\n")
}

/// Asks for `n0.PREFIX.example`, `n1…` at `pace` and says which were not answered in good time.
fn unanswered(daemon: SocketAddr, prefix: &str, queries: u16, pace: Duration) -> BTreeSet<u16> {
    let socket = client(Ipv4Addr::LOCALHOST);
    let receiver = socket.try_clone().unwrap();
    let answers = std::thread::spawn(move || {
        let mut missing: BTreeSet<u16> = (0..queries).collect();
        let mut buffer = [0; 1500];
        while !missing.is_empty()
            && let Ok(length) = receiver.recv(&mut buffer)
        {
            let reply = Message::parse(&buffer[..length].to_vec().into()).unwrap();
            assert_eq!(reply.rcode, OptRcode::NOERROR, "{:?}", reply.edns);
            missing.remove(&reply.header.id());
        }
        missing
    });
    for id in 0..queries {
        let packet = query_for(id, &format!("n{id}.{prefix}.example"), Rtype::A);
        socket.send_to(&packet, daemon).unwrap();
        travel(pace);
    }
    answers.join().unwrap()
}

/// Octets that the kernel queues for a socket of the daemon where root runs the test, and a part of them that a flood
/// may fill.
const LONGEST_QUEUE: u64 = 32 << 20;
const FILLED: u64 = LONGEST_QUEUE / 2;

/// A UDP socket of the daemon, as the kernel tells it.
struct Queue {
    /// Octets of packets that wait.
    waiting: u64,
    /// Packets that found no room.
    dropped: u64,
}

/// The queues of the daemon's UDP sockets. Source: proc_net_udp(5) of Linux; elsewhere none are told.
fn queues(daemon: SocketAddr) -> Vec<Queue> {
    let local = format!(":{:04X}", daemon.port());
    let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let sockets = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_daemon = sockets.filter(|fields| fields[1].ends_with(&local));
    let queue = |fields: Vec<&str>| {
        let (_, waiting) = fields[4].split_once(':').unwrap();
        Queue {
            waiting: u64::from_str_radix(waiting, 16).unwrap(),
            dropped: fields[12].parse().unwrap(),
        }
    };
    of_daemon.map(queue).collect()
}

/// Waits until the kernel has room for more of a flood. A query without room is lost before the daemon can do anything
/// for its client, as in the moments in which a busy machine does not run the daemon.
fn await_room(daemon: SocketAddr, flooding: &AtomicBool) {
    while queues(daemon).iter().any(|queue| queue.waiting > FILLED)
        && flooding.load(Ordering::Relaxed)
    {
        travel(Duration::from_millis(1));
    }
}

/// Ends background work of a test, also where the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Tests run in turn, since each is a load.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_hundred_reloads_lose_no_query() {
    let _alone = alone();
    let stub = stub(authority(Duration::from_millis(30)));
    let mut daemon = Daemon::start(&format!("threads = 2\n{stub}"));
    let (address, mut stream) = (daemon.address, TcpStream::connect(daemon.address).unwrap());
    let reloading = AtomicBool::new(true);
    let asked = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let _end = End(&reloading);
        scope.spawn(|| {
            for round in 0.. {
                if !reloading.load(Ordering::Relaxed) {
                    break;
                }
                let missing = unanswered(address, &format!("r{round}"), 200, Duration::ZERO);
                assert!(missing.is_empty(), "{missing:?}");
                asked.fetch_add(200, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            for id in 0.. {
                if !reloading.load(Ordering::Relaxed) {
                    break;
                }
                send(&mut stream, &query_for(id, "localhost", Rtype::A)).unwrap();
                assert_eq!(receive(&mut stream).header.id(), id);
            }
        });
        for round in 0..100 {
            if round % 3 == 0 {
                daemon.reconfigure(&format!("threads = two\n{stub}"));
                assert!(daemon.logs("reload: refused"));
            } else {
                daemon.reconfigure(&format!("threads = 2\nversion = \"{round}\"\n{stub}"));
                assert!(daemon.logs("reload: the new configuration is in force"));
            }
        }
    });
    assert!(asked.into_inner() > 0);
}

/// Opens a connection from a chosen address of 127.0.0.0/8.
fn connect_from(address: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// A thousand idle connections, and a flood from an address: unresolvable names, cached names, and packets without
/// a query.
#[test]
fn a_flood_and_a_thousand_idle_connections_harm_nobody_else() {
    let _alone = alone();
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    setrlimit(Resource::Nofile, raised).unwrap();
    let daemon = Daemon::start(&stub(authority(Duration::ZERO)));
    let address = daemon.address;
    let idle: Vec<TcpStream> =
        (0..1000).map(|number| connect_from([127, 0, 1, (number % 20) as u8], address)).collect();
    let flooding = AtomicBool::new(true);
    let root = rustix::process::geteuid().is_root();
    let flood = || {
        let socket = client(IpAddr::from([127, 0, 0, 2]));
        let mut packet = query_for(1, "xxxxxxxx-hopeless.example", Rtype::A);
        let known = query_for(2, "localhost", Rtype::A);
        let mut sent = 0u64;
        while flooding.load(Ordering::Relaxed) {
            packet[13..21].copy_from_slice(format!("{sent:08x}").as_bytes());
            for packet in [&packet[..], &known, &packet[..13], &[0xFF; 600]] {
                // A kernel without memory may refuse a packet.
                let _ = socket.send_to(packet, address);
                sent += 1;
            }
            if root && sent.is_multiple_of(4096) {
                await_room(address, &flooding);
            }
            // The queue of any other user is short.
            if !root && sent.is_multiple_of(256) {
                travel(Duration::from_millis(1));
            }
        }
        sent
    };
    std::thread::scope(|scope| {
        let flood = scope.spawn(flood);
        let end = End(&flooding);
        let missing = unanswered(address, "benign", 150, Duration::from_millis(20));
        // A stream finds a place as well.
        let mut stream = connect_from([127, 0, 0, 3], address);
        send(&mut stream, &query_for(7, "n.tcp.example", Rtype::A)).unwrap();
        assert_eq!(receive(&mut stream).answer.len(), 1);
        drop(end);
        let sent = flood.join().unwrap();
        let dropped: u64 = queues(address).iter().map(|queue| queue.dropped).sum();
        assert!(
            missing.is_empty(),
            "{missing:?} unanswered beside {sent} packets of a flood; the kernel dropped {dropped}"
        );
        assert!(sent > 10_000);
    });
    drop(idle);
}

/// A client with many queries over TCP and no reading: the connection is closed, and meanwhile
/// the remaining clients do not wait.
#[test]
fn a_slow_reader_blocks_nobody_else() {
    let _alone = alone();
    let text: Vec<String> =
        (0..100).map(|line| format!("\"big.lan. TXT \\\"{line:0200}\\\"\"")).collect();
    let records = format!("[local]\nrecords = [{}]\n", text.join(", "));
    let daemon = Daemon::start(&records);
    let mut slow = TcpStream::connect(daemon.address).unwrap();
    slow.set_nonblocking(true).unwrap();
    let packet = query_for(1, "big.lan", Rtype::TXT);
    let framed = [&(packet.len() as u16).to_be_bytes()[..], &packet].concat();
    // The daemon keeps a bounded number of replies for a client and reads no more until they are
    // taken; after a while the daemon closes the connection.
    let (mut waited, give_up) = (0, Instant::now() + PATIENCE);
    let hung_up = loop {
        match slow.write(&framed) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                waited += 1;
                let mut other = TcpStream::connect(daemon.address).unwrap();
                send(&mut other, &query_for(2, "localhost", Rtype::A)).unwrap();
                assert_eq!(receive(&mut other).answer.len(), 1);
            }
            Err(_) => break true,
        }
        if Instant::now() > give_up {
            break false;
        }
    };
    assert!(hung_up && waited > 0, "made to wait {waited} times");
    assert!(Message::parse(&daemon.ask(&query_for(3, "localhost", Rtype::A)).into()).is_ok());
}
