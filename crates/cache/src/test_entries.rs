//! Entries for tests of what is discarded.

use zoners_dns::{Moment, RRset, Records, Rtype, Security, name, zonefile};

use crate::{Cache, Denial, Rank};

/// The time of the tests.
pub(crate) const NOW: Moment = Moment::from_millis(1_000_000);

/// Inserts an RRset of type A and a denial of type AAAA for a name; the RRset.
pub(crate) fn insert_rrset_and_denial(cache: &Cache, text: &str, security: Security) -> RRset {
    let owner = name::parse(text).unwrap();
    let set = RRset::new(owner.clone(), Rtype::A, 60, Records::from_iter([[192, 0, 2, 1]]));
    cache.insert_rrset(&set, &[], Rank::Answer, security, NOW);
    let soa = zonefile::parse("@ 60 SOA a. b. 1 2 3 4 60", &owner).unwrap().pop();
    let denial = Denial { security, ..Denial::new(soa, vec![]) };
    cache.insert_nodata(&owner, Rtype::AAAA, &denial, NOW);
    set
}
