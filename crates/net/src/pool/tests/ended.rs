//! Queries of a connection that the server has ended.

use futures_util::future::join_all;

use super::*;

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
