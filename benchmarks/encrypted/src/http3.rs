//! The least of HTTP/3 (RFC 9114) that a query and its answer need.

use std::sync::LazyLock;

use zoners_http3::append_fields;

/// The start of a control stream: its type, and empty settings.
pub const CONTROL: [u8; 3] = [0x00, 0x04, 0x00];

/// The kinds of frames.
const DATA: u8 = 0x00;
const FIELDS: u8 = 0x01;

/// The fields of a request, as a frame.
static REQUEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    fields(&[
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", "/dns-query"),
        ("content-type", "application/dns-message"),
    ])
});

/// The fields of an answer, as a frame.
static ANSWER: LazyLock<Vec<u8>> =
    LazyLock::new(|| fields(&[(":status", "200"), ("content-type", "application/dns-message")]));

/// The octets of a request with a query.
pub fn request(query: &[u8]) -> Vec<u8> {
    [&REQUEST[..], &frame(DATA, query)].concat()
}

/// The octets of an answer with a response.
pub fn answer(response: &[u8]) -> Vec<u8> {
    [&ANSWER[..], &frame(DATA, response)].concat()
}

/// The message on a stream: the content of the first frame of data.
pub fn message(mut octets: &[u8]) -> Option<&[u8]> {
    loop {
        let (kind, rest) = octets.split_first()?;
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        if *kind == DATA {
            return Some(content);
        }
        octets = rest;
    }
}

fn fields(all: &[(&str, &str)]) -> Vec<u8> {
    let mut section = Vec::new();
    append_fields(
        all.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        &mut section,
    );
    frame(FIELDS, &section)
}

/// A frame of less than 16 KiB.
fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = 0x4000 | content.len() as u16;
    [&[kind][..], &length.to_be_bytes(), content].concat()
}

/// An integer of one or two octets (RFC 9000 section 16).
fn length(octets: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = octets.split_first()?;
    match first >> 6 {
        0 => Some((usize::from(*first), rest)),
        1 => {
            let (second, rest) = rest.split_first()?;
            Some((usize::from(u16::from_be_bytes([first & 0x3F, *second])), rest))
        }
        _ => None,
    }
}
