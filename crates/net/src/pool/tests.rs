mod https;
pub(super) mod quic;
mod secure;

use std::io;

use super::*;
use crate::SECOND_LOOPBACK;
use crate::stream::{read_message, write_message};
use futures_util::future::join_all;
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

#[tokio::test]
async fn a_connection_is_reused_and_answers_may_come_in_any_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let message = read(&mut stream).await.unwrap();
        write_message(&mut stream, &message).await.unwrap();
        let _ = read(&mut stream).await;
    });
    let (pool, long) = (pool(), Bytes::from(vec![0; usize::from(u16::MAX) + 1]));
    let (mut long, mut next) = (pool.send(to, long, None), pool.send(to, query(1), None));
    assert_eq!(long.receive().await, ExchangeEvent::Failed(NetworkError::NoSocket));
    assert_eq!(next.receive().await, ExchangeEvent::Message(query(1)));
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_opened_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let message = read(&mut stream).await.unwrap();
            write_message(&mut stream, &message).await.unwrap();
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

/// Takes a connection, reads so many queries, answers the first ones, and returns the connection.
async fn answer_first(listener: &TcpListener, queries: usize, answers: usize) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    for number in 0..queries {
        let message = read(&mut stream).await.unwrap();
        if number < answers {
            write_message(&mut stream, &message).await.unwrap();
        }
    }
    stream
}

/// An open connection that has brought a reply, and queries on the connection; the server has read all.
async fn under_way(listener: &TcpListener, queries: u8) -> (Pool, Vec<PooledExchange>, TcpStream) {
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    let pool = pool();
    let mut first = pool.send(to, query(0), None);
    let mut stream = answer_first(listener, 1, 1).await;
    assert_eq!(first.receive().await, ExchangeEvent::Message(query(0)));
    let exchanges = (1..=queries).map(|id| pool.send(to, query(id), None)).collect();
    for id in 1..=queries {
        assert_eq!(read(&mut stream).await.unwrap(), query(id));
    }
    (pool, exchanges, stream)
}

#[tokio::test]
async fn queries_of_a_connection_that_ended_share_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (pool, mut exchanges, stream) = under_way(&listener, 20).await;
    drop(stream);
    let server = tokio::spawn(async move { answer_first(&listener, 20, 20).await });
    let replies = join_all(exchanges.iter_mut().map(PooledExchange::receive)).await;
    let expected: Vec<_> = (1..=20).map(|id| ExchangeEvent::Message(query(id))).collect();
    assert_eq!(replies, expected);
    server.await.unwrap();
    assert_eq!(pool.open.lock().opened, 2);
    assert_eq!(pool.counters.get(Counter::UpstreamRepeated), 20);
}

#[tokio::test]
async fn a_query_whose_connection_ends_twice_gets_a_connection_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (pool, mut exchanges, stream) = under_way(&listener, 3).await;
    drop(stream);
    let server = tokio::spawn(async move {
        drop(answer_first(&listener, 3, 1).await);
        [answer_first(&listener, 1, 1).await, answer_first(&listener, 1, 1).await]
    });
    let replies = join_all(exchanges.iter_mut().map(PooledExchange::receive)).await;
    assert_eq!(replies, [1, 2, 3].map(|id| ExchangeEvent::Message(query(id))));
    server.await.unwrap();
    assert_eq!(pool.open.lock().opened, 4);
    assert_eq!(pool.counters.get(Counter::UpstreamRepeated), 5);
}

#[tokio::test]
async fn a_query_whose_own_connection_ends_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (pool, mut exchanges, stream) = under_way(&listener, 2).await;
    drop(stream);
    let server = tokio::spawn(async move {
        drop(answer_first(&listener, 2, 0).await);
        drop(answer_first(&listener, 1, 0).await);
    });
    let replies = join_all(exchanges.iter_mut().map(PooledExchange::receive)).await;
    assert_eq!(replies, [(); 2].map(|()| ExchangeEvent::Failed(NetworkError::Closed)));
    server.await.unwrap();
    assert_eq!(pool.open.lock().opened, 3);
}

#[tokio::test]
async fn a_closed_port_and_a_closed_stream_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
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
async fn who_cannot_use_the_reply_hears_that_there_is_no_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let message = read(&mut stream).await.unwrap();
        write_message(&mut stream, &message).await.unwrap();
    });
    let mut exchange = pool().send(to, query(1), None);
    assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(1)));
    for _ in 0..2 {
        assert_eq!(exchange.receive().await, ExchangeEvent::Failed(NetworkError::Closed));
    }
}

#[tokio::test]
async fn what_has_an_id_of_none_is_for_the_only_query_that_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    let server = tokio::spawn(async move {
        let (mut stream, from) = listener.accept().await.unwrap();
        let message = read(&mut stream).await.unwrap();
        write_message(&mut stream, &message).await.unwrap();
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

/// A server whose first connection answers the first query and swallows the rest, as if a NAT had
/// forgotten it; later connections answer every query. Reports the connection of each query, and an
/// empty query at the end of a connection.
async fn forgetful(
    listener: TcpListener,
    told: tokio::sync::mpsc::UnboundedSender<(usize, Bytes)>,
) {
    for number in 0.. {
        let (mut stream, _) = listener.accept().await.unwrap();
        let told = told.clone();
        tokio::spawn(async move {
            let mut answered = 0;
            while let Ok(message) = read(&mut stream).await {
                let _ = told.send((number, message.clone()));
                if number > 0 || answered == 0 {
                    answered += 1;
                    write_message(&mut stream, &message).await.unwrap();
                }
            }
            let _ = told.send((number, Bytes::new()));
        });
    }
}

async fn forgotten() -> (Pool, Endpoint, tokio::sync::mpsc::UnboundedReceiver<(usize, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(forgetful(listener, sender));
    let pool = pool();
    assert_eq!(pool.send(to, query(1), None).receive().await, ExchangeEvent::Message(query(1)));
    assert_eq!(told.recv().await, Some((0, query(1))));
    (pool, to, told)
}

#[tokio::test]
async fn a_query_on_a_connection_that_died_goes_over_another_and_so_do_later_ones() {
    let (pool, to, mut told) = forgotten().await;
    let mut late = pool.send(to, query(2), None);
    assert_eq!(told.recv().await, Some((0, query(2))));
    assert!(late.doubt());
    late.resend(query(2));
    assert_eq!(late.receive().await, ExchangeEvent::Message(query(2)));
    assert_eq!(told.recv().await, Some((1, query(2))));
    // The suspect connection ends, since no query waits on it.
    assert_eq!(told.recv().await, Some((0, Bytes::new())));
    for id in 3..6 {
        assert_eq!(
            pool.send(to, query(id), None).receive().await,
            ExchangeEvent::Message(query(id))
        );
        assert_eq!(told.recv().await, Some((1, query(id))));
    }
}

#[tokio::test]
async fn of_several_queries_on_a_connection_that_died_one_opens_another() {
    let (pool, to, mut told) = forgotten().await;
    let mut late: Vec<PooledExchange> = (2..7).map(|id| pool.send(to, query(id), None)).collect();
    for (id, exchange) in (2..7).zip(&mut late) {
        assert!(exchange.doubt());
        exchange.resend(query(id));
        assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(id)));
    }
    drop(late);
    let mut connections = Vec::new();
    while connections.len() < 10 {
        connections.push(told.recv().await.unwrap().0);
    }
    assert_eq!(connections.iter().filter(|number| **number == 1).count(), 5, "{connections:?}");
}

#[tokio::test]
async fn a_suspect_connection_may_still_deliver_and_is_cleared_by_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    let pool = pool();
    let mut one = pool.send(to, query(1), None);
    let (mut stream, _) = listener.accept().await.unwrap();
    let answer = async |stream: &mut TcpStream| {
        let message = read(stream).await.unwrap();
        write_message(stream, &message).await.unwrap();
    };
    answer(&mut stream).await;
    assert_eq!(one.receive().await, ExchangeEvent::Message(query(1)));
    // A reply to a second query shows that the connection is alive.
    let (mut two, mut three) = (pool.send(to, query(2), None), pool.send(to, query(3), None));
    answer(&mut stream).await;
    assert_eq!(two.receive().await, ExchangeEvent::Message(query(2)));
    assert!(!three.doubt());
    answer(&mut stream).await;
    assert_eq!(three.receive().await, ExchangeEvent::Message(query(3)));
    // The reply is late, and arrives while the new connection has received nothing.
    let mut four = pool.send(to, query(4), None);
    assert!(four.doubt());
    four.resend(query(4));
    let (_silent, _) = listener.accept().await.unwrap();
    answer(&mut stream).await;
    assert_eq!(four.receive().await, ExchangeEvent::Message(query(4)));
}

#[tokio::test]
async fn a_connection_that_has_yet_to_bring_anything_is_not_suspect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    let pool = pool();
    let (mut one, mut two) = (pool.send(to, query(1), None), pool.send(to, query(2), None));
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(read(&mut stream).await.unwrap(), query(1));
    assert!(!one.doubt() && !two.doubt());
    assert_eq!(read(&mut stream).await.unwrap(), query(2), "on the same");
}

#[tokio::test]
async fn elsewhere_connections_are_closed_and_queries_go_over_new_ones() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    let pool = pool();
    // Opened for the first query; no query is answered here.
    let mut moving: Vec<PooledExchange> = (1..5).map(|id| pool.send(to, query(id), None)).collect();
    let (mut old, _) = listener.accept().await.unwrap();
    for id in 1..5 {
        assert_eq!(read(&mut old).await.unwrap(), query(id));
    }
    pool.renew();
    assert!(read(&mut old).await.is_err(), "closed");
    let server = tokio::spawn(async move {
        let (mut new, _) = listener.accept().await.unwrap();
        for _ in 1..5 {
            let message = read(&mut new).await.unwrap();
            write_message(&mut new, &message).await.unwrap();
        }
        (new, listener)
    });
    for (id, exchange) in (1..5).zip(&mut moving) {
        assert_eq!(exchange.receive().await, ExchangeEvent::Message(query(id)));
    }
    // A connection without queries is closed too.
    let (mut new, listener) = server.await.unwrap();
    pool.renew();
    assert!(read(&mut new).await.is_err(), "closed");
    let mut last = pool.send(to, query(9), None);
    let (mut stream, _) = listener.accept().await.unwrap();
    let message = read(&mut stream).await.unwrap();
    write_message(&mut stream, &message).await.unwrap();
    assert_eq!(last.receive().await, ExchangeEvent::Message(query(9)));
}

#[tokio::test]
async fn an_idle_connection_gives_way_and_one_with_queries_does_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Endpoint::new(listener.local_addr().unwrap(), Transport::Tcp);
    let descriptors = Descriptors::new(4);
    let pool = Pool::new(Sources::new(Random::seeded(1), Vec::new()), descriptors.clone());
    descriptors.register(pool.keeper());
    let answer = async |stream: &mut TcpStream| {
        let message = read(stream).await.unwrap();
        write_message(stream, &message).await.unwrap();
    };
    let mut one = pool.send(to, query(1), descriptors.try_take());
    let (mut stream, _) = listener.accept().await.unwrap();
    answer(&mut stream).await;
    assert_eq!(one.receive().await, ExchangeEvent::Message(query(1)));
    drop(one);
    assert!(pool.has(to));
    // The remaining descriptors are taken.
    let others: Vec<Descriptor> = std::iter::from_fn(|| descriptors.try_take()).collect();
    assert_eq!(others.len(), 2);
    let got = descriptors.take().await;
    assert!(read(&mut stream).await.is_err() && !pool.has(to), "it was closed");
    // A connection with a query is waited for, and then closed at once.
    drop(got);
    let mut two = pool.send(to, query(2), descriptors.try_take());
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut waiting = std::pin::pin!(descriptors.take());
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("it is in use"),
        message = read(&mut stream) => assert_eq!(message.unwrap(), query(2)),
    }
    write_message(&mut stream, &query(2)).await.unwrap();
    assert_eq!(two.receive().await, ExchangeEvent::Message(query(2)));
    drop(two);
    waiting.await;
    assert!(read(&mut stream).await.is_err() && others.len() == 2);
}
