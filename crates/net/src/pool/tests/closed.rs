//! Connections that the pool closes: on another network, and for want of descriptors.

use super::*;

#[tokio::test]
async fn elsewhere_connections_are_closed_and_queries_go_over_new_ones() {
    let (listener, to) = listening().await;
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
            answer(&mut new).await;
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
    answer(&mut stream).await;
    assert_eq!(last.receive().await, ExchangeEvent::Message(query(9)));
}

#[tokio::test]
async fn an_idle_connection_gives_way_and_one_with_queries_does_not() {
    let (listener, to) = listening().await;
    let descriptors = Descriptors::new(4);
    let pool = Pool::new(Sources::new(Random::seeded(1), Vec::new()), descriptors.clone());
    descriptors.register(pool.keeper());
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
