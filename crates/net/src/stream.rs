//! Messages on a stream: each preceded by its length in two octets (RFC 1035 section 4.2.2).

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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
    let length = u16::try_from(message.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "message over 65,535 octets"))?;
    let mut framed = BytesMut::with_capacity(2 + message.len());
    framed.put_u16(length);
    framed.put_slice(message);
    stream.write_all(&framed).await
}

#[cfg(test)]
mod tests {
    use super::*;

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
