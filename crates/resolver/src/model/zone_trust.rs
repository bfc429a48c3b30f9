//! The outcome of building a chain of trust down to a zone.

use std::sync::Arc;

use zoners_dnssec::dnskey::Dnskey;

/// The keys for the records of a zone.
#[derive(Clone, Debug)]
pub(crate) enum ZoneTrust {
    /// Proven keys.
    Signed(Arc<Vec<Dnskey>>),
    /// No keys: the zone is unsigned, or counts as unsigned.
    Unsigned,
}
