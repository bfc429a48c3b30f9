use zoners_http3::{MAX_BODY, RequestPieces, append_answer, append_control_start, append_goaway};

#[test]
fn answer_is_fields_and_data() {
    let mut out = Vec::new();
    append_answer(200, &[(b"content-type", b"application/dns-message")], b"dns", &mut out);
    assert_eq!(out, [0x01, 4, 0x00, 0x00, 0xD9, 0xEC, 0x00, 3, b'd', b'n', b's']);
}

#[test]
fn answer_without_a_body_has_no_data() {
    let mut out = Vec::new();
    append_answer(413, &[], b"", &mut out);
    assert_eq!(out, [0x01, 8, 0x00, 0x00, 0x5F, 0x09, 3, b'4', b'1', b'3']);
}

#[test]
fn longest_body_comes_back() {
    let body = vec![7; MAX_BODY];
    let mut out = Vec::new();
    append_answer(200, &[], &body, &mut out);
    let mut pieces = RequestPieces::default();
    pieces.put(&out).unwrap();
    assert_eq!(pieces.into_request().unwrap().body, body);
}

#[test]
fn control_stream_of_the_server_tells_the_longest_fields() {
    let mut out = Vec::new();
    append_control_start(&mut out);
    assert_eq!(out, [0x00, 0x04, 5, 0x06, 0x80, 0x00, 0x40, 0x00]);
}

#[test]
fn goaway_has_integers_of_every_length() {
    for (stream, encoded) in [
        (0, &[0x00][..]),
        (0x3C, &[0x3C]),
        (0x40, &[0x40, 0x40]),
        (0x4000, &[0x80, 0x00, 0x40, 0x00]),
        (0x4000_0000, &[0xC0, 0, 0, 0, 0x40, 0, 0, 0]),
    ] {
        let mut out = Vec::new();
        append_goaway(stream, &mut out);
        assert_eq!(out, [&[0x07, encoded.len() as u8], encoded].concat());
    }
}
