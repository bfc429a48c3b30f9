//! The requests of a secondary server.

use zoners_dns::{Name, Rtype};

const HEADER_OCTETS: usize = 12;
/// Class IN.
const CLASS: [u8; 2] = [0, 1];
/// A pointer to the name of the question.
const OWNER: [u8; 2] = [0xC0, HEADER_OCTETS as u8];

/// The question for the SOA record of a zone.
#[must_use]
pub fn soa_request(apex: &Name, id: u16) -> Vec<u8> {
    request(apex, id, Rtype::SOA, 0)
}

/// The request for a whole zone (RFC 5936 section 2.1).
#[must_use]
pub fn axfr_request(apex: &Name, id: u16) -> Vec<u8> {
    request(apex, id, Rtype::AXFR, 0)
}

/// The request for the differences from a version (RFC 1995 section 3): its SOA record stands in the authority section.
#[must_use]
pub fn ixfr_request(apex: &Name, soa_rdata: &[u8], id: u16) -> Vec<u8> {
    let mut octets = request(apex, id, Rtype::IXFR, 1);
    octets.extend(OWNER);
    octets.extend(Rtype::SOA.to_int().to_be_bytes());
    octets.extend(CLASS);
    octets.extend([0; 4]);
    // An SOA record has two names and five numbers.
    octets.extend((soa_rdata.len() as u16).to_be_bytes());
    octets.extend(soa_rdata);
    octets
}

/// A query without RD, whose authority section will have so many records.
fn request(apex: &Name, id: u16, rtype: Rtype, authorities: u8) -> Vec<u8> {
    let mut octets = id.to_be_bytes().to_vec();
    octets.extend([0, 0, 0, 1, 0, 0, 0, authorities, 0, 0]);
    octets.extend(apex.as_slice());
    octets.extend(rtype.to_int().to_be_bytes());
    octets.extend(CLASS);
    octets
}
