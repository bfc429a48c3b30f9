use std::net::IpAddr;

use super::outgoing::{Replies, WRITE_TIMEOUT};
use super::*;
use crate::Config;
use crate::daemon::Configured;
use crate::daemon::connections::{ConnectionShares, MAX_HELD_OCTETS};
use crate::daemon::served_tls::ServedTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{Question, Rtype, name};
use zoners_net::Sockets;

type Here = Arc<Door<Arc<Sockets>>>;

fn door(config: &str) -> Here {
    let (stop, stopping) = tokio::sync::watch::channel(false);
    // The door never stops.
    std::mem::forget(stop);
    door_with(config, ConnectionShares::new(usize::MAX), stopping)
}

fn door_with(config: &str, shares: ConnectionShares, stopping: Stopping) -> Here {
    let config = Config::parse(config, "zoners.toml").unwrap();
    let service = Configured::new(config).unwrap().service();
    Arc::new(Door {
        transport: Transport::Tcp,
        listener: None,
        handshakes: Handshakes::new(ServedTls::default()),
        headers: ProxyHeaders::new(shares.descriptors()),
        current: Arc::new(arc_swap::ArcSwap::from_pointee(service)),
        connections: Connections::new(shares),
        activity: Arc::default(),
        stopping,
        at_work: AtWork::default(),
    })
}

/// A connection from a separate address, with sockets of so many octets.
fn connect(door: &Here, number: usize, room: usize) -> (DuplexStream, JoinHandle<()>) {
    let address: IpAddr = [10, 1, (number >> 8) as u8, number as u8].into();
    let client = (address, 4000).into();
    let ends = ClientEnds { client, server: None, transport: Transport::Tcp };
    let connection = door
        .connections
        .admit(door.current.load().rules(), &Client::new(address, Transport::Tcp))
        .connection
        .unwrap();
    let (here, there) = tokio::io::duplex(room);
    let from = ClientOrigin { ends, asked: None, tls: None, shown: ShownName::None };
    let conversation = converse(door.clone(), tokio::io::split(there), from, connection);
    (here, tokio::spawn(conversation))
}

fn framed(owner: &str, rtype: Rtype) -> Vec<u8> {
    let question = Question::new(name::parse(owner).unwrap(), rtype);
    let mut out = Vec::new();
    let options = QueryOptions { id: 7, recursion_desired: true, edns: false };
    stream::put_message(&mut out, &query(&question, options));
    out
}

fn given_up(door: &Here) -> u64 {
    door.current.load().worker().counters().get(Counter::ClientTcpMemoryClosed)
}

#[tokio::test]
async fn an_open_connection_has_no_room_for_its_handshake() {
    let door = door("");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let address = IpAddr::from([10, 1, 0, 1]);
    let client = Client::new(address, Transport::Tls);
    let connection = door.connections.admit(door.current.load().rules(), &client).connection;
    let connection = connection.unwrap();
    let ends =
        ClientEnds { client: (address, 4000).into(), server: None, transport: Transport::Tls };
    let task = converse_within_tls(door.clone(), stream, (ends, None), connection);
    let octets = size_of_val(&task);
    assert!(octets <= 2304, "{octets} octets, of which a stream within TLS is no part");
    assert!(size_of::<Replies>() <= 8, "of which a channel keeps 32");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_message_does_not_grow_with_its_pieces() {
    let door = door("");
    for every in [100, 1000, 60_000] {
        let (mut here, conversation) = connect(&door, 1, 1024);
        let began = Instant::now();
        let octets = [0xFF; 70_000];
        let sending = async {
            for octet in octets {
                if here.write_all(&[octet]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(every)).await;
            }
        };
        tokio::select! { biased; _ = conversation => {}, () = sending => panic!("{every}") }
        assert_eq!(began.elapsed().as_secs(), 10, "{every}");
    }
}

/// Reads the response to a query of [`framed`].
async fn read_response(here: &mut (impl AsyncReadExt + Unpin)) {
    let mut response = vec![0; usize::from(here.read_u16().await.unwrap())];
    here.read_exact(&mut response).await.unwrap();
    assert_eq!(response[..2], [0, 7], "the ID");
}

#[tokio::test(start_paused = true)]
async fn each_query_gives_the_connection_the_whole_idle_time() {
    let door = door("");
    let (mut here, conversation) = connect(&door, 1, 1024);
    for _ in 0..3 {
        here.write_all(&framed("localhost", Rtype::A)).await.unwrap();
        read_response(&mut here).await;
        tokio::time::sleep(Duration::from_secs(9)).await;
    }
    let last = Instant::now();
    conversation.await.unwrap();
    assert_eq!(last.elapsed().as_secs(), 1);
}

#[tokio::test]
async fn responses_come_whole_where_the_client_takes_them_in_pieces() {
    const QUERIES: usize = 50;
    let door = door("");
    for room in [1, 7, 100, 1 << 16] {
        let (here, _conversation) = connect(&door, 1, room);
        let (mut reader, mut writer) = tokio::io::split(here);
        let queries = framed("localhost", Rtype::A).repeat(QUERIES);
        let reading = async {
            for _ in 0..QUERIES {
                read_response(&mut reader).await;
            }
        };
        let (written, ()) = tokio::join!(writer.write_all(&queries), reading);
        written.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn half_sent_messages_are_bounded_in_total() {
    const CONNECTIONS: usize = 300;
    let door = door("");
    let (mut modest, _served) = connect(&door, 5000, 1024);
    let mut open = Vec::new();
    for number in 0..CONNECTIONS {
        let (mut here, conversation) = connect(&door, number, 4096);
        let _ = here.write_all(&[0xFF; 2 + 65_534]).await;
        tokio::task::yield_now().await;
        assert!(door.connections.held() <= MAX_HELD_OCTETS, "{}", door.connections.held());
        open.push((here, conversation));
    }
    let closed = open.iter().filter(|(_, conversation)| conversation.is_finished()).count();
    assert!(closed > CONNECTIONS / 2 && closed < CONNECTIONS, "{closed}");
    assert_eq!(given_up(&door), closed as u64);
    modest.write_all(&framed("localhost", Rtype::A)).await.unwrap();
    let length = modest.read_u16().await.unwrap();
    assert!(length > 12, "an answer");
    drop(open);
}

#[tokio::test(start_paused = true)]
async fn unread_responses_are_bounded_and_the_client_is_disconnected() {
    const CONNECTIONS: usize = 200;
    let mut config = String::from("[local]\nrecords = [\n");
    for number in 0..50 {
        config += &format!("\"big.test. TXT {number:0200}\",\n");
    }
    let door = door(&(config + "]\n"));
    let queries = framed("big.test", Rtype::TXT).repeat(100);
    let mut open = Vec::new();
    let began = Instant::now();
    for number in 0..CONNECTIONS {
        let (mut here, conversation) = connect(&door, number, 16 * 1024);
        here.write_all(&queries).await.unwrap();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(door.connections.held() <= MAX_HELD_OCTETS, "{}", door.connections.held());
        open.push((here, conversation));
    }
    assert!(given_up(&door) > 0 && given_up(&door) < CONNECTIONS as u64, "{}", given_up(&door));
    for (_unread, conversation) in open {
        conversation.await.unwrap();
    }
    assert_eq!(began.elapsed().as_secs(), WRITE_TIMEOUT.as_secs());
    assert_eq!(door.connections.held(), 0);
}

fn count(door: &Here, counter: Counter) -> u64 {
    door.current.load().worker().counters().get(counter)
}

/// A connection of a proxy, as both sides have it.
async fn proxied() -> (TcpStream, TcpStream, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (here, proxy) = listener.accept().await.unwrap();
    (there, here, proxy)
}

/// A header of the proxy for a connection of its own (LOCAL).
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

#[tokio::test]
async fn an_idle_connection_makes_room_for_the_connection_of_a_proxy() {
    let (_stop, stopping) = tokio::sync::watch::channel(false);
    let door = door_with("", ConnectionShares::new(1), stopping);
    let (_idle, conversation) = connect(&door, 1, 1024);
    let (mut there, here, proxy) = proxied().await;
    receive_named(&door, here, proxy);
    conversation.await.unwrap();
    assert_eq!(count(&door, Counter::ClientTcpEvicted), 1);
    there.write_all(&[LOCAL, &framed("localhost", Rtype::A)].concat()).await.unwrap();
    assert!(there.read_u16().await.unwrap() > 12, "an answer");
    // Nothing is idle while the header of another proxy is under way.
    drop(there);
    let (_there, here, proxy) = proxied().await;
    while door.headers.begin().is_err() {
        tokio::task::yield_now().await;
    }
    receive_named(&door, here, proxy);
    let (mut there, here, proxy) = proxied().await;
    receive_named(&door, here, proxy);
    assert_eq!(there.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(count(&door, Counter::ClientProxyRefused), 1);
}

#[tokio::test]
async fn a_header_under_way_does_not_hold_up_the_end() {
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let door = door_with("", ConnectionShares::new(1), stopping);
    let (mut there, here, proxy) = proxied().await;
    receive_named(&door, here, proxy);
    there.write_all(&LOCAL[..4]).await.unwrap();
    stop.send(true).unwrap();
    assert!(matches!(there.read(&mut [0]).await, Ok(0) | Err(_)), "closed");
    assert_eq!(count(&door, Counter::ClientProxyTimedOut), 0);
}
