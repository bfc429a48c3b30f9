//! Connections that have brought nothing for a while, as a NAT may have forgotten them.

use super::*;

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
    let (listener, to) = listening().await;
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
    let (listener, to) = listening().await;
    let pool = pool();
    let mut one = pool.send(to, query(1), None);
    let (mut stream, _) = listener.accept().await.unwrap();
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
    let (listener, to) = listening().await;
    let pool = pool();
    let (mut one, mut two) = (pool.send(to, query(1), None), pool.send(to, query(2), None));
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(read(&mut stream).await.unwrap(), query(1));
    assert!(!one.doubt() && !two.doubt());
    assert_eq!(read(&mut stream).await.unwrap(), query(2), "on the same");
}
