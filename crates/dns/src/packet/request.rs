//! A client's query, read without allocating anything but its name.

use bytes::Bytes;

use crate::edns::Edns;
use crate::name::Name;
use crate::question::Question;
use domain::base::iana::{Class, Opcode, Rtype};

const HEADER: usize = 12;

/// A query from a client.
#[derive(Clone, Debug)]
pub struct Request {
    /// The ID, to be mirrored.
    pub id: u16,
    /// The opcode; only QUERY is served.
    pub opcode: Opcode,
    /// RD: recursion desired.
    pub rd: bool,
    /// AD: the client understands AD (RFC 6840 section 5.7).
    pub ad: bool,
    /// CD: checking disabled.
    pub cd: bool,
    /// The question.
    pub question: Question,
    /// The OPT record, if there is one.
    pub edns: Option<Edns>,
}

/// A packet that is no query with one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Answer nothing: shorter than a header, or itself an answer. Two servers that answered
    /// each other's answers would never stop.
    Ignore,
    /// Answer FORMERR with this ID and opcode.
    FormErr {
        /// The ID, to be mirrored.
        id: u16,
        /// The opcode, to be mirrored.
        opcode: Opcode,
    },
}

impl Request {
    /// Reads a packet.
    ///
    /// # Errors
    /// The packet is to be ignored or answered FORMERR.
    pub fn read(packet: &[u8]) -> Result<Self, Unreadable> {
        let header = packet.first_chunk::<HEADER>().ok_or(Unreadable::Ignore)?;
        let [i0, i1, f0, f1, qd0, qd1, an0, an1, ns0, ns1, ar0, ar1] = *header;
        if f0 & 0x80 != 0 {
            return Err(Unreadable::Ignore);
        }
        let (id, opcode) = (u16::from_be_bytes([i0, i1]), Opcode::from_int(f0 >> 3 & 0x0F));
        let malformed = Unreadable::FormErr { id, opcode };
        if [qd0, qd1] != [0, 1] || [an0, an1, ns0, ns1] != [0; 4] {
            return Err(malformed);
        }
        let (question, mut rest) = read_question(&packet[HEADER..]).ok_or(malformed)?;
        let mut edns = None;
        for _ in 0..u16::from_be_bytes([ar0, ar1]) {
            rest = read_additional(rest, &mut edns).ok_or(malformed)?;
        }
        if !rest.is_empty() {
            return Err(malformed);
        }
        let (rd, ad, cd) = (f0 & 0x01 != 0, f1 & 0x20 != 0, f1 & 0x10 != 0);
        Ok(Request { id, opcode, rd, ad, cd, question, edns })
    }

    /// DO: the client wants DNSSEC records.
    #[must_use]
    pub fn dnssec_ok(&self) -> bool {
        self.edns.as_ref().is_some_and(|edns| edns.dnssec_ok)
    }

    /// The largest UDP answer that the client takes: what it advertised, but at least 512 octets
    /// (RFC 6891 section 6.2.5) and at most what we send.
    #[must_use]
    pub fn udp_limit(&self) -> usize {
        let advertised = self.edns.as_ref().map_or(512, |edns| edns.udp_payload_size);
        usize::from(advertised.clamp(512, crate::edns::UDP_PAYLOAD_SIZE))
    }
}

fn read_question(octets: &[u8]) -> Option<(Question, &[u8])> {
    let length = name_length(octets)?;
    let (name, rest) = octets.split_at_checked(length)?;
    let ([t0, t1, c0, c1], rest) = rest.split_first_chunk::<4>()?;
    let name = Name::from_octets(Bytes::copy_from_slice(name)).ok()?;
    let rtype = Rtype::from_int(u16::from_be_bytes([*t0, *t1]));
    let class = Class::from_int(u16::from_be_bytes([*c0, *c1]));
    Some((Question { name, rtype, class }, rest))
}

/// The length of the uncompressed name that `octets` begin with. A question comes first, so there
/// is nothing that its name could point back to.
fn name_length(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *octets.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => return None,
        }
        if at > 254 {
            return None;
        }
    }
}

/// Skips a record of the additional section, reading it if it is OPT.
fn read_additional<'a>(octets: &'a [u8], edns: &mut Option<Edns>) -> Option<&'a [u8]> {
    let is_root = octets.first() == Some(&0);
    let rest = octets.get(super::patch::skip_name(octets, 0)?..)?;
    let (&[t0, t1, c0, c1, _, version, flags, _, l0, l1], rest) = rest.split_first_chunk::<10>()?;
    let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
    if u16::from_be_bytes([t0, t1]) == Rtype::OPT.to_int() {
        let mut read = Edns {
            udp_payload_size: u16::from_be_bytes([c0, c1]),
            version,
            dnssec_ok: flags & 0x80 != 0,
            ..Edns::default()
        };
        read.read_options(rdata)?;
        if !is_root || edns.replace(read).is_some() {
            return None;
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name;
    use crate::query::{Options, query};
    use proptest::prelude::*;

    fn sample(edns: bool) -> Vec<u8> {
        let question = Question::new(name::parse("Www.Example.test").unwrap(), Rtype::AAAA);
        query(&question, Options { id: 77, recursion_desired: true, edns }).to_vec()
    }

    #[test]
    fn a_query_is_read() {
        let request = Request::read(&sample(true)).unwrap();
        assert_eq!((request.id, request.rd, request.cd), (77, true, false));
        assert_eq!(request.question.name.to_string(), "Www.Example.test");
        assert!(request.dnssec_ok());
        assert_eq!(request.udp_limit(), 1232);
        assert_eq!(Request::read(&sample(false)).unwrap().udp_limit(), 512);
    }

    #[test]
    fn an_answer_is_never_answered() {
        let mut packet = sample(true);
        packet[2] |= 0x80;
        assert_eq!(Request::read(&packet).err(), Some(Unreadable::Ignore));
        assert_eq!(Request::read(&packet[..11]).err(), Some(Unreadable::Ignore));
    }

    #[test]
    fn broken_queries_get_formerr() {
        let good = sample(true);
        let formerr = Some(Unreadable::FormErr { id: 77, opcode: Opcode::QUERY });
        assert_eq!(Request::read(&good[..20]).err(), formerr, "cut");
        let mut trailing = good.clone();
        trailing.push(0);
        assert_eq!(Request::read(&trailing).err(), formerr, "trailing octet");
        let mut two = good.clone();
        two[5] = 2;
        assert_eq!(Request::read(&two).err(), formerr, "two questions");
        let mut pointer = good;
        pointer[12] = 0xC0;
        assert_eq!(Request::read(&pointer).err(), formerr, "compressed question");
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Request::read(&packet);
        }

        #[test]
        fn it_agrees_with_the_full_parser(at in 0usize..64, to in any::<u8>()) {
            let mut packet = sample(true);
            let at = at % packet.len();
            packet[at] = to;
            if let Ok(request) = Request::read(&packet) {
                let message = crate::Message::parse(&Bytes::from(packet)).unwrap();
                prop_assert_eq!(message.question, Some(request.question));
                prop_assert_eq!(message.edns, request.edns);
            }
        }
    }
}
