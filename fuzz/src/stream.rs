//! Messages on a stream: the same ones however the stream is cut into pieces, in bounded memory.
//!
//! The first octet says how many sizes of pieces follow, and how often the rest is repeated: so few
//! octets make a long stream.

use zoners_net::held::Held;
use zoners_net::stream::{Incoming, put_message, read_message};

use super::pieces::{Pieces, finish, once};

/// Octets that are taken beside those that came and wait, at most: what the longest message needed.
const ROOM: usize = 128 * 1024;
/// Octets of the longest stream.
const LONGEST: usize = 160 * 1024;

/// Takes a stream apart in three ways.
pub fn run(octets: &[u8]) {
    let Some((head, rest)) = octets.split_first() else { return };
    let (sizes, stream) = rest.split_at(rest.len().min(usize::from(head & 0x0F)));
    let times = 1usize << (head >> 5);
    let stream = stream.repeat(times.min(LONGEST / stream.len().max(1)).max(1));
    let expected = split(&stream);
    assert_eq!(incoming(Pieces::new(&stream, &[])), expected);
    assert_eq!(incoming(Pieces::new(&stream, sizes)), expected);
    assert_eq!(one_by_one(Pieces::new(&stream, sizes)), expected);
    let mut again = Vec::new();
    assert!(expected.iter().all(|message| put_message(&mut again, message)));
    assert!(stream.starts_with(&again));
}

/// The whole messages of a stream, as RFC 1035 section 4.2.2 says it.
fn split(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = stream.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((message, rest)) = rest.split_at_checked(length) else { break };
        messages.push(message.to_vec());
        stream = rest;
    }
    messages
}

/// As a server does it; reading is given up and begun anew at each pause.
fn incoming(mut stream: Pieces<'_>) -> Vec<Vec<u8>> {
    let (mut incoming, mut messages, mut waiting) = (Incoming::default(), Vec::new(), 0);
    loop {
        let before = stream.left();
        match once(incoming.fill(&mut stream)) {
            None => continue,
            Some(Err(_)) => return messages,
            Some(Ok(())) => waiting += before - stream.left(),
        }
        assert!(incoming.held() <= 2 * waiting + ROOM, "{} for {waiting}", incoming.held());
        while let Some(message) = incoming.next_message() {
            waiting -= 2 + message.len();
            messages.push(message.to_vec());
        }
    }
}

/// As a client does it.
fn one_by_one(mut stream: Pieces<'_>) -> Vec<Vec<u8>> {
    let account = Held::new(usize::MAX).account();
    let mut messages = Vec::new();
    while let Ok(message) = finish(read_message(&mut stream, &account)) {
        messages.push(message.to_vec());
    }
    messages
}
