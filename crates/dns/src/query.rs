//! Upstream queries on the wire.

use bytes::{BufMut, Bytes, BytesMut};

use crate::edns::{COMPACT_OK, COOKIE, DNSSEC_OK, UDP_PAYLOAD_SIZE};
use crate::question::Question;

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
}

impl Default for QueryOpt<'_> {
    fn default() -> Self {
        QueryOpt { udp_payload_size: UDP_PAYLOAD_SIZE, cookie: &[] }
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
    let cookie = if opt.cookie.is_empty() { 0 } else { 4 + opt.cookie.len() };
    let mut wire = BytesMut::with_capacity(12 + question.name.len() + 4 + 11 + cookie);
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
        wire.put_u16(cookie as u16);
        if cookie > 0 {
            wire.put_u16(COOKIE);
            wire.put_u16(opt.cookie.len() as u16);
            wire.put_slice(opt.cookie);
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
        let opt = QueryOpt { udp_payload_size: 4096, cookie: &[7; 24] };
        let larger = Message::parse(&query_with(&question, options, opt)).unwrap().edns.unwrap();
        assert_eq!((larger.udp_payload_size, larger.cookie.as_deref()), (4096, Some(&[7; 24][..])));
        let plain = QueryOptions { edns: false, ..options };
        assert_eq!(Message::parse(&query(&question, plain)).unwrap().edns, None);
    }
}
