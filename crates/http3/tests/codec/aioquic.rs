//! What aioquic 1.7.2 writes as a client. The answer in `answer.rs` is one that aioquic reads.

use zoners_http3::{ClientStream, ClientStreams, RequestPieces};

/// A query by POST; the fields have Huffman's code.
const REQUEST: &str =
    "01240000d4d7508892a42e5f23a6ba0b5188624a90b76b4b67afec5401335f5085198fdad3130003646e73";

/// Settings, and the largest push.
const CONTROL: &str = "0004090150000710080121010d0108";

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn request_is_read() {
    let mut pieces = RequestPieces::default();
    pieces.put(&octets(REQUEST)).unwrap();
    let request = pieces.into_request().unwrap().judge().unwrap();
    assert_eq!(request.method, b"POST");
    assert_eq!(request.authority, b"dns.example");
    assert_eq!(request.path, b"/dns-query");
    let fields = request.fields.iter().map(|field| (&field.name[..], &field.value[..]));
    let expected: [(&[u8], &[u8]); 3] = [
        (b"content-type", b"application/dns-message"),
        (b"content-length", b"3"),
        (b"user-agent", b"aioquic"),
    ];
    assert!(fields.eq(expected));
    assert_eq!(request.body, b"dns");
}

#[test]
fn streams_beside_the_request_are_read() {
    let mut streams = ClientStreams::default();
    for stream in [octets(CONTROL), vec![0x02], vec![0x03]] {
        assert_eq!(streams.put(&mut ClientStream::default(), &stream), Ok(()));
    }
}
