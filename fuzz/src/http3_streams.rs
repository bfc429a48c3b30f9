//! The streams of a client of HTTP/3: the same request, or the same fault, however the stream is cut into pieces.
//!
//! The first octet says whether a request comes, and how large the pieces are.

use zoners_http3::{
    ClientStreams, Http3Fault, JudgedRequest, MAX_BODY, MAX_CONTROL_FRAME, MAX_SECTION,
    RequestPieces,
};

/// Reads a stream at once and in pieces.
pub fn run(octets: &[u8]) {
    let Some((head, stream)) = octets.split_first() else { return };
    let size = usize::from(head >> 1) + 1;
    if head & 1 == 0 {
        assert_eq!(request(stream, size), request(stream, usize::MAX));
    } else {
        assert_eq!(beside_requests(stream, size), beside_requests(stream, usize::MAX));
    }
}

fn request(stream: &[u8], size: usize) -> Result<JudgedRequest, Http3Fault> {
    let mut pieces = RequestPieces::default();
    for piece in stream.chunks(size) {
        pieces.put(piece)?;
        assert!(pieces.held() <= 2 * MAX_SECTION + MAX_BODY + 16);
    }
    pieces.into_request()?.judge()
}

fn beside_requests(stream: &[u8], size: usize) -> Result<(), Http3Fault> {
    let mut streams = ClientStreams::default();
    let mut one = streams.begin()?;
    for piece in stream.chunks(size) {
        streams.put(&mut one, piece)?;
        assert!(streams.held() <= MAX_CONTROL_FRAME + 16);
    }
    streams.end(&one)
}
