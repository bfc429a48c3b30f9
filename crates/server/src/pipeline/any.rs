//! The type ANY (RFC 8482): whoever asks for everything gets a word instead, since all of it is
//! large, seldom wanted and often asked for in the name of a victim.

use zoners_dns::{NameSlice, OptRcode, RRset, Records, Rtype, Security, name};
use zoners_resolver::Answer;

/// Seconds for which the word may be kept (RFC 8482 section 4.2).
const TTL: u32 = 3_600;

/// The HINFO that stands for all records of a name.
pub(super) fn minimal(asked: &NameSlice) -> Answer {
    let hinfo = Records::from_iter([b"\x07RFC8482\x00"]);
    Answer {
        rcode: OptRcode::NOERROR,
        answer: vec![RRset::new(name::owned(asked), Rtype::HINFO, TTL, hinfo)],
        authority: vec![],
        additional: vec![],
        security: Security::Unchecked,
        stale: false,
        hearsay: false,
    }
}
