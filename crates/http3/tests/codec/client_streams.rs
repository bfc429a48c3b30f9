use proptest::prelude::*;

use zoners_http3::{
    ClientStream, ClientStreams, Http3Fault, MAX_CLIENT_STREAMS, MAX_CONTROL_FRAME,
    MAX_CONTROL_FRAMES, MAX_CONTROL_IGNORED,
};

/// The start of a control stream: its type, and settings without content.
const CONTROL: [u8; 3] = [0x00, 0x04, 0x00];

/// Reads one stream whole, in pieces of a size.
fn read(stream: &[u8], size: usize) -> Result<(), Http3Fault> {
    let (mut streams, mut one) = (ClientStreams::default(), ClientStream::default());
    stream.chunks(size).try_for_each(|piece| streams.put(&mut one, piece))
}

fn read_control(rest: &[u8]) -> Result<(), Http3Fault> {
    read(&[&CONTROL[..], rest].concat(), usize::MAX)
}

#[test]
fn settings_of_a_browser_are_read() {
    // A table of 64 KiB, fields of 256 KiB, 100 blocked streams, datagrams, and a reserved setting.
    let settings = [
        0x01, 0x80, 0x01, 0x00, 0x00, 0x06, 0x80, 0x04, 0x00, 0x00, 0x07, 0x40, 0x64, 0x33, 0x01,
        0x40, 0x5F, 0x05,
    ];
    let stream = [&[0x00, 0x04, settings.len() as u8][..], &settings].concat();
    for size in 1..=stream.len() {
        assert_eq!(read(&stream, size), Ok(()));
    }
}

#[test]
fn control_stream_begins_with_settings() {
    for frame in [&[0x07, 0x01, 0x00][..], &[0x00, 0x00], &[0x21, 0x00]] {
        let stream = [&[0x00][..], frame].concat();
        assert_eq!(read(&stream, usize::MAX), Err(Http3Fault::MissingSettings));
    }
}

#[test]
fn settings_come_once() {
    assert_eq!(read_control(&[0x04, 0x00]), Err(Http3Fault::FrameUnexpected));
}

#[test]
fn settings_of_http2_and_settings_twice_are_refused() {
    for identifier in [0x00, 0x02, 0x03, 0x04, 0x05] {
        let stream = [0x00, 0x04, 0x02, identifier, 0x00];
        assert_eq!(read(&stream, usize::MAX), Err(Http3Fault::Settings));
    }
    let twice = [0x00, 0x04, 0x04, 0x06, 0x01, 0x06, 0x01];
    assert_eq!(read(&twice, usize::MAX), Err(Http3Fault::Settings));
}

#[test]
fn settings_end_with_a_value() {
    assert_eq!(read(&[0x00, 0x04, 0x01, 0x06], usize::MAX), Err(Http3Fault::FrameMalformed));
    assert_eq!(read(&[0x00, 0x04, 0x02, 0x06, 0x40], usize::MAX), Err(Http3Fault::FrameMalformed));
}

#[test]
fn frames_of_requests_and_of_http2_have_no_place() {
    for kind in [0x00, 0x01, 0x02, 0x05, 0x06, 0x08, 0x09] {
        assert_eq!(read_control(&[kind, 0x00]), Err(Http3Fault::FrameUnexpected));
    }
}

#[test]
fn no_push_is_cancelled() {
    assert_eq!(read_control(&[0x03, 0x01, 0x00]), Err(Http3Fault::Identifier));
}

#[test]
fn goaway_falls_and_the_largest_push_grows() {
    assert_eq!(read_control(&[0x07, 1, 5, 0x07, 1, 5, 0x07, 1, 4]), Ok(()));
    assert_eq!(read_control(&[0x07, 1, 5, 0x07, 1, 6]), Err(Http3Fault::Identifier));
    assert_eq!(read_control(&[0x0D, 1, 5, 0x0D, 1, 5, 0x0D, 1, 6]), Ok(()));
    assert_eq!(read_control(&[0x0D, 1, 5, 0x0D, 1, 4]), Err(Http3Fault::Identifier));
}

#[test]
fn identifier_fills_its_frame() {
    for payload in [&[][..], &[0x40], &[0x00, 0x00]] {
        let frame = [&[0x07, payload.len() as u8][..], payload].concat();
        assert_eq!(read_control(&frame), Err(Http3Fault::FrameMalformed));
    }
}

#[test]
fn kept_frame_is_refused_by_its_length_alone() {
    // Integers of two octets: 1024 fits, 1025 does not.
    assert_eq!(MAX_CONTROL_FRAME, 0x400);
    assert_eq!(read(&[0x00, 0x04, 0x44, 0x00], 1), Ok(()));
    assert_eq!(read(&[0x00, 0x04, 0x44, 0x01], 1), Err(Http3Fault::ControlFrameTooLong));
}

#[test]
fn frames_without_a_request_are_limited_and_a_request_renews() {
    let (mut streams, mut control) = (ClientStreams::default(), ClientStream::default());
    streams.put(&mut control, &CONTROL).unwrap();
    for _ in 1..MAX_CONTROL_FRAMES {
        streams.put(&mut control, &[0x21, 0x00]).unwrap();
    }
    streams.renew();
    for _ in 0..MAX_CONTROL_FRAMES {
        streams.put(&mut control, &[0x21, 0x00]).unwrap();
    }
    let fault = streams.put(&mut control, &[0x21, 0x00]);
    assert_eq!(fault, Err(Http3Fault::TooManyControlFrames));
}

#[test]
fn ignored_octets_of_all_streams_have_one_limit() {
    let mut streams = ClientStreams::default();
    let (mut first, mut second) = (ClientStream::default(), ClientStream::default());
    streams.put(&mut first, &[0x21]).unwrap();
    streams.put(&mut second, &[0x40, 0x54]).unwrap();
    streams.put(&mut first, &[0; MAX_CONTROL_IGNORED - 1]).unwrap();
    streams.put(&mut second, &[0]).unwrap();
    assert_eq!(streams.put(&mut second, &[0]), Err(Http3Fault::TooManyControlIgnored));
}

#[test]
fn ignored_frame_is_refused_by_its_length_alone() {
    // 4096 fits, 4097 does not.
    assert_eq!(read_control(&[0x21, 0x50, 0x00]), Ok(()));
    assert_eq!(read_control(&[0x21, 0x50, 0x01]), Err(Http3Fault::TooManyControlIgnored));
}

#[test]
fn critical_streams_come_once_and_stay() {
    for kind in [0x00, 0x02, 0x03] {
        let mut streams = ClientStreams::default();
        let mut first = ClientStream::default();
        streams.put(&mut first, &[kind]).unwrap();
        assert_eq!(streams.end(&first), Err(Http3Fault::CriticalStreamClosed));
        let again = streams.put(&mut ClientStream::default(), &[kind]);
        assert_eq!(again, Err(Http3Fault::StreamUnexpected));
    }
}

#[test]
fn other_streams_may_end_and_come_again() {
    let mut streams = ClientStreams::default();
    assert_eq!(streams.end(&ClientStream::default()), Ok(()));
    for _ in 0..2 {
        let mut unknown = ClientStream::default();
        streams.put(&mut unknown, &[0x21]).unwrap();
        assert_eq!(streams.end(&unknown), Ok(()));
    }
}

#[test]
fn streams_without_a_request_are_limited_and_a_request_renews() {
    let mut streams = ClientStreams::default();
    for _ in 0..MAX_CLIENT_STREAMS {
        streams.begin().unwrap();
    }
    assert_eq!(streams.begin().err(), Some(Http3Fault::TooManyStreams));
    streams.renew();
    assert!(streams.begin().is_ok());
}

#[test]
fn client_does_not_push() {
    assert_eq!(read(&[0x01], 1), Err(Http3Fault::StreamUnexpected));
}

#[test]
fn encoder_has_a_capacity_of_zero_alone() {
    assert_eq!(read(&[0x02, 0x20], 1), Ok(()));
    for instruction in [0x21, 0x3F, 0x00, 0x40, 0x80, 0xC0] {
        assert_eq!(read(&[0x02, instruction], 1), Err(Http3Fault::EncoderStream));
    }
}

#[test]
fn decoder_cancels_streams_alone() {
    assert_eq!(read(&[0x03, 0x44, 0x7F, 0x80, 0x01, 0x48], 1), Ok(()));
    for instruction in [0x00, 0x01, 0x3F, 0x80, 0xFF] {
        assert_eq!(read(&[0x03, instruction], 1), Err(Http3Fault::DecoderStream));
    }
}

#[test]
fn integer_of_a_decoder_ends() {
    let start = [0x03, 0x7F];
    let longest = [&start[..], &[0x80; 8], &[0x00, 0x44]].concat();
    assert_eq!(read(&longest, 1), Ok(()));
    let longer = [&start[..], &[0x80; 9], &[0x00]].concat();
    assert_eq!(read(&longer, 1), Err(Http3Fault::DecoderStream));
}

proptest! {
    #[test]
    fn any_octets_are_judged_the_same_however_they_are_cut(
        kind in 0u8..5,
        octets in prop::collection::vec(any::<u8>(), 0..200),
        size in 1usize..50,
    ) {
        let stream = [&[kind][..], &octets].concat();
        prop_assert_eq!(read(&stream, size), read(&stream, 1));
        let control = [&CONTROL[..], &octets].concat();
        prop_assert_eq!(read(&control, size), read(&control, 1));
    }
}
