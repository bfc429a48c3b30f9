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
    let (mut batch, mut octets) = (Vec::new(), Vec::new());
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
                    }
                    if framing == Framing::Apart {
                        writer.write_all(&octets).await?;
                        octets.clear();
                    }
                }
                writer.write_all(&octets).await?;
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

    /// The octets of each write.
    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl AsyncWrite for &mut Writes {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(octets.to_vec());
            Poll::Ready(Ok(octets.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// The writes of queries that wait together. A second query with the ID of the first is none of them.
    async fn writes(framing: Framing) -> Vec<Vec<u8>> {
        let (sender, mut queries) = mpsc::channel(UNWRITTEN);
        let mut replies = Vec::new();
        for id in [1, 2, 2, 3] {
            let (reply, received) = oneshot::channel();
            sender.try_send((Bytes::copy_from_slice(&[0, id, b'q']), reply)).unwrap();
            replies.push(received);
        }
        let (waiting, mut written) = (WaitingQueries::default(), Writes::default());
        let writing = write_queries(&mut written, framing, Duration::MAX, &mut queries, &waiting);
        tokio::select! { biased; _ = writing => panic!("ended"), () = async {} => {} }
        assert!(matches!(replies[2].try_recv(), Ok(Err(Ended::By(NetworkError::Closed)))));
        written.0
    }

    #[tokio::test]
    async fn queries_within_tls_are_records_of_their_own() {
        let query = |id| vec![0, 3, 0, id, b'q'];
        assert_eq!(writes(Framing::Apart).await, [query(1), query(2), query(3)]);
        assert_eq!(writes(Framing::Together).await, [[query(1), query(2), query(3)].concat()]);
    }
}
