//! How far a transfer has come.

use zoners_dns::ZoneRecord;

use super::{TransferFault, VersionDraft};

/// What the next record may be.
#[derive(Debug)]
pub(super) enum TransferStage<D> {
    /// The first SOA record, of the new version.
    Begin,
    /// Differences or the whole zone.
    Second(NewVersion),
    /// A record of the whole zone, or the first SOA record again.
    Whole(NewVersion, D),
    /// A record to remove, or the SOA record after which records are added.
    Removing(NewVersion, Differences<D>),
    /// A record to add, or the SOA record of the next difference or of the end.
    Adding(NewVersion, Differences<D>),
    /// No record.
    Ended(NewVersion, ReceivedDraft<D>),
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
pub(super) struct Differences<D> {
    pub(super) draft: D,
    /// The serial that the zone has by now.
    pub(super) serial: u32,
    /// Records added and removed.
    pub(super) count: u64,
}

/// A zone with all its records.
#[derive(Debug)]
pub(super) struct ReceivedDraft<D> {
    pub(super) draft: D,
    /// Records added and removed; `None` if the whole zone has come.
    pub(super) differences: Option<u64>,
}

impl NewVersion {
    /// The end of a whole zone: the first SOA record again.
    pub(super) fn end_whole<D>(
        self,
        record: &ZoneRecord,
        draft: D,
    ) -> Result<TransferStage<D>, TransferFault> {
        if record.rdata != self.record.rdata {
            return Err(TransferFault::ChangedMeanwhile);
        }
        Ok(TransferStage::Ended(self, ReceivedDraft { draft, differences: None }))
    }
}

impl<D: VersionDraft> Differences<D> {
    pub(super) fn add(&mut self, record: ZoneRecord) -> Result<(), TransferFault> {
        self.count += 1;
        self.draft.add(record)
    }

    pub(super) fn remove(&mut self, record: &ZoneRecord) -> Result<(), TransferFault> {
        self.count += 1;
        self.draft.remove(record)
    }
}
