use std::net::{Ipv6Addr, UdpSocket};
use std::time::Duration;

use super::*;
use crate::SECOND_LOOPBACK;
use crate::listen::{self, Terms};

/// A client on 127.0.0.1 or ::1 with a time-out for responses.
fn client(like: SocketAddr) -> UdpSocket {
    let address = match like {
        SocketAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    socket
}

/// A datagram received by a client, and its sender.
fn receive(client: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 100];
    let (length, from) = client.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), from)
}

fn answer_all(batch: &mut Batch) -> usize {
    for slot in batch.received() {
        let (query, _, reply) = slot.parts();
        if query != b"silence" {
            reply.extend(query.iter().rev());
        }
    }
    batch.received().len()
}

#[tokio::test]
async fn batches_are_answered_each_to_its_own() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let socket = listen::udp(listen.parse().unwrap(), Terms::default()).unwrap();
        let to = socket.local_addr().unwrap();
        let datagrams = Datagrams::new(socket).unwrap();
        let clients: Vec<UdpSocket> = (0..BATCH + 9).map(|_| client(to)).collect();
        for (number, client) in clients.iter().enumerate() {
            client.send_to(format!("{number:03}").as_bytes(), to).unwrap();
        }
        clients[0].send_to(b"silence", to).unwrap();
        let (mut batch, mut received, mut full) = (Batch::new(), 0, 0);
        while received < BATCH + 10 {
            datagrams.readable().await.unwrap();
            if datagrams.receive(&mut batch).is_ok() {
                received += answer_all(&mut batch);
                full += usize::from(batch.is_full());
                assert_eq!(datagrams.send(&mut batch), 0);
            }
        }
        assert!(datagrams.receive(&mut batch).is_err(), "nothing is left");
        assert_eq!(full, usize::from(cfg!(target_os = "linux")));
        for (number, client) in clients.iter().enumerate() {
            let reversed: Vec<u8> = format!("{number:03}").bytes().rev().collect();
            assert_eq!(receive(client), (reversed, to));
        }
        clients[0].set_nonblocking(true).unwrap();
        assert!(clients[0].recv(&mut [0]).is_err(), "silence is answered by silence");
    }
}

#[tokio::test]
async fn replies_leave_from_the_address_that_was_asked() {
    for (listen, asked) in [("0.0.0.0:0", SECOND_LOOPBACK), ("[::]:0", "::1")] {
        let socket = listen::udp(listen.parse().unwrap(), Terms::default()).unwrap();
        let to = SocketAddr::new(asked.parse().unwrap(), socket.local_addr().unwrap().port());
        let datagrams = Datagrams::new(socket).unwrap();
        let client = client(to);
        client.send_to(b"ab", to).unwrap();
        let mut batch = Batch::new();
        datagrams.readable().await.unwrap();
        datagrams.receive(&mut batch).unwrap();
        answer_all(&mut batch);
        assert_eq!(datagrams.send(&mut batch), 0);
        assert_eq!(receive(&client), (b"ba".to_vec(), to));
        let (_, peer, _) = batch.received()[0].parts();
        assert_eq!(datagrams.reply(&[(b"later".to_vec(), peer)]).await, 0);
        assert_eq!(receive(&client), (b"later".to_vec(), to));
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_counted_and_holds_up_nobody() {
    let socket = listen::udp("127.0.0.1:0".parse().unwrap(), Terms::default()).unwrap();
    let to = socket.local_addr().unwrap();
    let datagrams = Datagrams::new(socket).unwrap();
    let clients = [client(to), client(to)];
    for client in &clients {
        client.send_to(b"x", to).unwrap();
    }
    let mut batch = Batch::new();
    while batch.received().len() < 2 {
        datagrams.readable().await.unwrap();
        let _ = datagrams.receive(&mut batch);
    }
    answer_all(&mut batch);
    // Port 0 belongs to no socket.
    batch.received()[0].sender = SocketAddr::from(([127, 0, 0, 1], 0)).into();
    assert_eq!(datagrams.send(&mut batch), 1);
    assert_eq!(receive(&clients[1]).0, b"x");
}

#[tokio::test]
async fn the_queue_is_seen_to_fill() {
    let socket = listen::udp("127.0.0.1:0".parse().unwrap(), Terms::default()).unwrap();
    let to = socket.local_addr().unwrap();
    let datagrams = Datagrams::new(socket).unwrap();
    assert_eq!(datagrams.queue().0, 0);
    let client = client(to);
    for _ in 0..50_000 {
        client.send_to(&[0; 500], to).unwrap();
    }
    if cfg!(target_os = "linux") {
        let (long, most) = datagrams.queue();
        assert!(long > most / 2, "{long} of {most}");
    }
}

/// The loop for other systems works on Linux too.
#[test]
fn the_plain_loop_does_the_same() {
    for (listen, asked) in
        [("0.0.0.0:0", SECOND_LOOPBACK), ("127.0.0.1:0", "127.0.0.1"), ("[::]:0", "::1")]
    {
        let socket = listen::udp(listen.parse().unwrap(), Terms::default()).unwrap();
        let to = SocketAddr::new(asked.parse().unwrap(), socket.local_addr().unwrap().port());
        let system = plain::PlainSystem::new(&socket, socket.local_addr().unwrap()).unwrap();
        let clients = [client(to), client(to)];
        let mut batch = Batch::new();
        assert!(system.receive(&socket, &mut batch.slots).is_err());
        for client in &clients {
            client.send_to(b"ab", to).unwrap();
        }
        batch.received = system.receive(&socket, &mut batch.slots).unwrap();
        assert_eq!(answer_all(&mut batch), 2);
        for slot in batch.received() {
            let response = (slot.reply.as_slice(), &slot.sender, slot.peer.ours);
            assert_eq!(system.send(&socket, &[response]).unwrap(), 1);
        }
        for client in &clients {
            assert_eq!(receive(client), (b"ba".to_vec(), to), "{listen}");
        }
    }
}

/// A datagram of more than 65,507 octets fits no interface.
#[tokio::test]
async fn a_reply_that_does_not_fit_asks_the_client_to_come_over_tcp() {
    let socket = listen::udp("127.0.0.1:0".parse().unwrap(), Terms::default()).unwrap();
    let to = socket.local_addr().unwrap();
    let datagrams = Datagrams::new(socket).unwrap();
    let client = client(to);
    // Header, the question `a. A IN`, and too much.
    let question = b"\x00\x07\x84\xA0\x00\x01\x00\x09\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01";
    let cut = b"\x00\x07\x86\x80\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01";
    let large = [&question[..], &[0; 65_500]].concat();
    client.send_to(b"query", to).unwrap();
    datagrams.readable().await.unwrap();
    let mut batch = Batch::new();
    datagrams.receive(&mut batch).unwrap();
    let peer = batch.received()[0].parts().1;
    batch.received()[0].parts().2.extend_from_slice(&large);
    assert_eq!(datagrams.send(&mut batch), 0);
    assert_eq!(receive(&client), (cut.to_vec(), to));
    assert_eq!(datagrams.reply(&[(large, peer)]).await, 0);
    assert_eq!(receive(&client), (cut.to_vec(), to));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_socket_that_is_deaf_hears_none_and_sends_to_all_from_where_it_was_asked() {
    for listen in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
        let socket = listen::udp(listen.parse().unwrap(), Terms::default()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let datagrams = Datagrams::new(socket).unwrap();
        let own: IpAddr = match listen.starts_with('[') {
            true => Ipv6Addr::LOCALHOST.into(),
            false => Ipv4Addr::LOCALHOST.into(),
        };
        let to = SocketAddr::new(own, port);
        let client = client(to);
        client.send_to(b"one", to).unwrap();
        let mut batch = Batch::new();
        datagrams.readable().await.unwrap();
        let _ = datagrams.receive(&mut batch);
        let (_, peer, _) = batch.received()[0].parts();
        datagrams.deafen();
        // The port is as good as closed, which the system reports to a connected client.
        client.connect(to).unwrap();
        client.send(b"two").unwrap();
        let refused = client.recv(&mut [0; 10]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused, "{listen}");
        assert_eq!(datagrams.reply(&[(b"eno".to_vec(), peer)]).await, 0);
        assert_eq!(receive(&client), (b"eno".to_vec(), to), "{listen}");
    }
}
