//! Where the records of a transfer go.

use zoners_dns::{Name, ZoneRecord};

use super::TransferFault;
use crate::builder::ZoneBuilder;
use crate::zone::{AuthoritativeZone, Soa};

/// The zone of a transfer: the version at hand, and drafts of the next version.
pub trait TransferTarget {
    /// The next version while it comes in.
    type Draft: VersionDraft;

    /// The apex.
    fn apex(&self) -> &Name;

    /// The numbers of the version at hand.
    fn known(&self) -> Option<Soa>;

    /// A draft without records.
    ///
    /// # Errors
    /// The draft cannot be begun.
    fn whole(&self) -> Result<Self::Draft, TransferFault>;

    /// A draft with the records of the version at hand.
    ///
    /// # Errors
    /// There is no version at hand, or the draft cannot be begun.
    fn changed(&self) -> Result<Self::Draft, TransferFault>;
}

/// The next version of a zone while the records come in.
pub trait VersionDraft {
    /// The finished version.
    type Version;

    /// Adds a record.
    ///
    /// # Errors
    /// The zone is too large, or cannot be written.
    fn add(&mut self, record: ZoneRecord) -> Result<(), TransferFault>;

    /// Removes a record; the TTL does not count.
    ///
    /// # Errors
    /// The zone is known to lack the record, or the differences are too large.
    fn remove(&mut self, record: &ZoneRecord) -> Result<(), TransferFault>;

    /// Finishes the version.
    ///
    /// # Errors
    /// The records are no zone, a removed record was not there, or the zone cannot be written.
    fn finish(self) -> Result<Self::Version, TransferFault>;
}

impl VersionDraft for ZoneBuilder {
    type Version = AuthoritativeZone;

    fn add(&mut self, record: ZoneRecord) -> Result<(), TransferFault> {
        ZoneBuilder::add(self, record).map_err(TransferFault::Zone)
    }

    fn remove(&mut self, record: &ZoneRecord) -> Result<(), TransferFault> {
        match ZoneBuilder::remove(self, record) {
            true => Ok(()),
            false => Err(TransferFault::Diverges),
        }
    }

    fn finish(self) -> Result<AuthoritativeZone, TransferFault> {
        self.build().map_err(TransferFault::Zone)
    }
}
