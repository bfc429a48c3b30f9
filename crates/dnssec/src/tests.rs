//! Tables of cases for verification, DS matching, denial proofs and rollover.

mod delegation_signer;
mod denials_by_hash;
mod denials_by_name;
mod key_states;
mod signatures;
mod signer;

use zoners_dns::{Name, RRset, name, zonefile};

fn parsed(text: &str) -> Name {
    name::parse(text).unwrap()
}

/// The RRset of zone-file text.
fn rrset(text: &str) -> RRset {
    zonefile::parse(text, &name::root()).unwrap().remove(0)
}
