//! From an answer to the octets that a client gets.
//!
//! Every reply is written into a buffer that the caller uses again and again: a finished answer
//! goes out without allocating.

use zoners_dns::compose::{Response, ResponseFlags, add_opt, compose_within};
use zoners_dns::packet::ResponsePatch;
use zoners_dns::{Ede, EdeCode, Opcode, OptRcode, ResponseOpt, Security, Transport};
use zoners_resolver::Answer;

use super::{Query, compact};

const HEADER: usize = 12;

/// Octets of a reply that every client takes (RFC 1035 section 2.3.4).
const SHORT: usize = 512;

/// Octets of the buffer of a reply that was cut, which may have been 64 KiB: each worker has many.
const BUFFER: usize = 4096;

/// For how long we say that an idle TCP connection stays, in units of 100 ms (RFC 7828): what
/// [`crate::daemon`] keeps it for.
const KEEPALIVE: u16 = 100;

/// The message that carries `answer`, with ID 0 and without OPT: what is kept as finished.
pub(super) fn message(query: &Query<'_>, answer: &Answer) -> Vec<u8> {
    composed(
        query,
        answer,
        ResponseFlags { ra: true, ..ResponseFlags::default() },
        usize::from(u16::MAX),
    )
}

fn composed(query: &Query<'_>, answer: &Answer, flags: ResponseFlags, most: usize) -> Vec<u8> {
    let reply = Response {
        question: &query.request.question(),
        rcode: compact::rcode(query, answer),
        flags,
        answer: &answer.answer,
        authority: &answer.authority,
        additional: &answer.additional,
        signatures: query.request.head.dnssec_ok(),
    };
    compose_within(&reply, most)
}

/// Makes the finished message in `reply` this client's: mirrors what it sent, adds OPT, cuts what
/// is too long for a datagram, or with OPT for any message.
pub(super) fn deliver(
    query: &Query<'_>,
    reply: &mut Vec<u8>,
    security: Security,
    ede: Option<&Ede>,
    age: u32,
    ttls: impl Iterator<Item = u16>,
) {
    let head = &query.request.head;
    let wants_ad = head.ad || head.dnssec_ok();
    let patch = ResponsePatch {
        id: head.id,
        spelling: query.request.name,
        rd: head.rd,
        cd: head.cd,
        ad: security == Security::Secure && wants_ad,
        age,
    };
    patch.apply(reply, ttls);
    put_opt(query, reply, OptRcode::NOERROR, ede);
    // What had no room is no more to be seen, but for TC.
    let cut_short = query.client.transport == Transport::Udp
        && reply.get(2).is_some_and(|flags| flags & 0x02 != 0);
    if cut_short || is_too_long(query, reply.len()) {
        cut(query, reply);
    }
}

/// Whether a reply of so many octets is longer than the client takes. Most are as short as everybody
/// takes.
fn is_too_long(query: &Query<'_>, octets: usize) -> bool {
    octets > SHORT && octets > limit(query)
}

/// A finished message, or as much of a too long one as shows its length.
pub(super) fn enough<'a>(query: &Query<'_>, message: &'a [u8]) -> &'a [u8] {
    match is_too_long(query, message.len()) {
        true => &message[..limit(query) + 1],
        false => message,
    }
}

/// The longest reply that the client takes.
fn limit(query: &Query<'_>) -> usize {
    match query.client.transport {
        Transport::Udp => query.request.head.udp_limit(),
        Transport::Tcp => usize::from(u16::MAX),
    }
}

/// The reply that carries an answer that is not kept as finished, and perhaps a word on it.
pub(super) fn answer(query: &Query<'_>, answer: &Answer, ede: Option<&Ede>, reply: &mut Vec<u8>) {
    *reply = composed(
        query,
        answer,
        ResponseFlags { ra: true, ..ResponseFlags::default() },
        limit(query),
    );
    deliver(query, reply, answer.security, ede, 0, std::iter::empty());
}

/// The reply that carries an answer out of local data, for which we are the authority (RFC 6303
/// section 3).
pub(super) fn own(query: &Query<'_>, answer: &Answer, reply: &mut Vec<u8>) {
    *reply = composed(
        query,
        answer,
        ResponseFlags { aa: true, ra: true, ..ResponseFlags::default() },
        limit(query),
    );
    deliver(query, reply, answer.security, None, 0, std::iter::empty());
}

/// What is said of an answer that has expired (RFC 8914 sections 4.4 and 4.20).
pub(super) fn why_stale(answer: &Answer) -> Ede {
    let code = match answer.rcode {
        OptRcode::NXDOMAIN => EdeCode::STALE_NXDOMAIN,
        _ => EdeCode::STALE_ANSWER,
    };
    Ede::new(code, "what was known before, since nobody answers")
}

/// A text about ourselves, of class CHAOS.
pub(super) fn text(query: &Query<'_>, text: &str, reply: &mut Vec<u8>) {
    begin(query, OptRcode::NOERROR, reply);
    let text = &text.as_bytes()[..text.len().min(255)];
    let length = text.len() as u8;
    // The name as a pointer, TXT, CH, a TTL of 0.
    reply.extend_from_slice(&[0xC0, HEADER as u8, 0, 16, 0, 3, 0, 0, 0, 0]);
    reply.extend_from_slice(&(u16::from(length) + 1).to_be_bytes());
    reply.push(length);
    reply.extend_from_slice(text);
    reply[7] = 1;
    put_opt(query, reply, OptRcode::NOERROR, None);
}

/// A reply without records: an error, and why.
pub(super) fn error(query: &Query<'_>, rcode: OptRcode, ede: Option<&Ede>, reply: &mut Vec<u8>) {
    begin(query, rcode, reply);
    put_opt(query, reply, rcode, ede);
}

/// The answer to those who want no recursion for what we do not know.
pub(super) fn not_recursive(query: &Query<'_>, reply: &mut Vec<u8>) {
    let ede = Ede::new(EdeCode(20), "not in the cache, and recursion was not desired");
    error(query, OptRcode::REFUSED, Some(&ede), reply);
}

/// A word to come back over TCP, where an address cannot be forged, or where there is room.
pub(super) fn come_over_tcp(query: &Query<'_>, reply: &mut Vec<u8>) {
    begin(query, OptRcode::NOERROR, reply);
    cut(query, reply);
}

/// A reply to what cannot be read further than its header.
pub(super) fn header_only(id: u16, opcode: Opcode, rcode: OptRcode, reply: &mut Vec<u8>) {
    reply.clear();
    reply.extend_from_slice(&id.to_be_bytes());
    reply.extend_from_slice(&[0x80 | opcode.to_int() << 3, rcode.rcode().to_int()]);
    reply.resize(HEADER, 0);
}

/// Header and question of a reply without records.
fn begin(query: &Query<'_>, rcode: OptRcode, reply: &mut Vec<u8>) {
    let (request, head) = (&query.request, &query.request.head);
    header_only(head.id, head.opcode, rcode, reply);
    reply[2] |= u8::from(head.rd);
    reply[3] |= 0x80 | u8::from(head.cd) << 4;
    reply[5] = 1;
    reply.extend_from_slice(request.name.as_slice());
    reply.extend_from_slice(&request.rtype.to_int().to_be_bytes());
    reply.extend_from_slice(&request.class.to_int().to_be_bytes());
}

/// Leaves of a reply its header, with TC and without AD, since nothing is left to prove, and its
/// question; and of its buffer what most replies need.
fn cut(query: &Query<'_>, reply: &mut Vec<u8>) {
    reply.truncate(HEADER + query.request.name.len() + 4);
    reply.shrink_to(BUFFER);
    reply[2] |= 0x02;
    reply[3] &= !0x20;
    reply[6..HEADER].fill(0);
    put_opt(query, reply, OptRcode::NOERROR, None);
}

/// Answers OPT with OPT (RFC 6891 section 6.1.1).
fn put_opt(query: &Query<'_>, reply: &mut Vec<u8>, rcode: OptRcode, ede: Option<&Ede>) {
    let Some(edns) = &query.request.head.edns else { return };
    let stays = edns.keepalive && query.client.transport == Transport::Tcp;
    let opt = ResponseOpt {
        dnssec_ok: edns.dnssec_ok,
        compact_ok: query.request.head.compact_ok(),
        extended_rcode: (rcode.to_int() >> 4) as u8,
        error: ede,
        cookie: query.cookie.reply(),
        keepalive: stays.then_some(KEEPALIVE),
    };
    add_opt(reply, &opt);
}
