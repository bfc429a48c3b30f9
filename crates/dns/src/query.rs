//! Upstream queries on the wire.

use bytes::{BufMut, Bytes, BytesMut};

use crate::edns::{
    COMPACT_OK, COOKIE, DNSSEC_OK, OPTION_HEAD, PADDING, UDP_PAYLOAD_SIZE, padding_octets,
};
use crate::question::Question;

/// Padded queries are a multiple of this long, in octets (RFC 8467 section 4.1).
const QUERY_BLOCK: usize = 128;

/// The header fields of a query, and whether the query uses EDNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryOptions {
    /// The ID.
    pub id: u16,
    /// RD: the server is a forwarder and shall recurse.
    pub recursion_desired: bool,
    /// Send an OPT record, with DO and CO.
    pub edns: bool,
}

/// The fields of the OPT record, beside the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryOpt<'a> {
    /// The UDP payload size (RFC 6891 section 6.2.3).
    pub udp_payload_size: u16,
    /// The value of the COOKIE option (RFC 7873 section 4); if empty, the option is omitted.
    pub cookie: &'a [u8],
    /// Pad the query, so that its length does not tell the name: over encrypted transports alone (RFC 7830 section 6).
    pub is_padded: bool,
}

impl Default for QueryOpt<'_> {
    fn default() -> Self {
        QueryOpt { udp_payload_size: UDP_PAYLOAD_SIZE, cookie: &[], is_padded: false }
    }
}

/// Composes a query.
#[must_use]
pub fn query(question: &Question, options: QueryOptions) -> Bytes {
    query_with(question, options, QueryOpt::default())
}

/// Composes a query with the given fields in its OPT record, if the query uses EDNS.
#[must_use]
pub fn query_with(question: &Question, options: QueryOptions, opt: QueryOpt<'_>) -> Bytes {
    let cookie = if opt.cookie.is_empty() { 0 } else { OPTION_HEAD + opt.cookie.len() };
    let bare = 12 + question.name.len() + 4 + 11 + cookie;
    let is_padded = opt.is_padded && options.edns;
    let padding = if is_padded { padding_octets(bare, QUERY_BLOCK) } else { 0 };
    let mut wire = BytesMut::with_capacity(bare + padding);
    wire.put_u16(options.id);
    wire.put_u16(if options.recursion_desired { 0x0100 } else { 0 });
    wire.put_slice(&[0, 1, 0, 0, 0, 0, 0, options.edns.into()]);
    wire.put_slice(question.name.as_slice());
    wire.put_u16(question.rtype.to_int());
    wire.put_u16(question.class.to_int());
    if options.edns {
        wire.put_slice(&[0, 0, 41]);
        wire.put_u16(opt.udp_payload_size);
        wire.put_slice(&[0, 0]);
        wire.put_u16(DNSSEC_OK | COMPACT_OK);
        wire.put_u16((cookie + padding) as u16);
        if cookie > 0 {
            wire.put_u16(COOKIE);
            wire.put_u16(opt.cookie.len() as u16);
            wire.put_slice(opt.cookie);
        }
        if padding > 0 {
            wire.put_u16(PADDING);
            wire.put_u16((padding - OPTION_HEAD) as u16);
            wire.put_bytes(0, padding - OPTION_HEAD);
        }
    }
    wire.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Rtype, name};

    #[test]
    fn a_query_reads_back() {
        let question = Question::new(name::parse("www.Example.test").unwrap(), Rtype::HTTPS);
        let options = QueryOptions { id: 0x1234, recursion_desired: true, edns: true };
        let message = Message::parse(&query(&question, options)).unwrap();
        assert_eq!(message.header.id(), 0x1234);
        assert!(message.header.rd() && !message.header.qr());
        assert_eq!(message.question, Some(question.clone()));
        assert_eq!(
            message.edns.map(|edns| (edns.dnssec_ok, edns.compact_ok, edns.udp_payload_size)),
            Some((true, true, 1232))
        );
        let opt = QueryOpt { udp_payload_size: 4096, cookie: &[7; 24], is_padded: false };
        let larger = Message::parse(&query_with(&question, options, opt)).unwrap().edns.unwrap();
        assert_eq!((larger.udp_payload_size, larger.cookie.as_deref()), (4096, Some(&[7; 24][..])));
        let plain = QueryOptions { edns: false, ..options };
        assert_eq!(Message::parse(&query(&question, plain)).unwrap().edns, None);
    }

    #[test]
    fn a_padded_query_is_a_multiple_of_128_octets_whatever_its_name() {
        let options = QueryOptions { id: 1, recursion_desired: true, edns: true };
        for (letters, cookie) in (1..=63).flat_map(|letters| [(letters, 0), (letters, 24)]) {
            let name = format!("{0}.{0}.test", "a".repeat(letters));
            let question = Question::new(name::parse(&name).unwrap(), Rtype::A);
            let cookie = vec![7; cookie];
            let opt = QueryOpt { cookie: &cookie, is_padded: true, ..QueryOpt::default() };
            let padded = query_with(&question, options, opt);
            let bare = query_with(&question, options, QueryOpt { is_padded: false, ..opt });
            let least = (bare.len() + 4).next_multiple_of(128);
            assert_eq!(padded.len(), least, "{name}");
            let edns = Message::parse(&padded).unwrap().edns.unwrap();
            assert_eq!(edns.cookie.unwrap_or_default(), cookie);
            let plain = QueryOptions { edns: false, ..options };
            assert_eq!(
                query_with(&question, plain, opt),
                query_with(&question, plain, QueryOpt::default())
            );
        }
    }
}
