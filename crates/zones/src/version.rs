//! A version of a zone, in memory or on the disk.

use std::sync::Arc;

use bytes::Bytes;
use zoners_dns::{Name, Rtype};

use crate::stored::StoredZone;
use crate::table::ZoneCopy;
use crate::zone::{AuthoritativeZone, Soa};

/// A version of a zone.
#[derive(Clone, Debug)]
pub enum ZoneVersion {
    /// In memory, to answer questions.
    Loaded(Arc<AuthoritativeZone>),
    /// On the disk.
    Stored(Arc<StoredZone>),
}

impl ZoneVersion {
    /// The apex.
    #[must_use]
    pub fn apex(&self) -> &Name {
        match self {
            ZoneVersion::Loaded(zone) => zone.apex(),
            ZoneVersion::Stored(zone) => zone.apex(),
        }
    }

    /// The numbers of the SOA record.
    #[must_use]
    pub fn soa(&self) -> Soa {
        match self {
            ZoneVersion::Loaded(zone) => zone.soa(),
            ZoneVersion::Stored(zone) => zone.soa(),
        }
    }

    /// The RDATA of the SOA record.
    #[must_use]
    pub fn soa_rdata(&self) -> Bytes {
        match self {
            ZoneVersion::Loaded(zone) => {
                let soa = zone.rrset(zone.apex(), Rtype::SOA).and_then(|set| set.records.first());
                soa.unwrap_or_default()
            }
            ZoneVersion::Stored(zone) => Bytes::copy_from_slice(zone.soa_rdata()),
        }
    }
}

impl From<ZoneVersion> for ZoneCopy {
    fn from(version: ZoneVersion) -> Self {
        match version {
            ZoneVersion::Loaded(zone) => ZoneCopy::Loaded(zone),
            ZoneVersion::Stored(zone) => ZoneCopy::Stored(zone),
        }
    }
}
