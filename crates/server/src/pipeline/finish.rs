//! From an answer to the octets that a client gets.

use zoners_dns::compose::{Flags, Reply, add_opt, compose};
use zoners_dns::packet::Patch;
use zoners_dns::{Ede, EdeCode, Opcode, OptRcode, RRset, ReplyOpt, Rtype, Security, Transport};
use zoners_resolver::Answer;

use super::Query;

/// For how long we say that an idle TCP connection stays, in units of 100 ms (RFC 7828): what
/// [`crate::daemon`] keeps it for.
const KEEPALIVE: u16 = 100;

/// The message that carries `answer`, with ID 0 and without OPT: what is kept as finished.
pub(super) fn message(query: &Query, answer: &Answer) -> Vec<u8> {
    let request = &query.request;
    let dnssec_ok = request.dnssec_ok();
    // Who did not ask for DNSSEC gets no proofs (RFC 4035 section 3.2.1).
    let wanted = |set: &&RRset| {
        dnssec_ok || !matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3 | Rtype::DS | Rtype::RRSIG)
    };
    let authority: Vec<RRset> = answer.authority.iter().filter(wanted).cloned().collect();
    compose(&Reply {
        question: &request.question,
        rcode: answer.rcode,
        flags: Flags { ra: true, ..Flags::default() },
        answer: &answer.answer,
        authority: &authority,
        additional: &answer.additional,
        signatures: dnssec_ok,
    })
}

/// A finished message on its way to a client: mirrors what the client sent, adds OPT, cuts what
/// is too long for a datagram.
pub(super) fn deliver(
    query: &Query,
    mut message: Vec<u8>,
    security: Security,
    age: u32,
    ttls: impl Iterator<Item = u16>,
) -> Vec<u8> {
    let request = &query.request;
    let wants_ad = request.ad || request.dnssec_ok();
    let patch = Patch {
        id: request.id,
        spelling: &request.question.name,
        rd: request.rd,
        cd: request.cd,
        ad: security == Security::Secure && wants_ad,
        age,
    };
    patch.apply(&mut message, ttls);
    put_opt(query, &mut message, OptRcode::NOERROR, None);
    if query.client.transport == Transport::Udp && message.len() > request.udp_limit() {
        return empty(query, OptRcode::NOERROR, true, None);
    }
    message
}

/// The reply that carries an answer that is not kept as finished.
pub(super) fn answer(query: &Query, answer: &Answer) -> Vec<u8> {
    let message = message(query, answer);
    deliver(query, message, answer.security, 0, std::iter::empty())
}

/// A text about ourselves, of class CHAOS. Made by hand: what is compressed elsewhere is short here.
pub(super) fn text(query: &Query, text: &str) -> Vec<u8> {
    let mut message = error(query, OptRcode::NOERROR, None);
    let end = 12 + query.request.question.name.len() + 4;
    let text = &text.as_bytes()[..text.len().min(255)];
    let length = text.len() as u8;
    let rdlength = u16::from(length) + 1;
    let record =
        [&[0xC0, 12, 0, 16, 0, 3, 0, 0, 0, 0][..], &rdlength.to_be_bytes(), &[length], text];
    message.splice(end..end, record.concat());
    if let Some(count) = message.get_mut(7) {
        *count = 1;
    }
    message
}

/// A reply without records: an error, and why.
pub(super) fn error(query: &Query, rcode: OptRcode, ede: Option<&Ede>) -> Vec<u8> {
    empty(query, rcode, false, ede)
}

/// The answer to those who want no recursion for what we do not know.
pub(super) fn not_recursive(query: &Query) -> Vec<u8> {
    let ede = Ede::new(EdeCode(20), "not in the cache, and recursion was not desired");
    error(query, OptRcode::REFUSED, Some(&ede))
}

/// Answers OPT with OPT (RFC 6891 section 6.1.1).
fn put_opt(query: &Query, message: &mut Vec<u8>, rcode: OptRcode, ede: Option<&Ede>) {
    let Some(edns) = &query.request.edns else { return };
    let stays = edns.keepalive && query.client.transport == Transport::Tcp;
    let opt = ReplyOpt {
        dnssec_ok: edns.dnssec_ok,
        extended_rcode: (rcode.to_int() >> 4) as u8,
        error: ede,
        cookie: query.cookie.reply(),
        keepalive: stays.then_some(KEEPALIVE),
    };
    add_opt(message, &opt);
}

fn empty(query: &Query, rcode: OptRcode, tc: bool, ede: Option<&Ede>) -> Vec<u8> {
    let request = &query.request;
    let flags = Flags { tc, ra: true, rd: request.rd, cd: request.cd, ..Flags::default() };
    let mut message = compose(&Reply {
        question: &request.question,
        rcode,
        flags,
        answer: &[],
        authority: &[],
        additional: &[],
        signatures: false,
    });
    let [i0, i1] = request.id.to_be_bytes();
    if let Some([id0, id1, flags, _]) = message.first_chunk_mut::<4>() {
        (*id0, *id1) = (i0, i1);
        *flags |= request.opcode.to_int() << 3;
    }
    put_opt(query, &mut message, rcode, ede);
    message
}

/// A reply to what cannot be read further than its header.
pub(super) fn header_only(id: u16, opcode: Opcode, rcode: OptRcode) -> Vec<u8> {
    let [i0, i1] = id.to_be_bytes();
    vec![i0, i1, 0x80 | opcode.to_int() << 3, rcode.rcode().to_int(), 0, 0, 0, 0, 0, 0, 0, 0]
}
