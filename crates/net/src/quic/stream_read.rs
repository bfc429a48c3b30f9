//! Octets on their way in on a stream.

use bytes::Bytes;
use quinn_proto::{Connection, ReadError, StreamId};

/// What follows the octets that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Further octets.
    Octets,
    /// The end of the stream.
    End,
    /// A reset: the rest never comes.
    Reset,
}

/// Hands on the octets that have come, until `put` finds a fault; `None` for a stream that is read no more.
pub(super) fn read_stream<E>(
    connection: &mut Connection,
    id: StreamId,
    mut put: impl FnMut(Bytes) -> Result<(), E>,
) -> Option<Result<Next, E>> {
    let mut stream = connection.recv_stream(id);
    let mut chunks = stream.read(true).ok()?;
    let read = loop {
        match chunks.next(usize::MAX) {
            Ok(Some(chunk)) => match put(chunk.bytes) {
                Ok(()) => {}
                Err(fault) => break Err(fault),
            },
            Ok(None) => break Ok(Next::End),
            Err(ReadError::Blocked) => break Ok(Next::Octets),
            Err(ReadError::Reset(_)) => break Ok(Next::Reset),
        }
    };
    let _ = chunks.finalize();
    Some(read)
}
