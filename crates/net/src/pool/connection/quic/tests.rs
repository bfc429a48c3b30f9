//! The driver of a connection, while more datagrams lie ready than are read in a turn.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::descriptors::Descriptors;
use crate::held::Held;
use crate::pool::connection::{Health, IDLE_ENCRYPTED, Queries};
use crate::pool::tests::quic::echo;

type Sender = mpsc::Sender<(Bytes, oneshot::Sender<PooledReply>)>;

async fn send(queries: &Sender, query: &'static [u8]) -> oneshot::Receiver<PooledReply> {
    let (sender, reply) = oneshot::channel();
    queries.send((Bytes::from_static(query), sender)).await.unwrap();
    reply
}

/// Has an open connection on which junk lies ready, and looks at the connection.
async fn with_junk_ready(look: impl AsyncFnOnce(&mut Driver<'_>, &Sender)) {
    let server = echo(b"doq").await;
    let (to, descriptors) = (server.named("dns.example"), Descriptors::new(8));
    let (sender, mut queries): (Sender, Queries) = mpsc::channel(8);
    let (waiting, health) = (WaitingQueries::default(), Health::new(descriptors.clone()));
    let (account, counters) = (Held::new(usize::MAX).account(), Counters::default());
    let conversation = Conversation {
        idle: IDLE_ENCRYPTED,
        queries: &mut queries,
        waiting: &waiting,
        account: &account,
        health: &health,
    };
    let random = Random::seeded(1);
    let from = IpAddr::from([127, 0, 0, 1]);
    let descriptor = descriptors.take().await;
    let socket = open(from, to.address, None, &random, &descriptor).await.unwrap();
    let mut driver = Driver::begin(conversation, socket, to, &server.trust(), &counters).unwrap();
    let mut reply = send(&sender, b"\0\x01j").await;
    loop {
        assert_eq!(driver.take_turn().await, Ok(false));
        if reply.try_recv().is_ok() {
            break;
        }
        driver.wait().await.unwrap();
    }
    look(&mut driver, &sender).await;
    let mut octets = [0; 8];
    assert_eq!(driver.socket.try_recv(&mut octets).unwrap(), 4, "junk still lies ready");
}

#[tokio::test]
async fn datagrams_without_end_hold_up_no_query() {
    with_junk_ready(async |driver, queries| {
        let reply = send(queries, b"\0\x02q").await;
        driver.wait().await.unwrap();
        assert_eq!(driver.under_way.len(), 1);
        drop(reply);
        driver.wait().await.unwrap();
        assert_eq!(driver.under_way.len(), 0, "nor the end of a query that is given up");
    })
    .await;
}

#[tokio::test]
async fn datagrams_without_end_hold_up_no_timer() {
    with_junk_ready(async |driver, _| {
        tokio::time::pause();
        tokio::time::advance(IDLE_ENCRYPTED).await;
        driver.wait().await.unwrap();
        assert!(driver.is_closing);
        assert!(driver.client.deadline().is_none_or(|deadline| deadline > now()));
    })
    .await;
}
