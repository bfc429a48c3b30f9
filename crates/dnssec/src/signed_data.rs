//! What a signature is over (RFC 4034 section 3.1.8.1).

use bytes::{BufMut, Bytes};
use domain::base::rdata::ComposeRecordData;
use zoners_dns::{Name, RRset, name};

use crate::rrsig::{Rrsig, labels};

/// The octets that `rrsig` signs if it covers `set`: its own fields, then the records in canonical
/// form and order, each once (RFC 4034 section 6.3).
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

/// The owner in lower case; of a wildcard's expansion the wildcard (RFC 4035 section 5.3.2).
fn signed_owner(owner: &Name, rrsig: &Rrsig) -> Name {
    let owner = name::lowercase(owner);
    if labels(&owner) <= usize::from(rrsig.labels) {
        return owner;
    }
    let encloser = name::ancestor(&owner, usize::from(rrsig.labels));
    wildcard(&encloser).unwrap_or(owner)
}

/// The wildcard right below `encloser`. `None` if that would be too long.
#[must_use]
pub fn wildcard(encloser: &Name) -> Option<Name> {
    Name::from_octets(Bytes::from([b"\x01*", encloser.as_slice()].concat())).ok()
}

/// The RDATA in canonical form: names of the types that RFC 4034 section 6.2 lists in lower case.
/// What does not parse is taken as it is.
fn canonical_rdata(set: &RRset) -> Vec<Vec<u8>> {
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
