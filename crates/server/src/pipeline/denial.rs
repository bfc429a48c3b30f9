//! Denials of our own making.

use zoners_dns::{Name, OptRcode, RRset, Records, Rtype, Security};
use zoners_resolver::Answer;

/// NOERROR without records for a name; clients keep the denial for `ttl` seconds.
pub(crate) fn nodata(name: &Name, ttl: u32) -> Answer {
    Answer {
        rcode: OptRcode::NOERROR,
        answer: Vec::new(),
        authority: vec![soa(name, ttl)],
        additional: Vec::new(),
        security: Security::Unchecked,
        stale: false,
        hearsay: false,
    }
}

/// The SOA record by which clients keep a denial for `ttl` seconds (RFC 2308 section 5).
pub(crate) fn soa(zone: &Name, ttl: u32) -> RRset {
    const SERVER_AND_CONTACT: &[u8] = b"\x07blocked\x07invalid\0\x06nobody\x07invalid\0";
    let times = [1, 3600, 1200, 604_800, ttl].map(u32::to_be_bytes);
    let rdata = [SERVER_AND_CONTACT, times.as_flattened()].concat();
    RRset::new(zone.clone(), Rtype::SOA, ttl, Records::from_iter([rdata]))
}
