//! Queries of clients, read in place.

use crate::checking::Checking;
use crate::edns::{
    self, COMPACT_OK, COOKIE, DNSSEC_OK, KEEPALIVE, PADDING, STRUCTURED_ERROR, TIMELINE,
};
use crate::name::{self, NameSlice};
use crate::question::Question;
use domain::base::iana::{Class, Opcode, Rtype};

const HEADER_OCTETS: usize = 12;

/// A query of a client, borrowed from the packet.
#[derive(Clone, Copy, Debug)]
pub struct ClientQuery<'a> {
    /// The fields that the response mirrors.
    pub head: QueryHeader,
    /// QNAME in the spelling of the client.
    pub name: &'a NameSlice,
    /// QTYPE.
    pub rtype: Rtype,
    /// QCLASS.
    pub class: Class,
    /// The value of the COOKIE option (RFC 7873).
    pub cookie: Option<&'a [u8]>,
}

/// The fields beside the question that the response mirrors or depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryHeader {
    /// The ID, mirrored in the response.
    pub id: u16,
    /// The opcode; only QUERY is served.
    pub opcode: Opcode,
    /// RD: recursion desired.
    pub rd: bool,
    /// AD: the client understands AD (RFC 6840 section 5.7).
    pub ad: bool,
    /// CD: checking disabled.
    pub cd: bool,
    /// The OPT record, if there is one.
    pub edns: Option<ClientEdns>,
}

/// The OPT record of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientEdns {
    /// The UDP payload size of the client.
    pub udp_payload_size: u16,
    /// The version; a version above 0 is answered with BADVERS.
    pub version: u8,
    /// DO: the client requests DNSSEC records.
    pub dnssec_ok: bool,
    /// CO: the client understands compact denials (RFC 9824 section 5.1).
    pub compact_ok: bool,
    /// The TCP keepalive option (RFC 7828): the client asks to keep the connection open.
    pub keepalive: bool,
    /// The padding option (RFC 7830): the client wants a padded response over an encrypted transport.
    pub padding: bool,
    /// The client wants the reason of a block as JSON: see [`crate::Edns::structured_errors`].
    pub structured_errors: bool,
    /// The client wants to know the way to the answer ([`edns::TIMELINE`]).
    pub wants_timeline: bool,
}

/// A packet that is not a query with exactly one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadableQuery {
    /// Send no response: the packet is shorter than a header, or is a response. Two servers that
    /// respond to responses would loop forever.
    Ignore,
    /// Respond with FORMERR, with this ID and opcode.
    FormErr {
        /// The ID of the packet.
        id: u16,
        /// The opcode of the packet.
        opcode: Opcode,
    },
}

impl<'a> ClientQuery<'a> {
    /// Reads a packet.
    ///
    /// # Errors
    /// The packet is not a well-formed query; the error says whether to respond.
    pub fn read(packet: &'a [u8]) -> Result<Self, UnreadableQuery> {
        let header = packet.first_chunk::<HEADER_OCTETS>().ok_or(UnreadableQuery::Ignore)?;
        let [i0, i1, f0, f1, qd0, qd1, an0, an1, ns0, ns1, ar0, ar1] = *header;
        if f0 & 0x80 != 0 {
            return Err(UnreadableQuery::Ignore);
        }
        let (id, opcode) = (u16::from_be_bytes([i0, i1]), Opcode::from_int(f0 >> 3 & 0x0F));
        let malformed = UnreadableQuery::FormErr { id, opcode };
        if [qd0, qd1] != [0, 1] || [an0, an1, ns0, ns1] != [0; 4] {
            return Err(malformed);
        }
        let (name, rtype, class, mut rest) =
            read_question(&packet[HEADER_OCTETS..]).ok_or(malformed)?;
        let (mut edns, mut cookie) = (None, None);
        for _ in 0..u16::from_be_bytes([ar0, ar1]) {
            let (opt, after) = read_additional(rest).ok_or(malformed)?;
            if let Some(opt) = opt {
                if edns.replace(opt.edns).is_some() {
                    return Err(malformed);
                }
                cookie = opt.cookie;
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err(malformed);
        }
        let (rd, ad, cd) = (f0 & 0x01 != 0, f1 & 0x20 != 0, f1 & 0x10 != 0);
        Ok(ClientQuery {
            head: QueryHeader { id, opcode, rd, ad, cd, edns },
            name,
            rtype,
            class,
            cookie,
        })
    }

    /// Name and type of the question of a query, without a look at the rest of the packet.
    #[must_use]
    pub fn question_of(packet: &'a [u8]) -> Option<(&'a NameSlice, Rtype)> {
        let asks_one = packet.get(4..6) == Some(&[0, 1]);
        let (name, rtype, ..) = read_question(packet.get(HEADER_OCTETS..)?)?;
        asks_one.then_some((name, rtype))
    }

    /// The question as an owned value.
    #[must_use]
    pub fn question(&self) -> Question {
        Question { name: name::owned(self.name), rtype: self.rtype, class: self.class }
    }
}

impl QueryHeader {
    /// DO: the client requests DNSSEC records.
    #[must_use]
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// CD as a word: whether the answer has to be validated.
    #[must_use]
    #[inline]
    pub fn checking(&self) -> Checking {
        Checking::of_cd(self.cd)
    }

    /// CO beside DO: the client accepts NXDOMAIN with a compact denial (RFC 9824 section 5.1).
    /// Without DO, the response carries no proof that the RCODE could contradict.
    #[must_use]
    pub fn compact_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok && edns.compact_ok)
    }

    /// The largest UDP response for the client: the advertised size, at least 512 octets (RFC 6891
    /// section 6.2.5) and at most [`edns::UDP_PAYLOAD_SIZE`].
    #[must_use]
    pub fn udp_limit(&self) -> usize {
        let advertised = self.edns.map_or(512, |edns| edns.udp_payload_size);
        usize::from(advertised.clamp(512, edns::UDP_PAYLOAD_SIZE))
    }
}

fn read_question(octets: &[u8]) -> Option<(&NameSlice, Rtype, Class, &[u8])> {
    let (name, rest) = octets.split_at_checked(name_length(octets)?)?;
    let (&[t0, t1, c0, c1], rest) = rest.split_first_chunk::<4>()?;
    let rtype = Rtype::from_int(u16::from_be_bytes([t0, t1]));
    let class = Class::from_int(u16::from_be_bytes([c0, c1]));
    Some((NameSlice::from_slice(name).ok()?, rtype, class, rest))
}

/// The length of the name at the beginning, up to the root label; the form of its labels is checked with the name. The
/// name of a question comes first in a message, so that a pointer, which has no target, is a malformed label.
fn name_length(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let label = usize::from(*octets.get(at)?);
        at += 1 + label;
        if label == 0 {
            return Some(at);
        }
    }
}

/// The content of an OPT record.
struct Opt<'a> {
    edns: ClientEdns,
    cookie: Option<&'a [u8]>,
}

/// Skips a record of the additional section; reads the record if the type is OPT.
fn read_additional(octets: &[u8]) -> Option<(Option<Opt<'_>>, &[u8])> {
    let is_root = octets.first() == Some(&0);
    let rest = octets.get(super::records::skip_name(octets, 0)?..)?;
    let (&[t0, t1, c0, c1, _, version, f0, f1, l0, l1], rest) = rest.split_first_chunk::<10>()?;
    let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
    if u16::from_be_bytes([t0, t1]) != Rtype::OPT.to_int() {
        return Some((None, rest));
    }
    if !is_root {
        return None;
    }
    let flags = u16::from_be_bytes([f0, f1]);
    let mut edns = ClientEdns {
        udp_payload_size: u16::from_be_bytes([c0, c1]),
        version,
        dnssec_ok: flags & DNSSEC_OK != 0,
        compact_ok: flags & COMPACT_OK != 0,
        keepalive: false,
        padding: false,
        structured_errors: false,
        wants_timeline: false,
    };
    let mut cookie = None;
    for option in edns::options(rdata) {
        match option? {
            (COOKIE, _) if cookie.is_some() => return None,
            (COOKIE, value) => cookie = Some(value),
            (KEEPALIVE, _) => edns.keepalive = true,
            (PADDING, _) => edns.padding = true,
            (STRUCTURED_ERROR, _) => edns.structured_errors = true,
            (TIMELINE, _) => edns.wants_timeline = true,
            _ => {}
        }
    }
    Some((Some(Opt { edns, cookie }), rest))
}

/// Whether it does no harm if a stranger sends a query once more, as a stranger can with what comes before the end of a
/// handshake: QUERY and NOTIFY (RFC 9250 section 4.5).
///
/// ```
/// use zoners_dns::packet::is_replayable;
///
/// assert!(is_replayable(&[0, 0, 0x01, 0]), "a query");
/// assert!(!is_replayable(&[0, 0, 0x28, 0]), "an update");
/// assert!(!is_replayable(&[0, 0]));
/// ```
#[must_use]
pub fn is_replayable(query: &[u8]) -> bool {
    let opcode = query.get(2).map(|flags| Opcode::from_int(flags >> 3 & 0x0F));
    opcode.is_some_and(|opcode| matches!(opcode, Opcode::QUERY | Opcode::NOTIFY))
}

/// Whether a query asks to keep a TCP connection open (RFC 7828).
#[must_use]
pub fn asks_for_keepalive(query: &[u8]) -> bool {
    // Without additional records there is no option, and the rest is not read twice.
    let has_additional = query.get(10..HEADER_OCTETS).is_some_and(|count| count != [0, 0]);
    let edns = || ClientQuery::read(query).ok().and_then(|query| query.head.edns);
    has_additional && edns().is_some_and(|edns| edns.keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name;
    use crate::query::{QueryOptions, query};
    use bytes::Bytes;
    use proptest::prelude::*;

    fn sample(edns: bool) -> Vec<u8> {
        let question = Question::new(name::parse("Www.Example.test").unwrap(), Rtype::AAAA);
        query(&question, QueryOptions { id: 77, recursion_desired: true, edns }).to_vec()
    }

    #[test]
    fn a_query_is_read() {
        let packet = sample(true);
        let request = ClientQuery::read(&packet).unwrap();
        let head = request.head;
        assert_eq!((head.id, head.rd, head.cd), (77, true, false));
        assert_eq!(request.question().name.to_string(), "Www.Example.test");
        assert!(head.dnssec_ok());
        assert_eq!(head.udp_limit(), 1232);
        assert_eq!(ClientQuery::read(&sample(false)).unwrap().head.udp_limit(), 512);
    }

    #[test]
    fn a_response_gets_no_response() {
        let mut packet = sample(true);
        packet[2] |= 0x80;
        assert_eq!(ClientQuery::read(&packet).err(), Some(UnreadableQuery::Ignore));
        assert_eq!(ClientQuery::read(&packet[..11]).err(), Some(UnreadableQuery::Ignore));
    }

    #[test]
    fn broken_queries_get_formerr() {
        let good = sample(true);
        let formerr = Some(UnreadableQuery::FormErr { id: 77, opcode: Opcode::QUERY });
        assert_eq!(ClientQuery::read(&good[..20]).err(), formerr, "cut");
        let mut trailing = good.clone();
        trailing.push(0);
        assert_eq!(ClientQuery::read(&trailing).err(), formerr, "trailing octet");
        let mut two = good.clone();
        two[5] = 2;
        assert_eq!(ClientQuery::read(&two).err(), formerr, "two questions");
        let mut pointer = good;
        pointer[12] = 0xC0;
        assert_eq!(ClientQuery::read(&pointer).err(), formerr, "compressed question");
    }

    #[test]
    fn a_wish_for_the_way_to_the_answer_is_read() {
        let wants = |packet: &[u8]| {
            let edns = ClientQuery::read(packet).unwrap().head.edns;
            edns.is_some_and(|edns| edns.wants_timeline)
        };
        let mut packet = sample(true);
        assert!(!wants(&packet));
        assert!(super::super::add_option(&mut packet, TIMELINE, &[]));
        assert!(wants(&packet));
    }

    proptest! {
        #[test]
        fn reading_never_panics(packet in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = ClientQuery::read(&packet);
        }

        #[test]
        fn the_reader_agrees_with_the_full_parser(at in 0usize..64, to in any::<u8>()) {
            let mut packet = sample(true);
            let at = at % packet.len();
            packet[at] = to;
            if let Ok(request) = ClientQuery::read(&packet) {
                let message = crate::Message::parse(&Bytes::copy_from_slice(&packet)).unwrap();
                prop_assert_eq!(message.question, Some(request.question()));
                let edns = message.edns.map(|edns| ClientEdns {
                    udp_payload_size: edns.udp_payload_size,
                    version: edns.version,
                    dnssec_ok: edns.dnssec_ok,
                    compact_ok: edns.compact_ok,
                    keepalive: edns.keepalive,
                    padding: edns.padding,
                    structured_errors: edns.structured_errors,
                    wants_timeline: request.head.edns.is_some_and(|edns| edns.wants_timeline),
                });
                prop_assert_eq!(edns, request.head.edns);
            }
        }
    }
}
