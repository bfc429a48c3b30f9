//! Patches a finished answer for a client: ID, spelling, flags, TTLs.

use super::records::{HEADER_OCTETS, skip_name, walk_records};
use crate::name::NameSlice;
use domain::base::iana::Rtype;

/// The offsets of the TTL fields of a message, OPT excluded.
///
/// `None` if the message is truncated.
#[must_use]
pub fn ttl_offsets(message: &[u8]) -> Option<Vec<u16>> {
    let mut offsets = Vec::new();
    let end = walk_records(message, |record| {
        if record.rtype != Rtype::OPT.to_int() {
            offsets.push(u16::try_from(record.ttl_at()).ok()?);
        }
        Some(())
    });
    end.filter(|end| *end <= message.len()).map(|_| offsets)
}

/// Subtracts the age of a response, in seconds, from the TTLs. A truncated message stays as it is, and so does a TTL of
/// 2^31 or more, which means zero (RFC 2181 section 8).
pub fn subtract_age(message: &mut [u8], age: u32) {
    if age == 0 {
        return;
    }
    for at in ttl_offsets(message).unwrap_or_default().into_iter().map(usize::from) {
        let field = message.get_mut(at..at + 4).and_then(|field| field.first_chunk_mut::<4>());
        let Some(field) = field else { return };
        let ttl = u32::from_be_bytes(*field);
        if ttl >> 31 == 0 {
            *field = ttl.saturating_sub(age).to_be_bytes();
        }
    }
}

/// The header and the question of a response, with TC. AD is cleared, because no record is left.
/// Sent if the path has no room for the whole response (RFC 9715 section 3.1).
#[must_use]
pub fn cut_to_question(reply: &[u8]) -> Vec<u8> {
    let end = skip_name(reply, HEADER_OCTETS).map_or(HEADER_OCTETS, |end| end + 4);
    let mut cut = reply.get(..end).unwrap_or(reply).to_vec();
    if let Some([_, _, f0, f1, _, _, counts @ ..]) = cut.first_chunk_mut::<HEADER_OCTETS>() {
        (*f0, *f1) = (*f0 | 0x02, *f1 & !0x20);
        counts.fill(0);
    }
    cut
}

/// The values that differ from client to client.
#[derive(Clone, Copy, Debug)]
pub struct ResponsePatch<'a> {
    /// The client's ID.
    pub id: u16,
    /// QNAME in the spelling of the client (draft-vixie-0x20). Owner names that point to QNAME
    /// follow.
    pub spelling: &'a NameSlice,
    /// RD, mirrored.
    pub rd: bool,
    /// CD, mirrored.
    pub cd: bool,
    /// AD: the answer is secure, and the client asked for AD.
    pub ad: bool,
    /// Seconds since the response was made, subtracted from TTLs.
    pub age: u32,
}

impl ResponsePatch<'_> {
    /// Patches `message`, or the beginning of a message, in place; `ttls` come from
    /// [`ttl_offsets`].
    pub fn apply(&self, message: &mut [u8], ttls: impl Iterator<Item = u16>) {
        for at in ttls.map(usize::from) {
            let field = message.get_mut(at..at + 4).and_then(|f| f.first_chunk_mut::<4>());
            let Some(field) = field else { break };
            *field = u32::from_be_bytes(*field).saturating_sub(self.age).to_be_bytes();
        }
        if let Some(name) = message.get_mut(HEADER_OCTETS..HEADER_OCTETS + self.spelling.len()) {
            name.copy_from_slice(self.spelling.as_slice());
        }
        if let Some([id0, id1, f0, f1]) = message.first_chunk_mut::<4>() {
            [*id0, *id1] = self.id.to_be_bytes();
            *f0 = *f0 & !0x01 | u8::from(self.rd);
            *f1 = *f1 & !0x30 | u8::from(self.ad) << 5 | u8::from(self.cd) << 4;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::{Response, ResponseFlags, compose};
    use crate::{Message, OptRcode, Question, RRset, name};
    use bytes::Bytes;

    #[test]
    fn a_finished_answer_gets_id_spelling_flags_and_ttls_of_a_query() {
        let question = Question::new(name::parse("www.example.test").unwrap(), Rtype::CNAME);
        let set = RRset::naming(question.name.clone(), Rtype::CNAME, 300, &name::root());
        let reply = Response {
            question: &question,
            rcode: OptRcode::NOERROR,
            flags: ResponseFlags { ra: true, ..ResponseFlags::default() },
            answer: &[set],
            authority: &[],
            additional: &[],
            signatures: false,
        };
        let mut wire = compose(&reply);
        let ttls = ttl_offsets(&wire).unwrap();
        assert_eq!(ttls.len(), 1);
        let spelling = name::parse("wWw.eXample.test").unwrap();
        let patch = ResponsePatch {
            id: 9,
            spelling: spelling.for_slice(),
            rd: true,
            cd: true,
            ad: true,
            age: 100,
        };
        patch.apply(&mut wire, ttls.into_iter());
        let message = Message::parse(&Bytes::from(wire)).unwrap();
        assert_eq!(message.header.id(), 9);
        assert!(message.header.rd() && message.header.cd() && message.header.ad());
        assert_eq!(message.answer[0].ttl, 200);
        assert_eq!(message.answer[0].owner.to_string(), "wWw.eXample.test");
    }

    #[test]
    fn a_reply_is_cut_to_its_question() {
        let question = Question::new(name::parse("www.example.test").unwrap(), Rtype::CNAME);
        let set = RRset::naming(question.name.clone(), Rtype::CNAME, 300, &name::root());
        let wire = compose(&Response {
            question: &question,
            rcode: OptRcode::NXDOMAIN,
            flags: ResponseFlags { aa: true, ra: true, ad: true, ..ResponseFlags::default() },
            answer: &[set],
            authority: &[],
            additional: &[],
            signatures: false,
        });
        let cut = Message::parse(&Bytes::from(cut_to_question(&wire))).unwrap();
        assert!(cut.header.tc() && cut.header.aa() && cut.header.ra() && !cut.header.ad());
        assert_eq!((cut.question, cut.rcode), (Some(question), OptRcode::NXDOMAIN));
        assert!(cut.answer.is_empty());
        for torn in [&wire[..0], &wire[..11], &wire[..20]] {
            assert!(cut_to_question(torn).len() <= torn.len());
        }
    }

    #[test]
    fn the_age_of_a_response_is_taken_from_its_ttls() {
        let question = Question::new(name::parse("www.example.test").unwrap(), Rtype::CNAME);
        for (ttl, age, rest) in
            [(300, 0, 300), (300, 299, 1), (300, 301, 0), (u32::MAX, 300, u32::MAX)]
        {
            let set = RRset::naming(question.name.clone(), Rtype::CNAME, ttl, &name::root());
            let mut wire = compose(&Response {
                question: &question,
                rcode: OptRcode::NOERROR,
                flags: ResponseFlags::default(),
                answer: std::slice::from_ref(&set),
                authority: std::slice::from_ref(&set),
                additional: &[],
                signatures: false,
            });
            let offsets = ttl_offsets(&wire).unwrap();
            assert_eq!(offsets.len(), 2);
            subtract_age(&mut wire, age);
            for at in offsets.into_iter().map(usize::from) {
                assert_eq!(wire[at..at + 4], rest.to_be_bytes());
            }
            let torn = wire[..wire.len() - 1].to_vec();
            let mut aged = torn.clone();
            subtract_age(&mut aged, age);
            assert_eq!(aged, torn);
        }
    }

    #[test]
    fn torn_messages_have_no_offsets() {
        assert_eq!(ttl_offsets(&[0; 11]), None);
        assert_eq!(ttl_offsets(&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 5]), None);
    }
}
