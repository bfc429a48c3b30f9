//! Which packets are queries that we serve.

use zoners_dns::packet::{Request, Unreadable};
use zoners_dns::{Class, Ede, EdeCode, Opcode, OptRcode, Rtype};

use super::finish;

/// What becomes of a packet.
#[derive(Debug)]
pub(super) enum Admission {
    /// It is served.
    Admitted(Request),
    /// It is answered with an error.
    Reply(Vec<u8>),
    /// It is not answered.
    Drop,
}

pub(super) fn admit(packet: &[u8]) -> Admission {
    let request = match Request::read(packet) {
        Ok(request) => request,
        Err(Unreadable::Ignore) => return Admission::Drop,
        // Whatever another opcode's message looks like, we do not implement it.
        Err(Unreadable::FormErr { id, opcode }) if opcode != Opcode::QUERY => {
            return Admission::Reply(finish::header_only(id, opcode, OptRcode::NOTIMP));
        }
        Err(Unreadable::FormErr { id, opcode }) => {
            return Admission::Reply(finish::header_only(id, opcode, OptRcode::FORMERR));
        }
    };
    match refusal(&request) {
        None => Admission::Admitted(request),
        Some((rcode, text)) => {
            let ede = text.map(|text| Ede::new(EdeCode::PROHIBITED, text));
            Admission::Reply(finish::error(&request, rcode, ede.as_ref()))
        }
    }
}

fn refusal(request: &Request) -> Option<(OptRcode, Option<&'static str>)> {
    if request.opcode != Opcode::QUERY {
        return Some((OptRcode::NOTIMP, None));
    }
    if request.edns.as_ref().is_some_and(|edns| edns.version > 0) {
        return Some((OptRcode::BADVERS, None));
    }
    if request.question.class != Class::IN {
        return Some((OptRcode::REFUSED, Some("only class IN is served")));
    }
    match request.question.rtype {
        Rtype::AXFR | Rtype::IXFR => Some((OptRcode::REFUSED, Some("no zone transfers here"))),
        // Types that only stand in other sections or messages (RFC 6895 section 3.1), and the
        // mail types that became ANY's kin.
        Rtype::OPT | Rtype::TSIG | Rtype::TKEY | Rtype::MAILA | Rtype::MAILB => {
            Some((OptRcode::NOTIMP, None))
        }
        rtype if rtype.to_int() == 0 => Some((OptRcode::NOTIMP, None)),
        _ => None,
    }
}
