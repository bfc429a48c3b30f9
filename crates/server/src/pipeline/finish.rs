//! From an answer to the octets of a reply.
//!
//! Every reply is written into a buffer that the caller uses again: a finished answer goes out without an
//! allocation.

use zoners_dns::compose::{Response, ResponseFlags, add_opt, compose_within};
use zoners_dns::packet::ResponsePatch;
use zoners_dns::{Ede, EdeCode, Opcode, OptRcode, ResponseOpt, Security, Transport};
use zoners_resolver::Answer;

use super::compact;
use super::query::Query;
use crate::client::idle_timeout;

const HEADER_OCTETS: usize = 12;

/// Octets of a reply that every client takes (RFC 1035 section 2.3.4).
const MIN_LIMIT: usize = 512;

/// Octets that the buffer of a truncated reply keeps: it may have had 64 KiB, and each worker has many buffers.
const KEPT_CAPACITY: usize = 4096;

/// The time for which an idle connection stays, in units of 100 ms (RFC 7828). Requests of HTTP have none: HTTP itself
/// says how long connections stay.
fn keepalive_tenths(transport: Transport) -> Option<u16> {
    let idle = idle_timeout(transport)?;
    u16::try_from(idle.as_millis() / 100).ok()
}

/// The message of `answer` with ID 0 and without OPT, to be kept as a finished answer.
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

/// Makes the message in `reply` a reply to this query: mirrors fields of the query, adds OPT, and truncates a
/// reply that is too long for the transport.
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
    // A section without room was left out while the message was composed: TC is its trace.
    let was_truncated =
        !query.client.transport.is_stream() && reply.get(2).is_some_and(|flags| flags & 0x02 != 0);
    if was_truncated || is_too_long(query, reply.len()) {
        truncate(query, reply);
    }
}

/// Whether a reply of so many octets is too long for the client. Most replies are short enough for every client.
fn is_too_long(query: &Query<'_>, octets: usize) -> bool {
    octets > MIN_LIMIT && octets > limit(query)
}

/// A finished message, or the first octets of a message that is too long: one octet more than the limit.
pub(super) fn within_limit<'a>(query: &Query<'_>, message: &'a [u8]) -> &'a [u8] {
    match is_too_long(query, message.len()) {
        true => &message[..limit(query) + 1],
        false => message,
    }
}

/// Octets of the longest reply that the client takes.
pub(super) fn limit(query: &Query<'_>) -> usize {
    match query.client.transport.is_stream() {
        false => query.request.head.udp_limit(),
        true => usize::from(u16::MAX),
    }
}

/// The reply with an answer that is not kept as finished, and perhaps an EDE.
pub(super) fn answer(query: &Query<'_>, answer: &Answer, ede: Option<&Ede>, reply: &mut Vec<u8>) {
    *reply = composed(
        query,
        answer,
        ResponseFlags { ra: true, ..ResponseFlags::default() },
        limit(query),
    );
    deliver(query, reply, answer.security, ede, 0, std::iter::empty());
}

/// The reply with an answer of local data, which has AA (RFC 6303 section 3).
pub(super) fn authoritative(query: &Query<'_>, answer: &Answer, reply: &mut Vec<u8>) {
    *reply = composed(
        query,
        answer,
        ResponseFlags { aa: true, ra: true, ..ResponseFlags::default() },
        limit(query),
    );
    deliver(query, reply, answer.security, None, 0, std::iter::empty());
}

/// The EDE of an expired answer (RFC 8914 sections 4.4 and 4.20).
pub(super) fn why_stale(answer: &Answer) -> Ede {
    let code = match answer.rcode {
        OptRcode::NXDOMAIN => EdeCode::STALE_NXDOMAIN,
        _ => EdeCode::STALE_ANSWER,
    };
    Ede::new(code, "what was known before, since nobody answers")
}

/// A text about the server, of class CHAOS.
pub(super) fn text(query: &Query<'_>, text: &str, reply: &mut Vec<u8>) {
    begin(query, OptRcode::NOERROR, reply);
    let text = &text.as_bytes()[..text.len().min(255)];
    let length = text.len() as u8;
    // The name as a pointer, TXT, CH, a TTL of 0.
    reply.extend_from_slice(&[0xC0, HEADER_OCTETS as u8, 0, 16, 0, 3, 0, 0, 0, 0]);
    reply.extend_from_slice(&(u16::from(length) + 1).to_be_bytes());
    reply.push(length);
    reply.extend_from_slice(text);
    reply[7] = 1;
    put_opt(query, reply, OptRcode::NOERROR, None);
}

/// A reply without records: an error and the EDE.
pub(super) fn error(query: &Query<'_>, rcode: OptRcode, ede: Option<&Ede>, reply: &mut Vec<u8>) {
    begin(query, rcode, reply);
    put_opt(query, reply, rcode, ede);
}

/// The reply to a query without RD that the cache cannot answer.
pub(super) fn not_recursive(query: &Query<'_>, reply: &mut Vec<u8>) {
    let ede =
        Ede::new(EdeCode::NOT_AUTHORITATIVE, "not in the cache, and recursion was not desired");
    error(query, OptRcode::REFUSED, Some(&ede), reply);
}

/// An empty reply with TC: the client comes back over TCP, where an address cannot be forged.
pub(super) fn truncated(query: &Query<'_>, reply: &mut Vec<u8>) {
    begin(query, OptRcode::NOERROR, reply);
    truncate(query, reply);
}

/// A reply to a packet that cannot be read further than its header.
pub(super) fn header_only(id: u16, opcode: Opcode, rcode: OptRcode, reply: &mut Vec<u8>) {
    reply.clear();
    reply.extend_from_slice(&id.to_be_bytes());
    reply.extend_from_slice(&[0x80 | opcode.to_int() << 3, rcode.rcode().to_int()]);
    reply.resize(HEADER_OCTETS, 0);
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

/// Truncates a reply to its header, with TC and without AD since no record is left, and its question. The buffer
/// keeps the capacity that most replies need.
fn truncate(query: &Query<'_>, reply: &mut Vec<u8>) {
    reply.truncate(HEADER_OCTETS + query.request.name.len() + 4);
    reply.shrink_to(KEPT_CAPACITY);
    reply[2] |= 0x02;
    reply[3] &= !0x20;
    reply[6..HEADER_OCTETS].fill(0);
    put_opt(query, reply, OptRcode::NOERROR, None);
}

/// Answers OPT with OPT (RFC 6891 section 6.1.1).
fn put_opt(query: &Query<'_>, reply: &mut Vec<u8>, rcode: OptRcode, ede: Option<&Ede>) {
    let Some(edns) = &query.request.head.edns else { return };
    let opt = ResponseOpt {
        dnssec_ok: edns.dnssec_ok,
        compact_ok: query.request.head.compact_ok(),
        extended_rcode: (rcode.to_int() >> 4) as u8,
        error: ede,
        cookie: query.cookie.reply(),
        keepalive: keepalive_tenths(query.client.transport).filter(|_| edns.keepalive),
        is_padded: edns.padding && query.client.transport.is_encrypted(),
    };
    add_opt(reply, &opt);
}
