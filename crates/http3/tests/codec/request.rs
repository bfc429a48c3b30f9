use proptest::prelude::*;

use zoners_http3::{
    Field, Http3Fault, MAX_BODY, MAX_FRAMES, MAX_IGNORED, MAX_SECTION, Request, RequestPieces,
};

/// `:method` `GET`, without a dynamic table.
const SECTION: [u8; 3] = [0x00, 0x00, 0xD1];

/// A frame with a length of four octets.
fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap() | 0x8000_0000;
    [&[kind][..], &length.to_be_bytes(), content].concat()
}

fn headers() -> Vec<u8> {
    frame(0x01, &SECTION)
}

/// Reads a stream in pieces of a size.
fn read(stream: &[u8], size: usize) -> Result<Request, Http3Fault> {
    let mut pieces = RequestPieces::default();
    for piece in stream.chunks(size) {
        pieces.put(piece)?;
        assert!(pieces.held() <= 2 * MAX_SECTION + MAX_BODY + 16);
    }
    pieces.into_request()
}

fn read_parts(parts: &[Vec<u8>]) -> Result<Request, Http3Fault> {
    read(&parts.concat(), usize::MAX)
}

#[test]
fn request_has_its_fields_and_all_of_its_body() {
    let parts =
        [headers(), frame(0x00, b"a"), frame(0x21, b"grease"), frame(0x00, b"bc"), headers()];
    let fields = vec![Field { name: b":method".to_vec(), value: b"GET".to_vec() }];
    assert_eq!(read_parts(&parts).unwrap(), Request { fields, body: b"abc".to_vec() });
}

#[test]
fn frames_out_of_place_are_refused() {
    for kind in [0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0D] {
        assert_eq!(read_parts(&[headers(), frame(kind, b"")]), Err(Http3Fault::FrameUnexpected));
    }
    assert_eq!(read_parts(&[frame(0x00, b"")]), Err(Http3Fault::FrameUnexpected));
    for kind in [0x00, 0x01] {
        let parts = [headers(), headers(), frame(kind, b"")];
        assert_eq!(read_parts(&parts), Err(Http3Fault::FrameUnexpected));
    }
}

#[test]
fn stream_that_ends_early_is_told_by_where() {
    assert_eq!(read(&[], 1), Err(Http3Fault::RequestIncomplete));
    assert_eq!(read_parts(&[frame(0x21, b"")]), Err(Http3Fault::RequestIncomplete));
    let stream = [headers(), frame(0x00, b"abc")].concat();
    let whole = [0, headers().len(), stream.len()];
    for end in (1..stream.len()).filter(|end| !whole.contains(end)) {
        assert_eq!(read(&stream[..end], 1), Err(Http3Fault::FrameIncomplete), "{end}");
    }
}

#[test]
fn body_is_bounded_over_all_frames() {
    let body = |last: usize| [headers(), frame(0x00, &[0; 60_000]), frame(0x00, &vec![0; last])];
    assert_eq!(read_parts(&body(MAX_BODY - 60_000)).unwrap().body.len(), MAX_BODY);
    assert_eq!(read_parts(&body(MAX_BODY - 59_999)), Err(Http3Fault::BodyTooLong));
}

#[test]
fn section_is_refused_by_its_length_alone() {
    let length = u32::try_from(MAX_SECTION + 1).unwrap() | 0x8000_0000;
    let mut pieces = RequestPieces::default();
    let head = [&[0x01][..], &length.to_be_bytes()].concat();
    assert_eq!(pieces.put(&head), Err(Http3Fault::SectionTooLong));
    assert_eq!(pieces.held(), 0);
}

#[test]
fn frames_and_octets_without_meaning_are_bounded() {
    let empty = |number: usize| [headers(), frame(0x21, b"").repeat(number)];
    assert!(read_parts(&empty(MAX_FRAMES - 1)).is_ok());
    assert_eq!(read_parts(&empty(MAX_FRAMES)), Err(Http3Fault::TooManyFrames));
    let ignored = |last: usize| [headers(), frame(0x21, &[0; 4_000]), frame(0x21, &vec![0; last])];
    assert!(read_parts(&ignored(MAX_IGNORED - 4_000)).is_ok());
    assert_eq!(read_parts(&ignored(MAX_IGNORED - 3_999)), Err(Http3Fault::TooManyIgnored));
}

#[test]
fn heads_of_frames_have_integers_of_each_length() {
    // RFC 9000 section 16: the number two in one, two, four and eight octets; section A.1 has 37 in two.
    let lengths: [&[u8]; 4] = [&[2], &[0x40, 2], &[0x80, 0, 0, 2], &[0xC0, 0, 0, 0, 0, 0, 0, 2]];
    let kinds: [&[u8]; 3] =
        [&[0x25], &[0x40, 0x25], &[0xC2, 0x19, 0x7C, 0x5E, 0xFF, 0x14, 0xE8, 0x8C]];
    for length in lengths {
        for kind in kinds {
            let stream = [&headers()[..], kind, length, b"xy", &frame(0x00, b"body")].concat();
            assert_eq!(read(&stream, 1).unwrap().body, b"body");
        }
    }
}

#[test]
fn codes_are_those_of_the_rfcs() {
    let coded = [
        (Http3Fault::FrameUnexpected, 0x105, true),
        (Http3Fault::FrameIncomplete, 0x106, true),
        (Http3Fault::TooManyFrames, 0x107, false),
        (Http3Fault::RequestIncomplete, 0x10D, false),
        (Http3Fault::Compression, 0x200, true),
    ];
    for (fault, code, ends) in coded {
        assert_eq!((fault.code(), fault.ends_connection()), (code, ends));
    }
}

proptest! {
    #[test]
    fn request_is_the_same_however_it_is_cut(
        frames in prop::collection::vec((0u8..0x10, prop::collection::vec(any::<u8>(), 0..40)), 0..8),
        end in 0usize..4,
        size in 1usize..50,
    ) {
        let frames = frames.iter().map(|(kind, content)| frame(*kind, content));
        let stream = std::iter::once(headers()).chain(frames).collect::<Vec<_>>().concat();
        let stream = &stream[..stream.len() - end];
        prop_assert_eq!(read(stream, size), read(stream, usize::MAX));
    }

    #[test]
    fn any_octets_are_a_request_or_a_fault(stream: Vec<u8>, size in 1usize..50) {
        prop_assert_eq!(read(&stream, size), read(&stream, usize::MAX));
    }
}
