//! The data under a signature (RFC 4034 section 3.1.8.1).

use bytes::{BufMut, Bytes};
use domain::base::rdata::ComposeRecordData;
use zoners_dns::{Name, RRset, name};

use crate::rrsig::{Rrsig, labels};

/// The octets that `rrsig` signs if it covers `set`: the fields of the RRSIG record, then the
/// records of `set` in canonical form and order, without duplicates (RFC 4034 section 6.3).
#[must_use]
pub fn compose(set: &RRset, rrsig: &Rrsig) -> Vec<u8> {
    let owner = signed_owner(&set.owner, rrsig);
    let mut records = canonical_rdata(set);
    records.sort_unstable();
    records.dedup();
    let mut data = rrsig.head.clone();
    for rdata in records {
        data.put_slice(owner.as_slice());
        data.put_u16(set.rtype.to_int());
        data.put_u16(1);
        data.put_u32(rrsig.original_ttl);
        data.put_u16(rdata.len() as u16);
        data.put_slice(&rdata);
    }
    data
}

/// The owner in lower case. If the RRset was expanded, the wildcard is the owner (RFC 4035 section
/// 5.3.2).
fn signed_owner(owner: &Name, rrsig: &Rrsig) -> Name {
    let owner = name::lowercase(owner);
    if labels(&owner) <= usize::from(rrsig.labels) {
        return owner;
    }
    let encloser = name::ancestor(&owner, usize::from(rrsig.labels));
    wildcard(&encloser).unwrap_or(owner)
}

/// The wildcard directly below `encloser`. `None` if the name would be too long.
#[must_use]
pub fn wildcard(encloser: &Name) -> Option<Name> {
    Name::from_octets(Bytes::from([b"\x01*", encloser.as_slice()].concat())).ok()
}

/// The RDATA of each record in canonical form: names in lower case, for the types that RFC 4034 section 6.2 lists.
/// RDATA that does not parse is used unchanged.
#[must_use]
pub fn canonical_rdata(set: &RRset) -> Vec<Vec<u8>> {
    let plain = || set.records.iter().map(|rdata| rdata.to_vec()).collect();
    let parsed: Vec<_> = set.parsed().collect();
    if parsed.len() != set.records.len() {
        return plain();
    }
    let mut canonical = Vec::with_capacity(parsed.len());
    for record in parsed {
        let mut rdata = Vec::new();
        if record.data().compose_canonical_rdata(&mut rdata).is_err() {
            return plain();
        }
        canonical.push(rdata);
    }
    canonical
}
