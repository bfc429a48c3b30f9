//! The waiting queries of a connection: written, and not yet answered.

use std::collections::HashMap;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use zoners_dns::{Message, NetworkError};

use super::{Ended, PooledReply};

/// The waiting queries of a connection, by ID.
#[derive(Default)]
pub(super) struct WaitingQueries(Mutex<HashMap<u16, oneshot::Sender<PooledReply>>>);

impl WaitingQueries {
    /// The query answered by a message: the query with the ID of the message; or the only waiting
    /// query, as no other host can have sent the message. Otherwise that query would wait in vain.
    pub(super) fn asker_of(&self, message: &Bytes) -> Option<oneshot::Sender<PooledReply>> {
        let mut waiting = self.0.lock();
        if let Some(reply) = Message::id_of(message).and_then(|id| waiting.remove(&id)) {
            return Some(reply);
        }
        let mut open = waiting.iter().filter(|(_, reply)| !reply.is_closed());
        let (only, others) = (open.next().map(|(id, _)| *id), open.next().is_some());
        waiting.remove(&only.filter(|_| !others)?)
    }

    /// The query with this ID, which waits no longer.
    pub(super) fn take(&self, id: u16) -> Option<oneshot::Sender<PooledReply>> {
        self.0.lock().remove(&id)
    }

    /// Ready once the query with this ID is abandoned.
    pub(super) fn poll_abandoned(&self, id: u16, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.0.lock();
        let abandoned = waiting.get_mut(&id).map_or(Poll::Ready(()), |it| it.poll_closed(context));
        if abandoned.is_ready() {
            waiting.remove(&id);
        }
        abandoned
    }

    /// Adds a query for a stream of its own; the ID. An abandoned query is dropped. A query over 64 KiB or without an
    /// ID fails, and so does a query whose ID is in use.
    pub(super) fn admit(&self, query: &Bytes, reply: oneshot::Sender<PooledReply>) -> Option<u16> {
        if reply.is_closed() {
            return None;
        }
        let fits = u16::try_from(query.len()).is_ok();
        let Some(id) = Message::id_of(query).filter(|_| fits) else {
            let _ = reply.send(Err(Ended::By(NetworkError::NoSocket)));
            return None;
        };
        match self.enter(id, reply) {
            Ok(()) => Some(id),
            Err(reply) => {
                let _ = reply.send(Err(Ended::By(NetworkError::Closed)));
                None
            }
        }
    }

    /// Adds a waiting query; returns it if its ID is in use.
    pub(super) fn enter(
        &self,
        id: u16,
        reply: oneshot::Sender<PooledReply>,
    ) -> Result<(), oneshot::Sender<PooledReply>> {
        let mut waiting = self.0.lock();
        match waiting.contains_key(&id) {
            true => Err(reply),
            false => {
                waiting.insert(id, reply);
                Ok(())
            }
        }
    }

    /// Removes abandoned queries; returns whether none is left.
    pub(super) fn are_gone(&self) -> bool {
        let mut waiting = self.0.lock();
        waiting.retain(|_, reply| !reply.is_closed());
        waiting.is_empty()
    }

    pub(super) fn end(&self, ended: Ended) {
        #[expect(clippy::iter_over_hash_type, reason = "all are told the same")]
        for (_, reply) in self.0.lock().drain() {
            let _ = reply.send(Err(ended));
        }
    }
}

/// The message with another ID. A query on a stream of its own has ID 0.
pub(super) fn numbered(mut message: BytesMut, id: u16) -> Bytes {
    if let Some(octets) = message.first_chunk_mut::<2>() {
        *octets = id.to_be_bytes();
    }
    message.freeze()
}
