use super::*;
use tokio::net::TcpListener;

fn query(id: u8) -> Bytes {
    Bytes::copy_from_slice(&[0, id, b'q'])
}

async fn read(stream: &mut TcpStream) -> io::Result<Bytes> {
    read_message(stream, &Held::new(usize::MAX).account()).await
}

#[tokio::test]
async fn a_connection_is_reused_and_answers_may_come_in_any_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let one = read(&mut stream).await.unwrap();
        let two = read(&mut stream).await.unwrap();
        write_message(&mut stream, &two).await.unwrap();
        write_message(&mut stream, &one).await.unwrap();
    });
    let pool = Pool::default();
    let (mut one, mut two) = (pool.send(to, query(1)), pool.send(to, query(2)));
    let (one, two) = tokio::join!(one.receive(), two.receive());
    assert_eq!((one, two), (Outcome::Message(query(1)), Outcome::Message(query(2))));
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_opened_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let message = read(&mut stream).await.unwrap();
            write_message(&mut stream, &message).await.unwrap();
        }
    });
    let pool = Pool::default();
    for id in 1..4 {
        assert_eq!(pool.send(to, query(id)).receive().await, Outcome::Message(query(id)));
    }
}

#[tokio::test]
async fn a_closed_port_and_a_closed_stream_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let closing = tokio::spawn(async move { drop(listener.accept().await) });
    let pool = Pool::default();
    assert_eq!(pool.send(to, query(1)).receive().await, Outcome::Failed(Failure::Closed));
    closing.await.unwrap();
    assert_eq!(pool.send(to, query(1)).receive().await, Outcome::Failed(Failure::Refused));
}

#[tokio::test]
async fn who_cannot_use_the_reply_hears_that_there_is_no_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let message = read(&mut stream).await.unwrap();
        write_message(&mut stream, &message).await.unwrap();
    });
    let mut exchange = Pool::default().send(to, query(1));
    assert_eq!(exchange.receive().await, Outcome::Message(query(1)));
    for _ in 0..2 {
        assert_eq!(exchange.receive().await, Outcome::Failed(Failure::Closed));
    }
}

#[tokio::test]
async fn what_has_an_id_of_none_is_for_the_only_query_that_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
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
    let pool = Pool::default();
    assert_eq!(pool.send(to, query(1)).receive().await, Outcome::Message(query(7)));
    assert_eq!(pool.send(to, query(2)).receive().await, Outcome::Message(Bytes::new()));
    // Of two it is for neither; of those it may be for, one has gone by then.
    let (mut three, mut four) = (pool.send(to, query(3)), pool.send(to, query(4)));
    assert_eq!(four.receive().await, Outcome::Message(query(4)));
    assert_eq!(three.receive().await, Outcome::Message(query(9)));
}

#[tokio::test]
async fn a_connection_is_opened_from_the_address_that_it_shall() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, from) = listener.accept().await.unwrap();
        let message = read(&mut stream).await.unwrap();
        write_message(&mut stream, &message).await.unwrap();
        from.ip().to_string()
    });
    let random = zoners_dns::Random::seeded(1);
    let sources = |text: &str| Sources::new(random.clone(), vec![text.parse().unwrap()]);
    let mut exchange = Pool::new(sources("127.0.0.7")).send(to, query(1));
    assert_eq!(exchange.receive().await, Outcome::Message(query(1)));
    assert_eq!(server.await.unwrap(), "127.0.0.7");
    let mut exchange = Pool::new(sources("192.0.2.77")).send(to, query(1));
    assert_eq!(exchange.receive().await, Outcome::Failed(Failure::NoSocket));
}
