use std::io::{Read, Write};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ContentType};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::certificate::tests::made;
use crate::server::tests::{certificate, client};
use crate::server::{ApplicationProtocol, ServerTls};

/// A client in the hands of the test: octets go where the test says.
struct Client {
    tls: ClientConnection,
    content: Vec<u8>,
    to_server: DuplexStream,
}

impl Client {
    /// A client, and the end of the server.
    fn new(protocol: ApplicationProtocol) -> (Self, DuplexStream, Arc<ServerConfig>) {
        let pem = made(&["dns.example"]);
        let tls = ServerTls::new(certificate(&pem), None).unwrap();
        let name = ServerName::try_from("dns.example").unwrap();
        let client = ClientConnection::new(client(&[&pem], b"dot"), name).unwrap();
        let (to_server, to_client) = duplex(1 << 20);
        (Client { tls: client, content: Vec::new(), to_server }, to_client, tls.config(protocol))
    }

    /// What the client has to say now.
    fn flight(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut octets).unwrap();
        }
        octets
    }

    /// Reads the octets of a single write of the server.
    async fn hear(&mut self) -> usize {
        let mut octets = vec![0; 1 << 16];
        let length = self.to_server.read(&mut octets).await.unwrap();
        let mut rest = &octets[..length];
        while !rest.is_empty() {
            self.tls.read_tls(&mut rest).unwrap();
            self.tls.process_new_packets().unwrap();
            let _ = self.tls.reader().read_to_end(&mut self.content);
        }
        length
    }

    fn heard(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.content)
    }

    async fn say(&mut self, octets: &[u8]) {
        self.to_server.write_all(octets).await.unwrap();
    }
}

/// A client after the handshake, and the stream of the server.
async fn connected() -> (Client, ServerStream<DuplexStream>) {
    let (mut client, io, config) = Client::new(ApplicationProtocol::Dot);
    let hello = client.flight();
    client.say(&hello).await;
    let (stream, ()) = tokio::join!(ServerStream::accept(io, config), async {
        client.hear().await;
        let finished = client.flight();
        client.say(&finished).await;
    });
    (client, stream.unwrap())
}

async fn read(stream: &mut ServerStream<DuplexStream>, most: usize) -> Vec<u8> {
    let mut octets = vec![0; most];
    let length = stream.read(&mut octets).await.unwrap();
    octets.truncate(length);
    octets
}

#[tokio::test]
async fn a_query_with_the_last_flight_is_answered_in_one_segment_with_the_ticket() {
    let (mut client, io, config) = Client::new(ApplicationProtocol::Dot);
    let hello = client.flight();
    client.say(&hello).await;
    let accepting = tokio::spawn(ServerStream::accept(io, config));
    client.hear().await;
    client.tls.writer().write_all(b"query").unwrap();
    let last = client.flight();
    client.say(&last).await;
    let mut stream = accepting.await.unwrap().unwrap();
    assert_eq!(stream.application_protocol(), Some(&b"dot"[..]));
    assert_eq!(read(&mut stream, 100).await, b"query");
    stream.write_all(b"answer").await.unwrap();
    let length = client.hear().await;
    assert_eq!(client.heard(), b"answer");
    assert!(length > 100, "the ticket came along: {length}");
    assert_eq!(client.tls.tls13_tickets_received(), 1);
}

#[tokio::test]
async fn a_ticket_does_not_wait_for_an_answer_that_is_not_asked_for() {
    let (mut client, mut stream) = connected().await;
    tokio::select! {
        biased;
        _ = stream.read_u8() => panic!("nothing was sent"),
        _ = client.hear() => {}
    }
    assert_eq!(client.tls.tls13_tickets_received(), 1);
}

#[tokio::test]
async fn records_come_in_pieces_and_several_at_once() {
    let (mut client, mut stream) = connected().await;
    let long: Vec<u8> = (0..40_000u32).map(|at| at as u8).collect();
    for pieces in [1, 7, 5000, usize::MAX] {
        for content in [&b"a"[..], b"bc", if pieces == 1 { b"d" } else { &long }] {
            client.tls.writer().write_all(content).unwrap();
        }
        let octets = client.flight();
        let expected = 3 + if pieces == 1 { 1 } else { long.len() };
        let mut got = Vec::new();
        for piece in octets.chunks(pieces.min(octets.len())) {
            client.say(piece).await;
        }
        while got.len() < expected {
            got.extend(read(&mut stream, 999).await);
        }
        assert!(got.starts_with(b"abc") && got.len() == expected);
        assert!(pieces == 1 || got[3..] == long);
    }
    assert_eq!(stream.session.incoming.capacity(), 0, "nothing is kept");
    assert_eq!(stream.unread.0.capacity(), 0);
}

#[tokio::test]
async fn answers_of_one_write_share_a_record_and_a_long_one_takes_several() {
    let (mut client, mut stream) = connected().await;
    let long: Vec<u8> = (0..50_000u32).map(|at| at as u8).collect();
    let (written, ()) = tokio::join!(
        async {
            stream.write_all(&long).await?;
            stream.flush().await
        },
        async {
            let mut got = Vec::new();
            while got.len() < long.len() {
                client.hear().await;
                got.extend(client.heard());
            }
            assert!(got == long);
        }
    );
    written.unwrap();
    assert_eq!(stream.session.outgoing.0.capacity(), 0, "nothing is kept");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_one_record_back() {
    let (_client, mut stream) = connected().await;
    let flood = vec![0; 4 << 20];
    tokio::select! {
        biased;
        _ = stream.write_all(&flood) => panic!("nobody has read"),
        () = async { for _ in 0..100 { tokio::task::yield_now().await } } => {}
    }
    assert!(stream.session.outgoing.0.len() <= 2 * MAX_RECORD);
}

#[tokio::test]
async fn the_end_is_announced_by_either_side() {
    let (mut client, mut stream) = connected().await;
    client.tls.send_close_notify();
    let octets = client.flight();
    client.say(&octets).await;
    assert_eq!(read(&mut stream, 10).await, b"");
    stream.write_all(b"last").await.unwrap();
    stream.shutdown().await.unwrap();
    client.hear().await;
    assert_eq!(client.heard(), b"last");
    assert!(client.tls.process_new_packets().unwrap().peer_has_closed());
}

#[tokio::test]
async fn what_is_no_tls_is_told_to_the_client_and_to_the_caller() {
    for octets in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[22, 3, 1, 0, 4, 1, 0, 0, 0], &[0; 6]] {
        let (mut client, io, config) = Client::new(ApplicationProtocol::Dot);
        client.say(octets).await;
        let error = ServerStream::accept(io, config).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{octets:?}");
        let mut alert = Vec::new();
        client.to_server.read_to_end(&mut alert).await.unwrap();
        assert_eq!(alert.first().copied(), Some(u8::from(ContentType::Alert)), "{octets:?}");
    }
    // An end in the middle of the handshake.
    let (mut client, io, config) = Client::new(ApplicationProtocol::Dot);
    let hello = client.flight();
    client.say(&hello[..20]).await;
    drop(client);
    let error = ServerStream::accept(io, config).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_handshake_without_end_is_not_kept() {
    let (mut client, io, config) = Client::new(ApplicationProtocol::Dot);
    // A ClientHello that announces 65,000 octets, in records of 4,000.
    let mut octets = vec![22, 3, 1, 0x0F, 0xA0, 1, 0, 0xFD, 0xE8];
    octets.resize(5 + 4000, 0);
    let further = [&[22, 3, 1, 0x0F, 0xA0][..], &[0; 4000]].concat();
    client.say(&octets).await;
    for _ in 0..10 {
        client.say(&further).await;
    }
    let error = ServerStream::accept(io, config).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn another_protocol_than_that_of_the_server_is_refused() {
    let (mut client, io, config) = Client::new(ApplicationProtocol::Https);
    let hello = client.flight();
    client.say(&hello).await;
    let error = ServerStream::accept(io, config).await.unwrap_err();
    assert!(error.to_string().contains("protocol"), "{error}");
}
