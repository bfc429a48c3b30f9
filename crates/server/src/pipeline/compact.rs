//! The RCODE of a compact denial (RFC 9824): NXDOMAIN, unless the client would hold it against the
//! proof.

use zoners_dns::{OptRcode, RRset, Rtype, name};
use zoners_dnssec::nsec::denied_owner;
use zoners_resolver::Answer;

use super::Query;

/// The RCODE that the client gets with `answer`.
///
/// The NSEC record of a compact denial has the denied name for its owner. A validator that does not
/// know NXNAME reads in it that the name exists, and finds NXDOMAIN bogus: so NOERROR is for those
/// who set DO without CO, and NXDOMAIN for all others (RFC 9824 section 5).
pub(super) fn rcode(query: &Query<'_>, answer: &Answer) -> OptRcode {
    let head = &query.request.head;
    if answer.rcode != OptRcode::NXDOMAIN || !head.dnssec_ok() || head.compact_ok() {
        return answer.rcode;
    }
    let target =
        answer.answer.iter().rfind(|set| set.rtype == Rtype::CNAME).and_then(RRset::target);
    let denied = target.unwrap_or_else(|| name::owned(query.request.name));
    match denied_owner(&answer.authority) {
        Some(owner) if *owner == denied => OptRcode::NOERROR,
        _ => OptRcode::NXDOMAIN,
    }
}
