//! Any message: what is understood of it can be put together again and is understood as the same, and
//! what is shown of it is text without control characters.

use bytes::Bytes;
use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::packet::{ResponsePatch, cut_to_question, rotate_addresses, ttl_offsets};
use zoners_dns::{Class, Message, OptRcode, Question, RRset};

/// Takes `octets` apart as a message.
pub fn run(octets: &[u8]) {
    patched(octets);
    let Ok(message) = Message::parse(&Bytes::copy_from_slice(octets)) else { return };
    let additional = message.additional.rrsets_of_all();
    for set in message.answer.iter().chain(&message.authority).chain(&additional) {
        assert!(set.is_sound(), "{set}");
        printable(&set.to_string());
    }
    if let Some(edns) = &message.edns {
        edns.errors.iter().for_each(|error| printable(&error.to_string()));
    }
    let Some(question) = message.question.as_ref().filter(|asked| asked.class == Class::IN) else {
        return;
    };
    printable(&question.to_string());
    let first = composed(question, [&message.answer, &message.authority, &additional]);
    assert!(first.len() <= usize::from(u16::MAX));
    let once = Message::parse(&Bytes::from(first.clone())).expect("what we compose can be read");
    if once.header.tc() {
        return;
    }
    assert_eq!(once.question.as_ref(), Some(question));
    let additional = once.additional.rrsets_of_all();
    let again = composed(question, [&once.answer, &once.authority, &additional]);
    assert_eq!(again, first, "{message:?}");
}

fn composed(question: &Question, [answer, authority, additional]: [&Vec<RRset>; 3]) -> Vec<u8> {
    let (rcode, flags, signatures) = (OptRcode::NOERROR, ResponseFlags::default(), true);
    compose(&Response { question, rcode, flags, answer, authority, additional, signatures })
}

fn printable(shown: &str) {
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
}

/// What is done to a finished answer on its way out keeps its length and its records.
fn patched(octets: &[u8]) {
    let cut = cut_to_question(octets);
    assert!(cut.len() <= octets.len());
    let Some(ttls) = ttl_offsets(octets) else { return };
    let mut out = octets.to_vec();
    rotate_addresses(&mut out, ttls.iter().copied(), |_| 1);
    let spelling = zoners_dns::name::root();
    let patch = ResponsePatch {
        id: 7,
        spelling: spelling.for_slice(),
        rd: true,
        cd: false,
        ad: true,
        age: 9,
    };
    patch.apply(&mut out, ttls.iter().copied());
    assert_eq!(out.len(), octets.len());
}
