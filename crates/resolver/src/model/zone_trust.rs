//! The outcome of building a chain of trust down to a zone.

use std::sync::Arc;

use zoners_dnssec::dnskey::Dnskey;

/// What a zone's records are held against.
#[derive(Clone, Debug)]
pub(crate) enum ZoneTrust {
    /// These keys.
    Signed(Arc<Vec<Dnskey>>),
    /// Nothing: the zone is as good as unsigned.
    Unsigned,
}
