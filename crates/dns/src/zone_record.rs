//! A record of a zone by itself, as zone files and zone transfers have records.

use domain::base::iana::Rtype;

use crate::name::Name;

/// A record of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecord {
    /// The owner name.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The RDATA, with uncompressed names.
    pub rdata: Box<[u8]>,
}
