//! Messages on a stream: each preceded by its length in two octets (RFC 1035 section 4.2.2).

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::held::Account;

/// The size of reads at first, and while little arrives …
const LITTLE: usize = 512;
/// … and while much arrives: the room that an idle connection may keep.
const MUCH: usize = 4 * 1024;

/// Unread octets of a stream. Idle streams use little memory, and memory grows with received
/// octets, not with announced lengths.
#[derive(Debug)]
pub struct Incoming {
    octets: Vec<u8>,
    room: usize,
    /// Octets of messages that were given out.
    consumed: usize,
}

impl Default for Incoming {
    fn default() -> Self {
        Incoming { octets: Vec::new(), room: LITTLE, consumed: 0 }
    }
}

impl Incoming {
    /// The next complete message.
    pub fn next_message(&mut self) -> Option<&[u8]> {
        let rest = self.octets.get(self.consumed..)?;
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?));
        let message = rest.get(2..2 + length)?;
        self.consumed += 2 + length;
        Some(message)
    }

    /// Waits for more, however little. Safe to cancel and call again.
    ///
    /// # Errors
    /// The stream ended or broke.
    pub async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.make_room();
        let room = self.room;
        let read = stream.read_buf(&mut (&mut self.octets).limit(room)).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.room = if read >= self.room { (self.room * 2).min(MUCH) } else { LITTLE.max(read) };
        Ok(())
    }

    /// Room for the next read. Memory of consumed octets is freed, however long the message was.
    fn make_room(&mut self) {
        let is_long = self.consumed > 0 && self.held() > 0;
        self.octets.drain(..self.consumed);
        self.consumed = 0;
        let needed = self.octets.len() + self.room;
        if is_long || self.octets.capacity() < needed {
            // Room for exactly so many octets, where a growing vector would double.
            let mut other = Vec::with_capacity(needed);
            other.extend_from_slice(&self.octets);
            self.octets = other;
        }
    }

    /// Octets of room beyond the base of each connection.
    #[must_use]
    pub fn held(&self) -> usize {
        self.octets.capacity().saturating_sub(MUCH)
    }
}

/// Appends a message with its length; false if the message exceeds 65,535 octets.
pub fn put_message(out: &mut Vec<u8>, message: &[u8]) -> bool {
    let Ok(length) = u16::try_from(message.len()) else { return false };
    out.reserve(2 + message.len());
    out.put_u16(length);
    out.put_slice(message);
    true
}

/// Reads the next message; `account` records the memory held meanwhile.
///
/// # Errors
/// The stream ended or broke.
pub async fn read_message(
    stream: &mut (impl AsyncRead + Unpin),
    account: &Account,
) -> io::Result<Bytes> {
    let length = usize::from(stream.read_u16().await?);
    let mut message = BytesMut::new();
    let mut held = 0;
    while message.len() < length {
        if message.len() == message.capacity() {
            let room = length.min(MUCH.max(2 * message.len()));
            message = enlarged(&message, room);
            account.change(held, room).await;
            held = room;
        }
        let more = length - message.len();
        if stream.read_buf(&mut (&mut message).limit(more)).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    account.change(held, 0).await;
    Ok(message.freeze())
}

/// A copy with room for exactly `room` octets, where a growing buffer would double.
fn enlarged(octets: &[u8], room: usize) -> BytesMut {
    let mut larger = BytesMut::with_capacity(room);
    larger.extend_from_slice(octets);
    larger
}

/// Writes length and message at once, in one segment (RFC 7766 section 8).
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
    use crate::held::Held;

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
                // The longest message would take too long octet by octet: it is read at once.
                if pieces == 1 && lengths.len() == 3 {
                    continue;
                }
                incoming.fill(&mut there).await.unwrap();
                lengths.extend(std::iter::from_fn(|| incoming.next_message().map(<[u8]>::len)));
            }
            while lengths.len() < 5 {
                incoming.fill(&mut there).await.unwrap();
                lengths.extend(std::iter::from_fn(|| incoming.next_message().map(<[u8]>::len)));
            }
            assert_eq!(lengths, [0, 1, LITTLE, 65_535, 3]);
            assert_eq!(incoming.consumed, incoming.octets.len());
        }
        drop(here);
        assert!(Incoming::default().fill(&mut there).await.is_err());
    }

    #[tokio::test]
    async fn messages_keep_their_bounds() {
        let (mut here, mut there) = tokio::io::duplex(1024);
        let account = Held::new(usize::MAX).account();
        write_message(&mut here, b"one").await.unwrap();
        write_message(&mut here, b"").await.unwrap();
        assert_eq!(read_message(&mut there, &account).await.unwrap(), Bytes::from_static(b"one"));
        assert_eq!(read_message(&mut there, &account).await.unwrap(), Bytes::new());
        let long = vec![0; 65_536];
        assert!(write_message(&mut here, &long).await.is_err());
        drop(here);
        assert!(read_message(&mut there, &account).await.is_err());
    }
    #[tokio::test]
    async fn what_is_announced_takes_little_room_before_it_comes() {
        let (mut here, mut there) = tokio::io::duplex(1 << 20);
        let held = Held::new(usize::MAX);
        let account = held.account();
        let mut message = vec![0xFF; 2 + 65_535];
        for (sent, takes) in [(2, MUCH), (3, MUCH), (MUCH + 3, 2 * MUCH), (40_000, 16 * MUCH - 1)] {
            here.write_all(&message[..sent]).await.unwrap();
            let reading = read_message(&mut there, &account);
            tokio::select! { biased; _ = reading => panic!("not whole"), () = async {} => {} }
            assert_eq!(held.octets(), takes, "{sent}");
            account.change(held.octets(), 0).await;
        }
        for sent in [2, 500, MUCH, 40_000, 65_535] {
            let mut incoming = Incoming::default();
            for piece in message[..sent].chunks(999) {
                here.write_all(piece).await.unwrap();
                incoming.fill(&mut there).await.unwrap();
            }
            assert!(incoming.next_message().is_none());
            assert!(incoming.octets.capacity() <= sent + 2 * MUCH, "{sent}");
            assert_eq!(incoming.held(), incoming.octets.capacity().saturating_sub(MUCH));
        }
        // Octets after a long message do not keep its memory.
        message.push(0);
        let mut incoming = Incoming::default();
        here.write_all(&message).await.unwrap();
        while incoming.next_message().is_none() {
            incoming.fill(&mut there).await.unwrap();
        }
        here.write_all(&[0]).await.unwrap();
        incoming.fill(&mut there).await.unwrap();
        assert!(incoming.held() == 0 && incoming.next_message().is_some());
    }
}
