//! Responses on the way to a client. Where no response waits, responses go out in the turn in which their queries were
//! read; what the client does not take at once is left to the writer of the connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, mpsc};
use zoners_dns::{Counter, Network};
use zoners_net::held::Account;

use super::super::at_work::AtWork;
use super::super::connections::ClientConnection;
use crate::pipeline::Service;

/// Responses are handed on at so many octets …
pub(super) const PORTION_OCTETS: usize = 16 * 1024;
/// … and so many portions may wait for the client to read.
const MAX_WAITING_PORTIONS: usize = 8;
/// A client that reads nothing for this time is disconnected.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// Responses, each with a length in front, ready to be written. Boxed, since a channel has room for 32 as long as it lives.
pub(super) type Replies = Box<(Vec<u8>, AtWork)>;

/// The way of responses to the writer of a connection.
pub(super) fn channel() -> (mpsc::Sender<Replies>, mpsc::Receiver<Replies>) {
    mpsc::channel(MAX_WAITING_PORTIONS)
}

/// Responses handed on together.
pub(super) struct OutgoingReplies {
    pub(super) octets: Vec<u8>,
    replies: mpsc::Sender<Replies>,
    at_work: AtWork,
    connection: Arc<ClientConnection>,
}

impl OutgoingReplies {
    /// No response so far.
    pub(super) fn new(
        at_work: &AtWork,
        connection: &Arc<ClientConnection>,
        replies: mpsc::Sender<Replies>,
    ) -> Self {
        let (at_work, connection) = (at_work.clone(), connection.clone());
        OutgoingReplies { octets: Vec::new(), replies, at_work, connection }
    }

    /// For further responses on the same connection.
    pub(super) fn another(&self) -> Self {
        OutgoingReplies::new(&self.at_work, &self.connection, self.replies.clone())
    }

    /// Whether nothing is written any more.
    pub(super) fn is_closed(&self) -> bool {
        self.replies.is_closed()
    }

    /// Writes the responses so far without waiting, if none waits; hands on what the client does not take.
    ///
    /// # Errors
    /// The stream broke.
    pub(super) async fn write_now<N: Network>(
        &mut self,
        writer: &Mutex<impl AsyncWrite + Unpin>,
        service: &Service<N>,
    ) -> io::Result<()> {
        if self.octets.is_empty() {
            return Ok(());
        }
        // Boxed, so that an open connection has no room for responses that wait.
        match self.write_or_leave(writer).await? {
            Some(0) => {}
            Some(left) => Box::pin(note_held(&self.connection, left, service)).await,
            None => Box::pin(self.hand_on(service)).await,
        }
        Ok(())
    }

    /// Writes the responses so far, and leaves the rest to the writer of the connection; returns the octets of memory
    /// that the rest takes. `None` if responses wait already: nothing has been written.
    async fn write_or_leave(
        &mut self,
        writer: &Mutex<impl AsyncWrite + Unpin>,
    ) -> io::Result<Option<usize>> {
        // With all places, no response waits, and none goes in between.
        let Ok(mut places) = self.replies.try_reserve_many(MAX_WAITING_PORTIONS) else {
            return Ok(None);
        };
        let Ok(mut writer) = writer.try_lock() else { return Ok(None) };
        let mut octets = std::mem::take(&mut self.octets);
        let Written::UpTo(taken) = write_at_once(&mut *writer, &octets).await? else {
            return Ok(Some(0));
        };
        octets.drain(..taken);
        let left = octets.capacity();
        // Without octets too: the stream itself may have some.
        if let Some(place) = places.next() {
            place.send(Box::new((octets, self.at_work.clone())));
        }
        Ok(Some(left))
    }

    /// Hands on the responses so far; the writer may have disconnected.
    pub(super) async fn hand_on<N: Network>(&mut self, service: &Service<N>) {
        if !self.octets.is_empty() {
            let octets = std::mem::take(&mut self.octets);
            note_held(&self.connection, octets.capacity(), service).await;
            let _ = self.replies.send(Box::new((octets, self.at_work.clone()))).await;
        }
    }
}

/// Notes that a connection holds octets; waits while all connections hold too many.
async fn note_held<N: Network>(connection: &ClientConnection, octets: usize, service: &Service<N>) {
    given_up(service, connection.account.change(0, octets).await);
}

/// Counts connections closed for the octets held.
pub(super) fn given_up<N: Network>(service: &Service<N>, connections: usize) {
    (0..connections).for_each(|_| service.count(Counter::ClientTcpMemoryClosed));
}

/// The outcome of a write that does not wait.
enum Written {
    /// The client takes everything.
    All,
    /// The stream has taken so many octets, and has not sent all of them.
    UpTo(usize),
}

/// Writes as much as goes without waiting.
async fn write_at_once(
    writer: &mut (impl AsyncWrite + Unpin),
    octets: &[u8],
) -> io::Result<Written> {
    poll_fn(|context| {
        let mut taken = 0;
        while let Some(rest) = octets.get(taken..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut *writer).poll_write(context, rest)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(more) => taken += more,
                Poll::Pending => return Poll::Ready(Ok(Written::UpTo(taken))),
            }
        }
        Poll::Ready(Ok(match Pin::new(&mut *writer).poll_flush(context)? {
            Poll::Ready(()) => Written::All,
            Poll::Pending => Written::UpTo(taken),
        }))
    })
    .await
}

/// Writes responses that were handed on, until none can come; then ends the stream.
pub(super) async fn write_handed_on(
    writer: &Mutex<impl AsyncWrite + Unpin>,
    account: &Account,
    mut ready: mpsc::Receiver<Replies>,
) {
    while let Some(replies) = ready.recv().await {
        let (mut framed, _at_work) = *replies;
        let mut held = framed.capacity();
        // More ready responses go along.
        while framed.len() < PORTION_OCTETS
            && let Ok(more) = ready.try_recv()
        {
            held += more.0.capacity();
            framed.extend_from_slice(&more.0);
        }
        let write = async {
            let mut writer = writer.lock().await;
            writer.write_all(&framed).await?;
            writer.flush().await
        };
        if !matches!(tokio::time::timeout(WRITE_TIMEOUT, write).await, Ok(Ok(()))) {
            return;
        }
        account.change(held, 0).await;
    }
    let end = async { writer.lock().await.shutdown().await };
    let _ = tokio::time::timeout(WRITE_TIMEOUT, end).await;
}
