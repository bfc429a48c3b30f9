mod certified;
mod closed;
mod ended;
mod https;
pub(super) mod quic;
mod secure;
mod suspect;

use std::io;

use super::*;
use crate::SECOND_LOOPBACK;
use crate::stream::{read_message, write_message};
use tokio::net::{TcpListener, TcpStream};
use zoners_dns::{Counter, Random, Transport};

fn pool() -> Pool {
    Pool::new(Sources::new(Random::seeded(1), Vec::new()), Descriptors::new(64))
}

fn query(id: u8) -> Bytes {
    Bytes::copy_from_slice(&[0, id, b'q'])
}

async fn read(stream: &mut TcpStream) -> io::Result<Bytes> {
    read_message(stream, &Held::new(usize::MAX).account()).await
}

/// A server over TCP that is yet to take a connection, and the endpoint.
async fn listening() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    (listener, to)
}

/// Reads a query, and returns it as its reply.
async fn answer(stream: &mut TcpStream) {
    let message = read(stream).await.unwrap();
    write_message(stream, &message).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_reused_and_answers_may_come_in_any_order() {
    let (listener, to) = listening().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let one = read(&mut stream).await.unwrap();
        let two = read(&mut stream).await.unwrap();
        write_message(&mut stream, &two).await.unwrap();
        write_message(&mut stream, &one).await.unwrap();
    });
    let pool = pool();
    let (mut one, mut two) = (pool.send(to, query(1), None), pool.send(to, query(2), None));
    let (one, two) = tokio::join!(one.receive(), two.receive());
    assert_eq!((one, two), (ExchangeEvent::Message(query(1)), ExchangeEvent::Message(query(2))));
    server.await.unwrap();
}

#[tokio::test]
async fn a_query_that_fits_no_stream_ends_and_keeps_none_behind() {
    let (listener, to) = listening().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream).await;
        let _ = read(&mut stream).await;
    });
    let (pool, long) = (pool(), Bytes::from(vec![0; usize::from(u16::MAX) + 1]));
    let (mut long, mut next) = (pool.send(to, long, None), pool.send(to, query(1), None));
    assert_eq!(long.receive().await, ExchangeEvent::Failed(NetworkError::NoSocket));
    assert_eq!(next.receive().await, ExchangeEvent::Message(query(1)));
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_opened_again() {
    let (listener, to) = listening().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream).await;
        }
    });
    let pool = pool();
    for id in 1..4 {
        assert_eq!(
            pool.send(to, query(id), None).receive().await,
            ExchangeEvent::Message(query(id))
        );
    }
}

#[tokio::test]
async fn a_closed_port_and_a_closed_stream_are_told_apart() {
    let (listener, to) = listening().await;
    let closing = tokio::spawn(async move { drop(listener.accept().await) });
    let pool = pool();
    assert_eq!(
        pool.send(to, query(1), None).receive().await,
        ExchangeEvent::Failed(NetworkError::Closed)
    );
    closing.await.unwrap();
    assert_eq!(
        pool.send(to, query(1), None).receive().await,
        ExchangeEvent::Failed(NetworkError::Refused)
    );
}

#[tokio::test]
async fn after_the_reply_an_exchange_brings_no_other() {
    let (listener, to) = listening().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream).await;
    });
    let mut exchange = pool().send(to, query(1), None);
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(1)));
    for _ in 0..2 {
        assert_eq!(exchange.receive().await, ExchangeEvent::Failed(NetworkError::Closed));
    }
}

#[tokio::test]
async fn what_has_an_id_of_none_is_for_the_only_query_that_waits() {
    let (listener, to) = listening().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for strays in [&[query(7)][..], &[Bytes::new()], &[query(8), query(4), query(9)]] {
            read(&mut stream).await.unwrap();
            if strays.len() > 1 {
                read(&mut stream).await.unwrap();
            }
            for stray in strays {
                write_message(&mut stream, stray).await.unwrap();
            }
        }
        std::future::pending::<()>().await;
    });
    let pool = pool();
    assert_eq!(pool.send(to, query(1), None).receive().await, ExchangeEvent::Message(query(7)));
    assert_eq!(pool.send(to, query(2), None).receive().await, ExchangeEvent::Message(Bytes::new()));
    // With two waiting queries the message belongs to neither; if one query is abandoned, the
    // message belongs to the query still waiting.
    let (mut three, mut four) = (pool.send(to, query(3), None), pool.send(to, query(4), None));
    assert_eq!(four.receive().await, ExchangeEvent::Message(query(4)));
    assert_eq!(three.receive().await, ExchangeEvent::Message(query(9)));
}

#[tokio::test]
async fn a_connection_is_opened_from_the_address_that_it_shall() {
    let (listener, to) = listening().await;
    let server = tokio::spawn(async move {
        let (mut stream, from) = listener.accept().await.unwrap();
        answer(&mut stream).await;
        from.ip().to_string()
    });
    let from = |text: &str| {
        let sources = Sources::new(Random::seeded(1), vec![text.parse().unwrap()]);
        Pool::new(sources, Descriptors::new(64))
    };
    let mut exchange = from(SECOND_LOOPBACK).send(to, query(1), None);
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(1)));
    assert_eq!(server.await.unwrap(), SECOND_LOOPBACK);
    let mut exchange = from("192.0.2.77").send(to, query(1), None);
    assert_eq!(exchange.receive().await, ExchangeEvent::Failed(NetworkError::NoSocket));
}
