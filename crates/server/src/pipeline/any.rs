//! The type ANY (RFC 8482): the answer is one HINFO record. All records of a name are large, seldom wanted and often
//! asked for in the name of a victim.

use zoners_dns::{NameSlice, OptRcode, RRset, Records, Rtype, Security, name};
use zoners_resolver::Answer;

/// The TTL of the HINFO record, in seconds (RFC 8482 section 4.2).
const HINFO_TTL: u32 = 3_600;

/// The HINFO record in place of every record of a name.
pub(super) fn minimal(asked: &NameSlice) -> Answer {
    let hinfo = Records::from_iter([b"\x07RFC8482\x00"]);
    Answer {
        rcode: OptRcode::NOERROR,
        answer: vec![RRset::new(name::owned(asked), Rtype::HINFO, HINFO_TTL, hinfo)],
        authority: vec![],
        additional: vec![],
        security: Security::Unchecked,
        stale: false,
        hearsay: false,
    }
}
