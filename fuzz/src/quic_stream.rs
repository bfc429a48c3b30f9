//! The query of a stream of QUIC: the same one, or the same fault, however the stream is cut into pieces.
//!
//! The first octet says how many sizes of pieces follow, and how often the rest is repeated: so few octets make a long
//! stream.

use zoners_net::quic::{MAX_QUERY, MessageFault, MessagePieces};

/// Octets of the longest stream.
const LONGEST: usize = 3 * MAX_QUERY;

/// Reads a stream at once, in the given pieces and octet by octet.
pub fn run(octets: &[u8]) {
    let Some((head, rest)) = octets.split_first() else { return };
    let (sizes, stream) = rest.split_at(rest.len().min(usize::from(head & 0x0F)));
    let times = 1usize << (head >> 4);
    let stream = stream.repeat(times.min(LONGEST / stream.len().max(1)).max(1));
    let expected = as_written(&stream);
    assert_eq!(read(&stream, &[]), expected);
    assert_eq!(read(&stream, sizes), expected);
    assert_eq!(read(&stream, &[1]), expected);
}

/// As RFC 9250 section 4.2 says it, with the limit of the server.
fn as_written(stream: &[u8]) -> Result<Vec<u8>, MessageFault> {
    if stream.len() > 2 + MAX_QUERY {
        return Err(MessageFault::TooLong);
    }
    let (length, rest) = stream.split_first_chunk().ok_or(MessageFault::Incomplete)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length > MAX_QUERY {
        return Err(MessageFault::TooLong);
    }
    match rest.len() {
        octets if octets < length => Err(MessageFault::Incomplete),
        octets if octets > length => Err(MessageFault::SecondMessage),
        _ if rest.iter().take(2).any(|octet| *octet != 0) => Err(MessageFault::MessageId),
        _ => Ok(rest.to_vec()),
    }
}

/// As the server reads pieces of these sizes, over and over.
fn read(mut stream: &[u8], sizes: &[u8]) -> Result<Vec<u8>, MessageFault> {
    let mut pieces = MessagePieces::default();
    // Pauses alone would never end.
    let sizes = if sizes.iter().all(|size| *size == 0) { &[] } else { sizes };
    let mut sizes = sizes.iter().cycle();
    while !stream.is_empty() {
        let size = sizes.next().map_or(usize::MAX, |size| usize::from(*size));
        let (piece, rest) = stream.split_at(size.min(stream.len()));
        pieces.put(piece.to_vec().into())?;
        assert!(pieces.held() <= 2 + MAX_QUERY);
        stream = rest;
    }
    pieces.into_message().map(|query| query.to_vec())
}
