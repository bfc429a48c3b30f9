//! How far a transfer has come.

use zoners_dns::ZoneRecord;

use super::{TransferFault, ZoneChanges};
use crate::builder::ZoneBuilder;

/// What the next record may be.
#[derive(Debug)]
pub(super) enum TransferStage {
    /// The first SOA record, of the new version.
    Begin,
    /// Differences or the whole zone.
    Second(NewVersion),
    /// A record of the whole zone, or the first SOA record again.
    Whole(NewVersion, ZoneBuilder),
    /// A record to remove, or the SOA record after which records are added.
    Removing(NewVersion, Differences),
    /// A record to add, or the SOA record of the next difference or of the end.
    Adding(NewVersion, Differences),
    /// No record.
    Ended(NewVersion, Differences),
    /// A fault has come.
    Failed,
}

/// The SOA record that begins and ends a transfer.
#[derive(Debug)]
pub(super) struct NewVersion {
    pub(super) record: ZoneRecord,
    pub(super) serial: u32,
}

/// A zone while differences are applied.
#[derive(Debug)]
pub(super) struct Differences {
    pub(super) builder: ZoneBuilder,
    /// The serial that the zone has by now.
    pub(super) serial: u32,
    /// The differences; `None` while the whole zone comes.
    pub(super) changes: Option<ZoneChanges>,
}

impl NewVersion {
    /// The end of a whole zone: the first SOA record again.
    pub(super) fn end_whole(
        self,
        record: &ZoneRecord,
        builder: ZoneBuilder,
    ) -> Result<TransferStage, TransferFault> {
        if record.rdata != self.record.rdata {
            return Err(TransferFault::ChangedMeanwhile);
        }
        let end = Differences { builder, serial: self.serial, changes: None };
        Ok(TransferStage::Ended(self, end))
    }
}

impl Differences {
    pub(super) fn add(&mut self, record: ZoneRecord) -> Result<(), TransferFault> {
        self.builder.add(record.clone()).map_err(TransferFault::Zone)?;
        self.note(record, true);
        Ok(())
    }

    pub(super) fn remove(&mut self, record: ZoneRecord) -> Result<(), TransferFault> {
        if !self.builder.remove(&record) {
            return Err(TransferFault::Diverges);
        }
        self.note(record, false);
        Ok(())
    }

    fn note(&mut self, record: ZoneRecord, is_added: bool) {
        self.changes
            .iter_mut()
            .for_each(|changes| changes.records.push((record.clone(), is_added)));
    }
}
