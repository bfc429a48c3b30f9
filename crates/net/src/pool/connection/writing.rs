//! Queries are written to a connection.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use zoners_dns::{Message, NetworkError};

use super::waiting::WaitingQueries;
use super::{Ended, Queries, UNWRITTEN};
use crate::stream::put_message;

/// The interval at which a connection accepting no more queries checks whether its last query was
/// given up.
const LAST: Duration = Duration::from_millis(50);

/// How queries that wait at the same time are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// In one segment (RFC 7766 section 8).
    Together,
    /// Each in a TLS record of its own. dnsdist 1.7 reads a query, and waits for its socket while further queries of the
    /// same record lie in the library: they are answered once the next query comes.
    Apart,
}

/// Writes queries until none comes for `idle`.
///
/// # Errors
/// The stream broke.
pub(super) async fn write_queries(
    mut writer: impl AsyncWrite + Unpin,
    framing: Framing,
    idle: Duration,
    queries: &mut Queries,
    waiting: &WaitingQueries,
) -> io::Result<()> {
    let (mut batch, mut octets, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match tokio::time::timeout(idle, queries.recv_many(&mut batch, UNWRITTEN)).await {
            Ok(0) => return drained(waiting).await,
            Ok(_) => {
                for (query, reply) in batch.drain(..) {
                    let begin = octets.len();
                    let is_framed = put_message(&mut octets, &query);
                    // A query over 64 KiB or without an ID cannot be framed: its exchange fails.
                    let Some(id) = Message::id_of(&query).filter(|_| is_framed) else {
                        octets.truncate(begin);
                        let _ = reply.send(Err(Ended::Alone(NetworkError::NoSocket)));
                        continue;
                    };
                    // A query whose ID is in use here goes to another connection.
                    if let Err(reply) = waiting.enter(id, reply) {
                        octets.truncate(begin);
                        let _ = reply.send(Err(Ended::By(NetworkError::Closed)));
                        continue;
                    }
                    if framing == Framing::Apart {
                        ends.push(octets.len());
                    }
                }
                // All queries wait before the first write: each learns how the connection ends.
                let mut begin = 0;
                for end in ends.drain(..) {
                    writer.write_all(&octets[begin..end]).await?;
                    begin = end;
                }
                writer.write_all(&octets[begin..]).await?;
                writer.flush().await?;
                octets.clear();
            }
            // The waiting queries time out by themselves.
            Err(_) if !waiting.are_gone() => {}
            Err(_) => return writer.shutdown().await,
        }
    }
}

/// No more queries can arrive; ends once none is waiting.
async fn drained(waiting: &WaitingQueries) -> io::Result<()> {
    while !waiting.are_gone() {
        tokio::time::sleep(LAST).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::pool::connection::PooledReply;

    /// The octets of each write, up to the write at which the stream breaks.
    struct Writes {
        octets: Vec<Vec<u8>>,
        most: usize,
    }

    impl Writes {
        fn up_to(most: usize) -> Self {
            Writes { octets: Vec::new(), most }
        }
    }

    impl AsyncWrite for &mut Writes {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.octets.len() == self.most {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            self.octets.push(octets.to_vec());
            Poll::Ready(Ok(octets.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    type Sender = mpsc::Sender<(Bytes, oneshot::Sender<PooledReply>)>;

    /// Queries with these IDs, and the replies.
    fn waiting_together(ids: &[u8]) -> (Sender, Queries, Vec<oneshot::Receiver<PooledReply>>) {
        let (sender, queries) = mpsc::channel(UNWRITTEN);
        let mut replies = Vec::new();
        for id in ids {
            let (reply, received) = oneshot::channel();
            sender.try_send((Bytes::copy_from_slice(&[0, *id, b'q']), reply)).unwrap();
            replies.push(received);
        }
        (sender, queries, replies)
    }

    /// The writes of queries that wait together. A second query with the ID of the first is none of them.
    async fn writes(framing: Framing) -> Vec<Vec<u8>> {
        let (_sender, mut queries, mut replies) = waiting_together(&[1, 2, 2, 3]);
        let (waiting, mut written) = (WaitingQueries::default(), Writes::up_to(3));
        let writing = write_queries(&mut written, framing, Duration::MAX, &mut queries, &waiting);
        tokio::select! { biased; _ = writing => panic!("ended"), () = async {} => {} }
        assert!(matches!(replies[2].try_recv(), Ok(Err(Ended::By(NetworkError::Closed)))));
        written.octets
    }

    #[tokio::test]
    async fn queries_within_tls_are_records_of_their_own() {
        let query = |id| vec![0, 3, 0, id, b'q'];
        assert_eq!(writes(Framing::Apart).await, [query(1), query(2), query(3)]);
        assert_eq!(writes(Framing::Together).await, [[query(1), query(2), query(3)].concat()]);
    }

    #[tokio::test]
    async fn a_stream_that_breaks_between_two_records_ends_every_query() {
        let (_sender, mut queries, replies) = waiting_together(&[1, 2, 3]);
        let (waiting, mut written) = (WaitingQueries::default(), Writes::up_to(1));
        let apart = Framing::Apart;
        let ended = write_queries(&mut written, apart, Duration::MAX, &mut queries, &waiting).await;
        assert_eq!((ended.is_err(), written.octets.len()), (true, 1));
        waiting.end(Ended::By(NetworkError::Closed));
        for mut reply in replies {
            assert!(matches!(reply.try_recv(), Ok(Err(Ended::By(NetworkError::Closed)))));
        }
    }
}
