//! What a message costs to read and to send on, held to its length: no octets make a little message dear.
//!
//! Instructions cannot be counted where a fuzzer runs (most virtual machines have no counters), so what is
//! held is what they go into, the octets that are built: each name that is walked is written out, and its
//! pointers are charged with it. What instructions an octet takes is measured in `benchmarks/heavy`.

use std::collections::HashSet;

use bytes::Bytes;
use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::targets::Targets;
use zoners_dns::{Class, Message, MessageError, Question, RRset, Rtype, name};

/// Octets that are built of a message of any length …
const ALWAYS: usize = 64 * 1024;
/// … and for each octet of it: those that names may be written out to, the RDATA, and twelve for an RRset.
const AN_OCTET: usize = 16;
/// Servers of a delegation, the addresses of which are looked for.
const SERVERS: usize = 20;

/// Reads a message, looks for the addresses of the servers that it names, and puts together what was in
/// it.
pub fn run(octets: &[u8]) {
    let limit = ALWAYS + AN_OCTET * octets.len();
    let Ok(message) = Message::parse(&Bytes::copy_from_slice(octets)) else { return };
    let sets = || message.answer.iter().chain(&message.authority);
    let ns: Vec<Targets> = sets()
        .filter(|set| set.rtype == Rtype::NS)
        .map(|set| Targets::first(set, SERVERS))
        .take(1)
        .collect();
    let glue = ns.first().map(|names| message.additional.addresses_of(names)).unwrap_or_default();
    let built = built(sets().chain(&glue));
    assert!(built <= limit, "{built} octets built of {}", octets.len());
    let asked = message.question.clone();
    let asked = asked.unwrap_or_else(|| Question::new(name::root(), Rtype::A));
    let composed = compose(&Response {
        question: &asked,
        rcode: message.rcode,
        flags: ResponseFlags::default(),
        answer: &message.answer,
        authority: &message.authority,
        additional: &glue,
        signatures: true,
    });
    assert!(composed.len() <= usize::from(u16::MAX));
    let whole = composed[2] & 0x02 == 0;
    if whole && asked.class == Class::IN && asked.rtype != Rtype::RRSIG {
        reads_back(&message, composed.into());
    }
}

/// What we send, others can read, and so can we; unless it is compressed so well that it is out of
/// proportion now.
fn reads_back(message: &Message, composed: Bytes) {
    match Message::parse(&composed) {
        Ok(again) => {
            let which = |set: &RRset| (set.owner.clone(), set.rtype);
            let sections = |message: &Message| {
                [&message.answer, &message.authority].map(|sets| sets.iter().map(which).collect())
            };
            let (has, had): ([Vec<_>; 2], [Vec<_>; 2]) = (sections(&again), sections(message));
            assert_eq!(has, had);
        }
        Err(malformed) => assert_eq!(malformed, MessageError::Compression),
    }
}

/// Octets that RRsets take; those of one owner share its name.
fn built<'a>(sets: impl Iterator<Item = &'a RRset>) -> usize {
    let (mut owners, mut octets) = (HashSet::new(), 0);
    for set in sets {
        octets += std::mem::size_of::<RRset>();
        octets += set.records.as_bytes().len() + set.signatures.as_bytes().len();
        if owners.insert(set.owner.as_slice().as_ptr()) {
            octets += set.owner.len();
        }
    }
    octets
}
