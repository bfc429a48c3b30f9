//! Messages on their way out on a stream.

use bytes::Bytes;
use quinn_proto::{Connection, StreamId, WriteError};

/// Writes a message as far as the peer has room, and ends the stream after the last octet. The octets that found no room
/// are returned: an event tells of room later.
pub(super) fn write_message(
    connection: &mut Connection,
    id: StreamId,
    mut rest: Bytes,
) -> Option<Bytes> {
    loop {
        match connection.send_stream(id).write_chunks(std::slice::from_mut(&mut rest)) {
            Ok(_) if rest.is_empty() => {
                let _ = connection.send_stream(id).finish();
                return None;
            }
            // Room is told of only after a write that found none.
            Ok(_) => {}
            Err(WriteError::Blocked) => return Some(rest),
            // The end of the stream is an event of its own.
            Err(WriteError::Stopped(_) | WriteError::ClosedStream) => return None,
        }
    }
}
