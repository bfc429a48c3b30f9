//! The message of a stream, which may come in pieces.

use bytes::{Bytes, BytesMut};

/// Octets of the longest query, as over UDP.
pub const MAX_QUERY: usize = 4096;

/// Octets of the length in front of a message.
const LENGTH: usize = 2;

/// The octets of a stream so far: the length of a message in two octets, and the message (RFC 9250 section 4.2).
///
/// # Examples
///
/// ```
/// use zoners_net::quic::{MessageFault, MessagePieces};
///
/// let mut pieces = MessagePieces::default();
/// pieces.put(vec![0, 3, 0].into()).unwrap();
/// pieces.put(vec![0, 7].into()).unwrap();
/// assert_eq!(pieces.into_message().unwrap()[..], [0, 0, 7]);
/// assert_eq!(MessagePieces::default().into_message(), Err(MessageFault::Incomplete));
/// ```
#[derive(Debug)]
pub struct MessagePieces {
    octets: Octets,
    /// Octets of the message at most.
    most: usize,
}

/// The pieces of a query of a client.
impl Default for MessagePieces {
    fn default() -> Self {
        MessagePieces { octets: Octets::None, most: MAX_QUERY }
    }
}

/// One piece is kept as received, since most messages come whole.
#[derive(Debug, Default)]
enum Octets {
    #[default]
    None,
    One(Bytes),
    Joined(BytesMut),
}

/// The fault of a stream (RFC 9250 section 4.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFault {
    /// The message has more octets than allowed: a query more than [`MAX_QUERY`].
    TooLong,
    /// The stream ended within the message.
    Incomplete,
    /// Octets follow the message: a second message.
    SecondMessage,
    /// The message ID is not zero (RFC 9250 section 4.2.1).
    MessageId,
}

impl MessagePieces {
    /// The pieces of a reply, as long as a message can be.
    pub(crate) fn of_reply() -> Self {
        MessagePieces { octets: Octets::None, most: u16::MAX.into() }
    }

    /// Appends octets of the stream.
    ///
    /// # Errors
    /// [`MessageFault::TooLong`], as soon as the length in front says so.
    pub fn put(&mut self, piece: Bytes) -> Result<(), MessageFault> {
        if self.held() + piece.len() > LENGTH + self.most {
            return Err(MessageFault::TooLong);
        }
        self.octets = match std::mem::take(&mut self.octets) {
            Octets::None => Octets::One(piece),
            Octets::One(first) => {
                let mut joined = BytesMut::with_capacity(first.len() + piece.len());
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&piece);
                Octets::Joined(joined)
            }
            Octets::Joined(mut joined) => {
                joined.extend_from_slice(&piece);
                Octets::Joined(joined)
            }
        };
        if self.announced().is_some_and(|length| length > self.most) {
            return Err(MessageFault::TooLong);
        }
        Ok(())
    }

    /// The octets held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.as_slice().len()
    }

    /// The message, once the peer has ended the stream.
    ///
    /// # Errors
    /// The stream does not hold exactly one message with ID 0.
    pub fn into_message(self) -> Result<Bytes, MessageFault> {
        let whole = LENGTH + self.announced().ok_or(MessageFault::Incomplete)?;
        match self.held() {
            held if held < whole => return Err(MessageFault::Incomplete),
            held if held > whole => return Err(MessageFault::SecondMessage),
            _ => {}
        }
        let octets = match self.octets {
            Octets::None => Bytes::new(),
            Octets::One(octets) => octets,
            Octets::Joined(octets) => octets.freeze(),
        };
        let message = octets.slice(LENGTH..);
        if message.iter().take(2).any(|octet| *octet != 0) {
            return Err(MessageFault::MessageId);
        }
        Ok(message)
    }

    /// The length in front of the message.
    fn announced(&self) -> Option<usize> {
        self.as_slice().first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)))
    }

    fn as_slice(&self) -> &[u8] {
        match &self.octets {
            Octets::None => &[],
            Octets::One(octets) => octets,
            Octets::Joined(octets) => octets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[u8], piece: usize) -> Result<Bytes, MessageFault> {
        let mut pieces = MessagePieces::default();
        for piece in stream.chunks(piece) {
            pieces.put(Bytes::copy_from_slice(piece))?;
        }
        pieces.into_message()
    }

    fn framed(length: usize) -> Vec<u8> {
        let mut stream = (length as u16).to_be_bytes().to_vec();
        stream.resize(2 + length, 0);
        stream
    }

    #[test]
    fn a_query_is_the_same_in_every_cut() {
        let mut stream = framed(40);
        stream[30] = 7;
        for piece in 1..=stream.len() {
            assert_eq!(read(&stream, piece).unwrap(), stream[2..], "pieces of {piece}");
        }
    }

    #[test]
    fn a_query_may_have_so_many_octets_and_no_more() {
        for piece in [1000, usize::MAX] {
            assert_eq!(read(&framed(MAX_QUERY), piece).unwrap().len(), MAX_QUERY);
            assert_eq!(read(&framed(MAX_QUERY + 1), piece), Err(MessageFault::TooLong));
        }
        let announced = Bytes::from_static(&[0x10, 1]);
        assert_eq!(MessagePieces::default().put(announced), Err(MessageFault::TooLong), "at once");
    }

    #[test]
    fn a_stream_holds_one_query_with_id_0() {
        let mut stream = framed(12);
        assert_eq!(read(&stream[..13], 5), Err(MessageFault::Incomplete));
        assert_eq!(read(&stream[..1], 5), Err(MessageFault::Incomplete));
        stream.push(0);
        assert_eq!(read(&stream, 5), Err(MessageFault::SecondMessage));
        for at in [2, 3] {
            let mut numbered = framed(12);
            numbered[at] = 1;
            assert_eq!(read(&numbered, 5), Err(MessageFault::MessageId));
        }
        assert_eq!(read(&framed(0), 5).unwrap().len(), 0, "the pipeline drops an empty message");
    }
}
