//! The RCODE of a compact denial (RFC 9824): NXDOMAIN, unless the client's validator would find
//! that the RCODE contradicts the proof.

use zoners_dns::{OptRcode, RRset, Rtype, name};
use zoners_dnssec::nsec::denied_owner;
use zoners_resolver::Answer;

use super::query::Query;

/// The RCODE that the client gets with `answer`.
///
/// The NSEC record of a compact denial has the denied name for its owner. A validator without
/// support for NXNAME concludes that the name exists, and that NXDOMAIN is bogus. So queries with
/// DO and without CO get NOERROR, all other queries NXDOMAIN (RFC 9824 section 5).
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
