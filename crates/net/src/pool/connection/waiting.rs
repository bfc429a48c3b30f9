//! The waiting queries of a connection: written, and not yet answered.

use std::collections::HashMap;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use zoners_dns::{Message, NetworkError};

use super::{Ended, PooledReply};

/// The key of a waiting query: the ID, and a number. On a stream of its own a query has no ID on the wire, so queries
/// of one ID may wait on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct WaitingKey {
    pub(super) id: u16,
    number: u16,
}

impl WaitingKey {
    fn first(id: u16) -> Self {
        WaitingKey { id, number: 0 }
    }
}

/// The waiting queries of a connection.
#[derive(Default)]
pub(super) struct WaitingQueries(Mutex<HashMap<WaitingKey, oneshot::Sender<PooledReply>>>);

impl WaitingQueries {
    /// The query answered by a message: the query with the ID of the message; or the only waiting
    /// query, as no other host can have sent the message. Otherwise that query would wait in vain.
    pub(super) fn asker_of(&self, message: &Bytes) -> Option<oneshot::Sender<PooledReply>> {
        let mut waiting = self.0.lock();
        if let Some(reply) =
            Message::id_of(message).and_then(|id| waiting.remove(&WaitingKey::first(id)))
        {
            return Some(reply);
        }
        let mut open = waiting.iter().filter(|(_, reply)| !reply.is_closed());
        let (only, others) = (open.next().map(|(key, _)| *key), open.next().is_some());
        waiting.remove(&only.filter(|_| !others)?)
    }

    /// The query with this key, which waits no longer.
    pub(super) fn take(&self, key: WaitingKey) -> Option<oneshot::Sender<PooledReply>> {
        self.0.lock().remove(&key)
    }

    /// Ready once the query with this key is abandoned.
    pub(super) fn poll_abandoned(&self, key: WaitingKey, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.0.lock();
        let abandoned = waiting.get_mut(&key).map_or(Poll::Ready(()), |it| it.poll_closed(context));
        if abandoned.is_ready() {
            waiting.remove(&key);
        }
        abandoned
    }

    /// Adds a query for a stream of its own; the key. An abandoned query is dropped, and a query over 64 KiB or without
    /// an ID fails.
    pub(super) fn admit(
        &self,
        query: &Bytes,
        reply: oneshot::Sender<PooledReply>,
    ) -> Option<WaitingKey> {
        if reply.is_closed() {
            return None;
        }
        let fits = u16::try_from(query.len()).is_ok();
        let Some(id) = Message::id_of(query).filter(|_| fits) else {
            let _ = reply.send(Err(Ended::Alone(NetworkError::NoSocket)));
            return None;
        };
        let mut waiting = self.0.lock();
        // A connection has a hundred streams at most, so a number is free.
        let mut keys = (0..=u16::MAX).map(|number| WaitingKey { id, number });
        let key = keys.find(|key| !waiting.contains_key(key))?;
        waiting.insert(key, reply);
        Some(key)
    }

    /// Adds a waiting query that has its ID on the wire; returns the query if the ID is in use.
    pub(super) fn enter(
        &self,
        id: u16,
        reply: oneshot::Sender<PooledReply>,
    ) -> Result<(), oneshot::Sender<PooledReply>> {
        let (mut waiting, key) = (self.0.lock(), WaitingKey::first(id));
        match waiting.contains_key(&key) {
            true => Err(reply),
            false => {
                waiting.insert(key, reply);
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
