//! The query of a stream, which may come in pieces.

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
/// use zoners_net::quic::{QueryFault, QueryPieces};
///
/// let mut pieces = QueryPieces::default();
/// pieces.put(vec![0, 3, 0].into()).unwrap();
/// pieces.put(vec![0, 7].into()).unwrap();
/// assert_eq!(pieces.into_query().unwrap()[..], [0, 0, 7]);
/// assert_eq!(QueryPieces::default().into_query(), Err(QueryFault::Incomplete));
/// ```
#[derive(Debug, Default)]
pub struct QueryPieces {
    octets: Octets,
}

/// One piece is kept as received, since most queries come whole.
#[derive(Debug, Default)]
enum Octets {
    #[default]
    None,
    One(Bytes),
    Joined(BytesMut),
}

/// The fault of a stream (RFC 9250 section 4.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryFault {
    /// The query has more than [`MAX_QUERY`] octets.
    TooLong,
    /// The stream ended within the message.
    Incomplete,
    /// Octets follow the message: a second query.
    SecondQuery,
    /// The message ID is not zero (RFC 9250 section 4.2.1).
    MessageId,
}

impl QueryPieces {
    /// Appends octets of the stream.
    ///
    /// # Errors
    /// [`QueryFault::TooLong`], as soon as the length in front says so.
    pub fn put(&mut self, piece: Bytes) -> Result<(), QueryFault> {
        if self.held() + piece.len() > LENGTH + MAX_QUERY {
            return Err(QueryFault::TooLong);
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
        if self.announced().is_some_and(|length| length > MAX_QUERY) {
            return Err(QueryFault::TooLong);
        }
        Ok(())
    }

    /// The octets held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.as_slice().len()
    }

    /// The query, once the client has ended the stream.
    ///
    /// # Errors
    /// The stream does not hold exactly one message with ID 0.
    pub fn into_query(self) -> Result<Bytes, QueryFault> {
        let whole = LENGTH + self.announced().ok_or(QueryFault::Incomplete)?;
        match self.held() {
            held if held < whole => return Err(QueryFault::Incomplete),
            held if held > whole => return Err(QueryFault::SecondQuery),
            _ => {}
        }
        let octets = match self.octets {
            Octets::None => Bytes::new(),
            Octets::One(octets) => octets,
            Octets::Joined(octets) => octets.freeze(),
        };
        let query = octets.slice(LENGTH..);
        if query.iter().take(2).any(|octet| *octet != 0) {
            return Err(QueryFault::MessageId);
        }
        Ok(query)
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

    fn read(stream: &[u8], piece: usize) -> Result<Bytes, QueryFault> {
        let mut pieces = QueryPieces::default();
        for piece in stream.chunks(piece) {
            pieces.put(Bytes::copy_from_slice(piece))?;
        }
        pieces.into_query()
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
            assert_eq!(read(&framed(MAX_QUERY + 1), piece), Err(QueryFault::TooLong));
        }
        let announced = Bytes::from_static(&[0x10, 1]);
        assert_eq!(QueryPieces::default().put(announced), Err(QueryFault::TooLong), "at once");
    }

    #[test]
    fn a_stream_holds_one_query_with_id_0() {
        let mut stream = framed(12);
        assert_eq!(read(&stream[..13], 5), Err(QueryFault::Incomplete));
        assert_eq!(read(&stream[..1], 5), Err(QueryFault::Incomplete));
        stream.push(0);
        assert_eq!(read(&stream, 5), Err(QueryFault::SecondQuery));
        for at in [2, 3] {
            let mut numbered = framed(12);
            numbered[at] = 1;
            assert_eq!(read(&numbered, 5), Err(QueryFault::MessageId));
        }
        assert_eq!(read(&framed(0), 5).unwrap().len(), 0, "the pipeline drops an empty message");
    }
}
