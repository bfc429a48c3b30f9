//! Messages on a stream: each preceded by its length in two octets (RFC 1035 section 4.2.2).

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Octets that are asked of a stream at first, and while little comes …
const LITTLE: usize = 512;
/// … and while much does.
const MUCH: usize = 16 * 1024;

/// What has come on a stream and was not looked at yet. While nothing comes it takes little memory.
#[derive(Debug)]
pub struct Incoming {
    octets: BytesMut,
    room: usize,
}

impl Default for Incoming {
    fn default() -> Self {
        Incoming { octets: BytesMut::new(), room: LITTLE }
    }
}

impl Incoming {
    /// The next message that is here whole.
    pub fn next_message(&mut self) -> Option<BytesMut> {
        let length = usize::from(u16::from_be_bytes(*self.octets.first_chunk::<2>()?));
        if self.octets.len() < 2 + length {
            return None;
        }
        let mut message = self.octets.split_to(2 + length);
        Some(message.split_off(2))
    }

    /// Waits for more, however little. Safe to cancel and call again.
    ///
    /// # Errors
    /// The stream ended or broke.
    pub async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        if self.octets.is_empty() {
            // What was read is let go of, however long it was.
            self.octets = BytesMut::new();
        }
        self.octets.reserve(self.room);
        let read = stream.read_buf(&mut self.octets).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.room = if read >= self.room { (self.room * 2).min(MUCH) } else { LITTLE.max(read) };
        Ok(())
    }
}

/// Appends a message with its length; false if it is longer than 65,535 octets.
pub fn put_message(out: &mut Vec<u8>, message: &[u8]) -> bool {
    let Ok(length) = u16::try_from(message.len()) else { return false };
    out.reserve(2 + message.len());
    out.put_u16(length);
    out.put_slice(message);
    true
}

/// Reads the next message.
///
/// # Errors
/// The stream ended or broke.
pub async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let length = stream.read_u16().await?;
    let mut message = BytesMut::zeroed(length.into());
    stream.read_exact(&mut message).await?;
    Ok(message.freeze())
}

/// Writes a message, length and content at once, so that they share a segment (RFC 7766
/// section 8).
///
/// # Errors
/// The stream broke, or the message is longer than 65,535 octets.
pub async fn write_message(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &[u8],
) -> io::Result<()> {
    let mut framed = Vec::new();
    if !put_message(&mut framed, message) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "message over 65,535 octets"));
    }
    stream.write_all(&framed).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_in_pieces_or_at_once_is_taken_apart() {
        let (mut here, mut there) = tokio::io::duplex(1 << 20);
        let mut sent = Vec::new();
        for length in [0, 1, LITTLE, 65_535, 3] {
            assert!(put_message(&mut sent, &vec![7; length]));
        }
        assert!(!put_message(&mut sent, &vec![7; 65_536]));
        for pieces in [1, 500, sent.len()] {
            let (mut incoming, mut lengths) = (Incoming::default(), Vec::new());
            for piece in sent.chunks(pieces) {
                here.write_all(piece).await.unwrap();
                // The longest message by the octet would take long: it is read in one go.
                if pieces == 1 && lengths.len() == 3 {
                    continue;
                }
                incoming.fill(&mut there).await.unwrap();
                lengths.extend(std::iter::from_fn(|| incoming.next_message()).map(|m| m.len()));
            }
            while lengths.len() < 5 {
                incoming.fill(&mut there).await.unwrap();
                lengths.extend(std::iter::from_fn(|| incoming.next_message()).map(|m| m.len()));
            }
            assert_eq!(lengths, [0, 1, LITTLE, 65_535, 3]);
            assert!(incoming.octets.is_empty());
        }
        drop(here);
        assert!(Incoming::default().fill(&mut there).await.is_err());
    }

    #[tokio::test]
    async fn messages_keep_their_bounds() {
        let (mut here, mut there) = tokio::io::duplex(1024);
        write_message(&mut here, b"one").await.unwrap();
        write_message(&mut here, b"").await.unwrap();
        assert_eq!(read_message(&mut there).await.unwrap(), Bytes::from_static(b"one"));
        assert_eq!(read_message(&mut there).await.unwrap(), Bytes::new());
        let long = vec![0; 65_536];
        assert!(write_message(&mut here, &long).await.is_err());
        drop(here);
        assert!(read_message(&mut there).await.is_err());
    }
}
